package mysql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
)

// loadTable reads the columns of a table of the streams, whose names here are local's. A table or column that's missing
// here is the operator's to add: the origin's stream waits for it.
func loadTable(ctx context.Context, conn *mysql.Conn, local, stream *change.Table) (*table, error) {
	t := &table{Table: local, stream: stream, name: mysql.QuoteTable(local.TableName)}
	here, err := loadColumns(ctx, conn, local.TableName)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", t, err)
	}
	if len(here) == 0 {
		return nil, fmt.Errorf("%w: table %s isn't in this database; create it as in the other regions, and it goes on by itself", apply.ErrRefused, t)
	}
	t.updateOnly = len(here) > len(t.Columns)
	if !t.updateOnly && conn.Flavor() == mysql.MariaDB {
		if t.updateOnly, err = beforeInsert(ctx, conn, local.TableName); err != nil {
			return nil, fmt.Errorf("read the triggers of %s: %w", t, err)
		}
	}
	var key []string
	for name, c := range here {
		if c.key {
			key = append(key, name)
		}
		if c.clock {
			t.clocks = append(t.clocks, c.name)
		}
	}
	slices.Sort(t.clocks)
	for i, column := range t.Columns {
		name := strings.ToLower(column.Name)
		c, ok := here[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("%w: table %s lacks column %s of type %s; ALTER TABLE %s ADD COLUMN %s %s, and it goes on by itself",
				apply.ErrRefused, t, t.columnName(i), column.Type, t.name, mysql.Quote(column.Name), column.Type)
		case c.class == 0:
			return nil, fmt.Errorf("%w: table %s: column %s has type %s here, which bridge doesn't know", apply.ErrRefused, t, t.columnName(i), c.base)
		case c.counts && column.Key && c.class != integer:
			return nil, fmt.Errorf("%w: table %s: key column %s is of %s and counts up by itself; give it an integer type, and it goes on by itself",
				apply.ErrRefused, t, t.columnName(i), c.base)
		case c.generated && column.Key:
			return nil, fmt.Errorf("%w: table %s: key column %s is generated here; drop its expression", apply.ErrRefused, t, t.columnName(i))
		}
		t.columns = append(t.columns, c.column)
		key = slices.DeleteFunc(key, func(k string) bool { return column.Key && k == name })
		if column.Key && !c.key {
			return nil, otherKey(t)
		}
	}
	if len(key) > 0 {
		return nil, otherKey(t)
	}
	if k := &t.columns[t.Keys[0]]; conn.Flavor() == mysql.MariaDB && len(t.Keys) == 1 && k.class == integer && k.base != "year" {
		uniques, err := otherUniques(ctx, conn, local.TableName)
		if err != nil {
			return nil, fmt.Errorf("read the unique keys of %s: %w", t, err)
		}
		t.packable = !uniques
	}
	return t, nil
}

// otherUniques reports whether a table has unique keys beside the primary key.
func otherUniques(ctx context.Context, conn *mysql.Conn, t change.TableName) (bool, error) {
	r, err := conn.One(ctx, "SELECT 1 FROM information_schema.statistics WHERE table_schema = "+mysql.Literal(t.Schema)+
		" AND table_name = "+mysql.Literal(t.Name)+" AND non_unique = 0 AND index_name <> 'PRIMARY' LIMIT 1")
	return len(r.Rows) > 0, err
}

// beforeInsert reports whether a table has triggers that an upsert fires also where it finds its row.
func beforeInsert(ctx context.Context, conn *mysql.Conn, t change.TableName) (bool, error) {
	r, err := conn.One(ctx, "SELECT 1 FROM information_schema.triggers WHERE event_object_schema = "+mysql.Literal(t.Schema)+
		" AND event_object_table = "+mysql.Literal(t.Name)+" AND action_timing = 'BEFORE' AND event_manipulation = 'INSERT' LIMIT 1")
	return len(r.Rows) > 0, err
}

func otherKey(t *table) error {
	return fmt.Errorf("%w: table %s has another primary key here; it must be (%s) as where the rows come from, and then it goes on by itself",
		apply.ErrRefused, t, t.KeyNames())
}

// catalogColumn is a column with what only loadTable asks.
type catalogColumn struct {
	column
	key   bool // of the primary key
	clock bool // ON UPDATE CURRENT_TIMESTAMP
}

// loadColumns reads a table's columns by their names in lower case: to the server, names in whatever case are one.
func loadColumns(ctx context.Context, conn *mysql.Conn, t change.TableName) (map[string]catalogColumn, error) {
	r, err := conn.One(ctx, `SELECT column_name, lower(data_type), column_type, column_key, lower(extra),
		coalesce(numeric_scale, datetime_precision, 0), coalesce(character_set_name, ''), coalesce(collation_name, ''), is_nullable
		FROM information_schema.columns WHERE table_schema = `+mysql.Literal(t.Schema)+` AND table_name = `+mysql.Literal(t.Name))
	if err != nil {
		return nil, err
	}
	out := map[string]catalogColumn{}
	for _, row := range r.Rows {
		var f [9]string
		for i := range f {
			f[i], _ = row[i].Text()
		}
		scale, err := strconv.Atoi(f[5])
		if err != nil {
			return nil, fmt.Errorf("column %s has scale %q", f[0], f[5])
		}
		c := column{name: mysql.Quote(f[0]), base: f[1], class: classes[f[1]], scale: scale, charset: f[6], collation: f[7],
			counts:    strings.Contains(f[4], "auto_increment"),
			generated: strings.Contains(f[4], "virtual generated") || strings.Contains(f[4], "stored generated")}
		c.fills = f[8] == "NO" && (c.counts || c.class == moment && conn.Flavor() == mysql.MariaDB)
		if c.class == label || c.class == labels {
			c.labels = map[string]bool{}
			for _, l := range mysql.Labels(f[2]) {
				c.labels[l] = true
			}
		}
		out[strings.ToLower(f[0])] = catalogColumn{c, f[3] == "PRI", strings.Contains(f[4], "on update")}
	}
	return out, nil
}
