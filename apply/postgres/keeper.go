package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/postgres"
	"bridge/value"
	"bridge/visibility"
)

// Constraints is [apply.Keeper]'s.
func (t *Target) Constraints(ctx context.Context) (visibility.Catalog, error) {
	k := &keeper{Target: t, byOID: map[uint32]*keptTable{}}
	err := t.catalog.with(ctx, func(conn *pgx.Conn) error {
		clear(k.byOID) // it may be the second try
		for _, load := range []func(context.Context, *pgx.Conn) error{k.tables, k.uniques, k.placings, k.foreigns} {
			if err := load(ctx, conn); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the tables' constraints: %w", err)
	}
	catalog := visibility.Catalog{}
	for _, table := range k.byOID {
		if len(table.Unique)+len(table.Foreign)+len(table.Referred) > 0 {
			catalog[table.Shape.TableName] = &table.Table
			t.forms.set(table)
		}
	}
	return catalog, nil
}

// keeper reads the catalog once.
type keeper struct {
	*Target
	byOID map[uint32]*keptTable
	folds bool // whether this database's citext takes letters beyond ASCII for equal to their capitals, as its normalizer does
}

type keptTable struct {
	visibility.Table
	columns  []keptColumn
	placings map[string]*placing // by the keys' names
}

// addPlacing adds a unique key that is computed, or in which NULLs are equal.
func (t *keptTable) addPlacing(name string, computed bool, p *placing) {
	u := visibility.Unique{Name: name, NullsEqual: p.nullsEqual, Computed: computed}
	for _, c := range p.columns {
		u.Columns = append(u.Columns, c.stream)
	}
	t.Unique = append(t.Unique, u)
	if t.placings == nil {
		t.placings = map[string]*placing{}
	}
	t.placings[name] = p
}

// keptColumn is a column of the log.
type keptColumn struct {
	name     string // between the regions
	number   int16
	key      bool
	equality string           // by which Normalizer knows when two values are equal
	form     change.Normalize // nil leaves a text as it is
	unsure   error            // why texts don't tell which values are equal; nil if they do
}

// find finds the columns of a constraint; none where visibility can't tell of one which of its values are equal.
func (t *keptTable) find(numbers []int16) (columns []*keptColumn) {
	for _, n := range numbers {
		i := slices.IndexFunc(t.columns, func(c keptColumn) bool { return c.number == n && c.unsure == nil })
		if i < 0 {
			return nil
		}
		columns = append(columns, &t.columns[i])
	}
	return columns
}

// isNamedBy reports whether the row's key is among columns: no two rows have the same values there.
func (t *keptTable) isNamedBy(columns []*keptColumn) bool {
	return !slices.ContainsFunc(t.columns, func(c keptColumn) bool {
		return c.key && !slices.ContainsFunc(columns, func(d *keptColumn) bool { return d.number == c.number })
	})
}

// numbered are the columns of these numbers that the log has.
func (t *keptTable) numbered(numbers []int16) (columns []*keptColumn) {
	for _, n := range numbers {
		if i := slices.IndexFunc(t.columns, func(c keptColumn) bool { return c.number == n }); i >= 0 {
			columns = append(columns, &t.columns[i])
		}
	}
	return columns
}

func namesOf(columns []*keptColumn) (names []string) {
	for _, c := range columns {
		names = append(names, c.name)
	}
	return names
}

// tablesSQL are the columns, as the log has them, of all tables that can be replicated and have more than a key of their own: a second
// unique index, or an end of a foreign key. A table's own key is its replica identity's index, or its primary key.
const tablesSQL = `
SELECT c.oid, n.nspname::text, c.relname::text, c.relreplident = 'f', a.attname::text, a.attnum, format_type(a.atttypid, -1),
       CASE base.typtype WHEN 'e' THEN 'enum' ELSE format_type(base.oid, -1) END, coalesce(l.collisdeterministic, true),
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
               AND CASE c.relreplident WHEN 'n' THEN false WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_collation l ON l.oid = a.attcollation
     CROSS JOIN LATERAL (
       WITH RECURSIVE base(oid) AS (
         SELECT a.atttypid UNION ALL SELECT t.typbasetype FROM base JOIN pg_type t USING (oid) WHERE t.typtype = 'd')
       SELECT t.* FROM base JOIN pg_type t USING (oid) WHERE t.typtype <> 'd') AS base
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition AND a.attgenerated = ''
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'bridge')
  AND ((SELECT count(*) > 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique)
       OR EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND c.oid IN (k.conrelid, k.confrelid)))
ORDER BY c.oid, a.attnum`

// catalogColumn is a row of tablesSQL.
type catalogColumn struct {
	oid           uint32
	table         change.TableName
	full          bool
	typ           string
	deterministic bool
	keptColumn    // its name is the one here
}

func (k *keeper) tables(ctx context.Context, conn *pgx.Conn) error {
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_encoding') = 'UTF8'`).Scan(&k.folds); err != nil {
		return err
	}
	if k.folds {
		if err := conn.QueryRow(ctx, `SELECT lower('ÄÉЖ' COLLATE "default") = 'äéж'`).Scan(&k.folds); err != nil {
			return err
		}
	}
	rows, err := conn.Query(ctx, tablesSQL)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c catalogColumn, err error) {
		return c, row.Scan(&c.oid, &c.table.Schema, &c.table.Name, &c.full, &c.name, &c.number, &c.typ, &c.equality, &c.deterministic, &c.key)
	})
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(c catalogColumn) bool { return c.oid != list[0].oid })
		if n < 0 {
			n = len(list)
		}
		k.add(list[:n])
		list = list[n:]
	}
	return err
}

