package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/casebook"
	"bridge/change"
	"bridge/internal/postgres"
)

// table is a case's table as the database has it.
type table struct {
	local   change.TableName
	columns []column
}

type column struct {
	casebook.Column        // its name is the one between the regions
	local           string // quoted
	typ             string
	fixed           bool   // GENERATED ALWAYS AS IDENTITY
	equals          string // the = of its type
}

// own tells for a row a of pg_attribute which values of its own the column can have: a word, and room for it.
const own = `coalesce((SELECT CASE WHEN y.typcategory = 'S' AND y.typtype = 'b' THEN 'text' WHEN y.oid = 'uuid'::regtype THEN 'uuid'
    WHEN y.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 'integer' END FROM pg_type y WHERE y.oid = a.atttypid), ''),
  CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4
    WHEN a.atttypid = 'name'::regtype THEN 63 WHEN a.attlen > 0 THEN a.attlen * 8 - 1 ELSE 0 END`

var ownKinds = map[string]casebook.OwnKind{"text": casebook.OwnText, "uuid": casebook.OwnUUID, "integer": casebook.OwnInteger}

// columnsSQL are a table's columns; those of its key are the ones that capture names rows by.
const columnsSQL = `
SELECT a.attname::text, format_type(a.atttypid, -1), a.attidentity = 'a', a.attgenerated <> '', ` + postgres.EqualsSQL + `,
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey)
          AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END),
  NOT a.attnotnull, ` + own + `
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE s.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`

func (b *Book) table(ctx context.Context, name change.TableName) (*table, error) {
	local, err := b.names.Local(name)
	if err != nil {
		return nil, err
	}
	rows, err := b.conn.Query(ctx, columnsSQL, local.Schema, local.Name)
	if err != nil {
		return nil, explain(err)
	}
	t := &table{local: local}
	var c column
	var kind string
	_, err = pgx.ForEachRow(rows, []any{&c.local, &c.typ, &c.fixed, &c.Generated, &c.equals, &c.Key, &c.Nullable, &kind, &c.Own.Room}, func() error {
		own := c
		own.Own.Kind = ownKinds[kind]
		var err error
		if own.Name, err = b.names.StreamColumn(local, c.local); err != nil {
			return err
		}
		own.local = postgres.Quote(c.local)
		t.columns = append(t.columns, own)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", local, explain(err))
	}
	if len(t.columns) == 0 {
		return nil, fmt.Errorf("table %s: %w", local, casebook.ErrNoTable)
	}
	return t, nil
}

// Row is [casebook.Book]'s.
func (b *Book) Row(ctx context.Context, c *casebook.Case) (*casebook.Row, error) {
	t, err := b.table(ctx, c.TableName())
	if err != nil {
		return nil, err
	}
	return b.row(ctx, t, c, "")
}

// row reads the case's row; lock is what follows the query.
func (b *Book) row(ctx context.Context, t *table, c *casebook.Case, lock string) (*casebook.Row, error) {
	if len(c.Key) == 0 {
		return t.empty(), errors.New("the case is of a whole table, not of a row")
	}
	s := &sql{}
	where, err := t.where(c, s)
	if err != nil {
		return t.empty(), err
	}
	return b.read(ctx, t, where, s, lock)
}

// empty is no row of the table.
func (t *table) empty() *casebook.Row {
	row := &casebook.Row{}
	for i := range t.columns {
		row.Columns = append(row.Columns, t.columns[i].Column)
	}
	return row
}

// read reads a row by a condition.
func (b *Book) read(ctx context.Context, t *table, where string, s *sql, lock string) (*casebook.Row, error) {
	row := t.empty()
	var list []string
	for i := range t.columns {
		list = append(list, "t."+t.columns[i].local)
	}
	text := "SELECT " + strings.Join(list, ", ") + " FROM " + postgres.QuoteTable(t.local) + " AS t WHERE " + where + lock
	// The types' own text, as in the log: a cast to text gives another one of some (true, for t).
	result := b.conn.PgConn().ExecParams(ctx, text, s.params, nil, nil, nil)
	for result.NextRow() {
		row.Values = casebook.Image{}
		for i, v := range result.Values() {
			row.Values[t.columns[i].Name] = nil
			if v != nil {
				value := string(v)
				row.Values[t.columns[i].Name] = &value
			}
		}
	}
	_, err := result.Close()
	return row, explain(err)
}

// sql collects the parameters of a statement.
type sql struct{ params [][]byte }

// value is a parameter of a column's type.
func (s *sql) value(c *column, v *string) string {
	if v == nil {
		s.params = append(s.params, nil)
	} else {
		s.params = append(s.params, []byte(*v))
	}
	return fmt.Sprintf("$%d::%s", len(s.params), c.typ)
}

// where is the condition that a row is the case's.
func (t *table) where(c *casebook.Case, s *sql) (string, error) {
	names := t.key()
	key, err := c.KeyOf(names)
	if err != nil || len(key) == 0 {
		return "", fmt.Errorf("table %s: %w", t.local, errors.Join(err, errNoKey(names)))
	}
	return t.equal(names, key, s)
}

// key are the names of the key's columns.
func (t *table) key() (names []string) {
	for i := range t.columns {
		if t.columns[i].Key {
			names = append(names, t.columns[i].Name)
		}
	}
	return names
}

// equal is the condition that columns have values.
func (t *table) equal(names, values []string, s *sql) (string, error) {
	var on []string
	for n, name := range names {
		i := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == name })
		if i < 0 {
			return "", fmt.Errorf("table %s has no column %q any more", t.local, name)
		}
		col := &t.columns[i]
		on = append(on, fmt.Sprintf("t.%s %s %s", col.local, col.equals, s.value(col, &values[n])))
	}
	return strings.Join(on, " AND "), nil
}

func errNoKey(names []string) error {
	if len(names) > 0 {
		return nil
	}
	return errors.New("it has no key any more that names its rows")
}
