package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/compare"
	"bridge/internal/postgres"
	"bridge/value"
)

// table is a table as this database has it. Columns go by the names that they have between the regions.
type table struct {
	compare.Table
	local       change.TableName
	partitioned bool
	columns     map[string]string // their names here
	keys        map[string]keyColumn
}

// quoted is a column in SQL.
func (t *table) quoted(name string) string { return "t." + postgres.Quote(t.columns[name]) }

// keyColumn is what SQL needs to know of a key column.
type keyColumn struct {
	typeName string // without modifiers
	keyType  string // as [postgres.KeyTypesSQL] names it
	equals   string // the = of its type
	binary   bool   // a text of collation "C" as it is
}

// catalogColumn is one column of one table, as the catalog query tells it.
type catalogColumn struct {
	table       change.TableName
	partitioned bool
	name        string // here
	streamName  string // between the regions
	typeName    string // with modifiers
	notNull     bool
	place       int // in the key, from 1; 0 of other columns
	typeOID     uint32
	declared    string // the type for value.Declared: a domain's base type
	labels      []string
	key         keyColumn
}

// catalogSQL reads the columns of all tables that can be replicated. A table's key is its replica identity's
// index, if it names one, or its primary key.
const catalogSQL = `
SELECT n.nspname::text, c.relname::text, c.relkind = 'p', a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       coalesce(k.n, 0)::int, a.atttypid,
       CASE WHEN b.isdomain THEN format_type(b.oid, b.typmod) ELSE format_type(a.atttypid, a.atttypmod) END,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = b.oid ORDER BY e.enumsortorder),
       format_type(a.atttypid, -1),
       ` + postgres.EqualsSQL + `,
       coalesce(l.collname = 'C', false)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_collation l ON l.oid = a.attcollation
     CROSS JOIN LATERAL (
       WITH RECURSIVE base(oid, typmod, isdomain) AS (
         SELECT a.atttypid, a.atttypmod, false
         UNION ALL
         SELECT d.typbasetype, d.typtypmod, true FROM base JOIN pg_type d USING (oid) WHERE d.typtype = 'd')
       SELECT base.* FROM base JOIN pg_type USING (oid) WHERE typtype <> 'd') b
     LEFT JOIN LATERAL (
       SELECT u.n FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS u(attnum, n)
       WHERE i.indrelid = c.oid AND i.indisvalid AND u.n <= i.indnkeyatts AND u.attnum = a.attnum
         AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END) k ON true
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'bridge')
ORDER BY 1, 2, a.attname`

// Tables is [compare.Region]'s. The other methods know the tables as they were when it was called last.
func (r *Region) Tables(ctx context.Context) ([]compare.Table, error) {
	columns, err := r.columns(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the tables' definitions: %w", err)
	}
	r.tables = map[change.TableName]*table{}
	var order []*table
	places := map[*table][]catalogColumn{}
	for i := range columns {
		c := &columns[i]
		stream, err := r.scope.Names.Stream(c.table)
		if err != nil {
			return nil, err
		}
		t := r.tables[stream]
		if t == nil {
			t = &table{Table: compare.Table{TableName: stream, Engine: value.Postgres}, local: c.table, partitioned: c.partitioned,
				columns: map[string]string{}, keys: map[string]keyColumn{}}
			r.tables[stream] = t
			order = append(order, t)
		}
		if c.streamName, err = r.scope.Names.StreamColumn(c.table, c.name); err != nil {
			return nil, err
		}
		definition, err := c.definition()
		if err != nil {
			return nil, fmt.Errorf("table %s, column %q: %w", c.table, c.name, err)
		}
		definition.Policy = r.scope.PolicyOf(c.table, c.name)
		t.columns[c.streamName] = c.name
		t.Columns = append(t.Columns, definition)
		if c.place > 0 {
			t.keys[c.streamName] = c.key
			places[t] = append(places[t], *c)
		}
	}
	out := make([]compare.Table, len(order))
	for i, t := range order {
		slices.SortFunc(t.Columns, func(a, b compare.Column) int { return strings.Compare(a.Name, b.Name) })
		key := places[t]
		slices.SortFunc(key, func(a, b catalogColumn) int { return a.place - b.place })
		for _, k := range key {
			t.Key = append(t.Key, k.streamName)
		}
		out[i] = t.Table
	}
	slices.SortFunc(out, func(a, b compare.Table) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

// definition is the column for [compare.Table].
func (c *catalogColumn) definition() (compare.Column, error) {
	v, err := value.Declared(value.Postgres, c.declared)
	if err != nil {
		return compare.Column{}, err
	}
	if len(c.labels) > 0 {
		v = v.WithLabels(c.labels)
	}
	return compare.Column{Name: c.streamName, Type: c.typeName, Declared: c.declared, NotNull: c.notNull, Number: isNumber(c.key.keyType), Value: v}, nil
}

func (r *Region) columns(ctx context.Context) ([]catalogColumn, error) {
	rows, err := r.conn.Query(ctx, catalogSQL)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c catalogColumn, err error) {
		err = row.Scan(&c.table.Schema, &c.table.Name, &c.partitioned, &c.name, &c.typeName, &c.notNull,
			&c.place, &c.typeOID, &c.declared, &c.labels, &c.key.typeName, &c.key.equals, &c.key.binary)
		return c, err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c catalogColumn) bool { return !r.scope.Selected(c.table) })
	return all, r.keyTypes(ctx, all)
}

// keyTypes fills in what a domain's or an enum's values are.
func (r *Region) keyTypes(ctx context.Context, columns []catalogColumn) error {
	var oids []uint32
	for _, c := range columns {
		oids = append(oids, c.typeOID)
	}
	slices.Sort(oids)
	rows, err := r.conn.Query(ctx, postgres.KeyTypesSQL, slices.Compact(oids))
	if err != nil {
		return err
	}
	names := map[uint32]string{}
	var oid uint32
	var name, keyType string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &name, &keyType}, func() error { names[oid] = keyType; return nil }); err != nil {
		return err
	}
	for i := range columns {
		columns[i].key.keyType = names[columns[i].typeOID]
	}
	return nil
}

func isNumber(keyType string) bool {
	switch keyType {
	case "smallint", "integer", "bigint", "oid":
		return true
	}
	return false
}

// canonical is an expression of a key column's text that is equal where the values are: what
// [postgres.Normalizer] does, in SQL.
func (k *keyColumn) canonical(column string) string {
	switch t := k.keyType; {
	case t == "numeric":
		return "trim_scale(" + column + ")::text"
	case t == "real" || t == "double precision":
		return "(" + column + " + 0)::text" // there are two zeros
	case t == "citext" || strings.HasSuffix(t, ".citext"):
		return "lower(" + column + "::text)"
	}
	return column + "::text" // which takes the blanks from a character(n)
}

// order is an expression that sorts as [compare.Selection.Compare] does, if it can be, along the key's index.
func (k *keyColumn) order(column string) string {
	if isNumber(k.keyType) || k.keyType == "uuid" || k.keyType == "bytea" || k.binary {
		return column
	}
	return k.canonical(column) + ` COLLATE "C"`
}