// add adds a table of these columns if it's replicated, in the shape in which capture logs it.
func (k *keeper) add(columns []catalogColumn) {
	first := columns[0]
	if k.Selected != nil && !k.Selected(first.table) || !slices.ContainsFunc(columns, func(c catalogColumn) bool { return c.key }) {
		return
	}
	logged := make([]change.Column, len(columns))
	for i, c := range columns {
		logged[i] = change.Column{Name: c.name, Type: c.typ, Key: c.key}
		if len(k.Others) > 0 && c.equality != "enum" { // nobody else knows a domain
			logged[i].Type = c.equality
		}
	}
	shape, err := k.inward.Names.StreamTable(change.NewTable(first.table, logged, first.full).On(string(value.Postgres)))
	if err != nil { // no table between the regions: capture refuses its rows, if there are any
		return
	}
	t := &keptTable{Table: visibility.Table{Shape: shape}}
	for i, c := range columns {
		c.name = shape.Columns[i].Name
		c.form, c.unsure = postgres.Normalizer(c.equality)
		switch {
		case c.unsure != nil:
		case !c.deterministic:
			c.unsure = errors.New("its collation isn't deterministic")
		case postgres.IsCitext(c.equality) && !k.folds:
			c.unsure = errors.New("this database's locale knows small and capital letters of ASCII alone")
		}
		t.columns = append(t.columns, c.keptColumn)
	}
	k.byOID[first.oid] = t
}

// uniquesSQL are the unique keys but those that name rows, and but those of which visibility can't tell what they hold equal.
// Others are placings.
const uniquesSQL = `
SELECT i.indrelid, x.relname::text, (i.indkey::int2[])[0:i.indnkeyatts - 1]
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam JOIN pg_class c ON c.oid = i.indrelid
WHERE m.amname = 'btree' AND i.indisunique AND i.indisvalid AND i.indimmediate AND NOT i.indisexclusion AND i.indpred IS NULL AND i.indexprs IS NULL
  AND NOT coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
  AND NOT CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
  AND NOT EXISTS (SELECT FROM unnest(i.indcollation::oid[]) AS u(oid) JOIN pg_collation l USING (oid) WHERE NOT l.collisdeterministic)` + plainOpclassesSQL + `
ORDER BY i.indrelid, x.relname`

// plainOpclassesSQL leaves out keys by operator classes that may hold other values equal. Of those that aren't their types' defaults it takes
// those that only order in another way.
const plainOpclassesSQL = `
  AND NOT EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS u(oid) JOIN pg_opclass o USING (oid) WHERE NOT o.opcdefault
                  AND o.opcname NOT IN ('varchar_ops', 'text_pattern_ops', 'varchar_pattern_ops', 'bpchar_pattern_ops'))`

func (k *keeper) uniques(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, uniquesSQL)
	if err != nil {
		return err
	}
	var oid uint32
	var u visibility.Unique
	var numbers []int16
	_, err = pgx.ForEachRow(rows, []any{&oid, &u.Name, &numbers}, func() error {
		t := k.byOID[oid]
		if t == nil {
			return nil
		}
		if columns := t.find(numbers); columns != nil && !t.isNamedBy(columns) {
			u.Columns = namesOf(columns)
			t.Unique = append(t.Unique, u)
		}
		return nil
	})
	return err
}

// foreignsSQL are the foreign keys that hold of all rows of both their tables. Those of one partition don't, nor those that were never
// validated, or aren't enforced: their rows may do without a parent.
const foreignsSQL = `
SELECT k.conrelid, k.conname::text, k.conkey, k.confrelid, k.confkey
FROM pg_constraint k
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.convalidated
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AND NOT coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false)
ORDER BY k.conrelid, k.conname`

func (k *keeper) foreigns(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, foreignsSQL)
	if err != nil {
		return err
	}
	var childOID, parentOID uint32
	var f visibility.Foreign
	var numbers, referred []int16
	_, err = pgx.ForEachRow(rows, []any{&childOID, &f.Name, &numbers, &parentOID, &referred}, func() error {
		child, parent := k.byOID[childOID], k.byOID[parentOID]
		if child == nil || parent == nil {
			return nil
		}
		columns, refers := child.find(numbers), parent.find(referred)
		if columns == nil || refers == nil || !slices.EqualFunc(columns, refers, alike) {
			return nil
		}
		f.Columns, f.Parent, f.Refers = namesOf(columns), parent.Shape.TableName, parent.Refer(namesOf(refers))
		child.Foreign = append(child.Foreign, f)
		return nil
	})
	return err
}

// alike reports whether a child's value and the parent's that it names have one form.
func alike(child, parent *keptColumn) bool {
	return child.equality == parent.equality || family[child.equality] != "" && family[child.equality] == family[parent.equality]
}

// family are types that foreign keys may join, and whose texts are alike.
var family = map[string]string{
	"smallint": "number", "integer": "number", "bigint": "number", "numeric": "number",
	"text": "text", "character varying": "text",
}
