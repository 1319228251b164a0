package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/postgres"
	"bridge/internal/preflight"
)

// LoadConstraints reads the constraints of the selected tables, by table and name, in this database's own names. It needs
// bridge's session settings.
func LoadConstraints(ctx context.Context, conn *pgx.Conn, selected func(change.TableName) bool) ([]*preflight.Constrained, error) {
	l := constraintLoader{conn: conn, selected: selected, byName: map[change.TableName]*constrained{}}
	for _, load := range []func(context.Context) error{l.tables, l.columns, l.unique, l.foreign} {
		if err := load(ctx); err != nil {
			return nil, fmt.Errorf("read the tables' constraints: %w", err)
		}
	}
	return l.list, nil
}

type constraintLoader struct {
	conn     *pgx.Conn
	selected func(change.TableName) bool
	list     []*preflight.Constrained
	byName   map[change.TableName]*constrained
}

// constrained is a table while its constraints are read.
type constrained struct {
	*preflight.Constrained
	columns map[string]keyPart
}

// keyPart is a column, the type that tells which of its values are equal, and why no key that it's in tells that.
type keyPart struct {
	preflight.KeyColumn
	equality string
	untold   string
	// generated says that the log doesn't have it.
	generated bool
}

// each runs a query whose first two columns name a table, and calls f for each row that is about a selected one, with the
// other columns in to.
func (l *constraintLoader) each(ctx context.Context, sql string, to []any, f func(*constrained)) error {
	rows, err := l.conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	var name change.TableName
	_, err = pgx.ForEachRow(rows, append([]any{&name.Schema, &name.Name}, to...), func() error {
		if t := l.byName[name]; t != nil {
			f(t)
		}
		return nil
	})
	return err
}

// tables finds the selected tables.
func (l *constraintLoader) tables(ctx context.Context) error {
	rows, err := l.conn.Query(ctx, `
SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE `+replicable+` ORDER BY 1, 2`)
	if err != nil {
		return err
	}
	var name change.TableName
	_, err = pgx.ForEachRow(rows, []any{&name.Schema, &name.Name}, func() error {
		if l.selected(name) {
			t := &constrained{&preflight.Constrained{TableName: name}, map[string]keyPart{}}
			l.byName[name], l.list = t, append(l.list, t.Constrained)
		}
		return nil
	})
	return err
}

// replicable is a condition on a row c of pg_class and n of pg_namespace: the table can be replicated.
const replicable = `c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'bridge')`

// columns reads what policies ask of columns. A domain is its base type, which may be a domain's, too.
func (l *constraintLoader) columns(ctx context.Context) error {
	var c preflight.KeyColumn
	var untold, keyType string
	var generated bool
	return l.each(ctx, `
SELECT n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
       NOT a.attnotnull AND NOT base.refuses,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
               AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END),
       y.typname IN ('text', 'varchar', 'bpchar', 'citext'),
       CASE WHEN y.typname IN ('varchar', 'bpchar') AND base.modifier > 4 THEN base.modifier - 4 ELSE 0 END,
       CASE WHEN a.attgenerated <> '' THEN 'has a generated column, ' || quote_ident(a.attname)
            WHEN NOT coalesce(o.collisdeterministic, true) THEN 'has a nondeterministic collation' ELSE '' END,
       CASE y.typtype WHEN 'e' THEN 'enum' ELSE format_type(y.oid, -1) END, a.attgenerated <> ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_collation o ON o.oid = a.attcollation
     CROSS JOIN LATERAL (
       WITH RECURSIVE base(oid, modifier, refuses, depth) AS (
         SELECT a.atttypid, a.atttypmod, false, 0
         UNION ALL
         SELECT d.typbasetype, d.typtypmod, base.refuses OR d.typnotnull, depth + 1 FROM base JOIN pg_type d USING (oid) WHERE d.typtype = 'd')
       SELECT * FROM base ORDER BY depth DESC LIMIT 1) base
     JOIN pg_type y ON y.oid = base.oid
WHERE `+replicable+` ORDER BY 1, 2, a.attnum`,
		[]any{&c.Name, &c.Type, &c.Nullable, &c.Naming, &c.Text, &c.Width, &untold, &keyType, &generated}, func(t *constrained) {
			if _, err := postgres.Normalizer(keyType); err != nil && untold == "" {
				untold = fmt.Sprintf("has column %q, of whose type equal values can have different texts (%s)", c.Name, c.Type)
			}
			t.columns[c.Name] = keyPart{c, keyType, untold, generated}
		})
}

// foreign reads the foreign keys.
func (l *constraintLoader) foreign(ctx context.Context) error {
	var f preflight.Foreign
	var columns []string
	return l.each(ctx, `
SELECT n.nspname::text, c.relname::text, k.conname::text, pn.nspname::text, p.relname::text,
       CASE WHEN k.conrelid <> c.oid THEN 'is a single partition''s'
            WHEN p.relispartition THEN 'refers to a partition'
            WHEN NOT k.convalidated THEN 'is NOT VALID'
            WHEN NOT coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) THEN 'is NOT ENFORCED'
            WHEN coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) THEN 'is one of periods' ELSE '' END,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(attnum, n)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.n),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u(attnum, n)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY u.n)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT c.oid UNION SELECT relid::oid FROM pg_partition_tree(c.oid)) part(oid)
     JOIN pg_constraint k ON k.conrelid = part.oid AND k.contype = 'f' AND k.conparentid = 0
     JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE `+replicable+` ORDER BY 1, 2, 3`,
		[]any{&f.Name, &f.Parent.Schema, &f.Parent.Name, &f.Untold, &columns, &f.Refers}, func(t *constrained) {
			parent := l.byName[f.Parent]
			if f.Untold == "" && parent == nil {
				f.Untold = "refers to a table that isn't replicated, " + f.Parent.String()
			}
			f.Columns, f.Untold = t.key(columns, f.Untold)
			if f.Untold == "" {
				_, f.Untold = parent.key(f.Refers, "")
			}
			if f.Untold == "" && !slices.EqualFunc(columns, f.Refers, func(a, b string) bool { return alike(t.columns[a].equality, parent.columns[b].equality) }) {
				f.Untold = "joins columns of types whose texts differ"
			}
			t.Foreign = append(t.Foreign, f)
		})
}

// key are a constraint's columns, and why equal values of them can't be told unless there's a reason already.
func (t *constrained) key(names []string, untold string) ([]preflight.KeyColumn, string) {
	columns := make([]preflight.KeyColumn, len(names))
	for i, name := range names {
		c := t.columns[name] // an expression has none
		columns[i] = c.KeyColumn
		if untold == "" {
			untold = c.untold
		}
	}
	return columns, untold
}

// namedBy reports whether columns name the row: no other one has the same values there.
func (t *constrained) namedBy(columns []string) bool {
	named := false
	for _, c := range t.columns {
		if c.Naming && !slices.Contains(columns, c.Name) {
			return false
		}
		named = named || c.Naming
	}
	return named
}

// alike reports whether equal values of two types that a foreign key joins have the same text.
func alike(a, b string) bool { return a == b || kin[a] != "" && kin[a] == kin[b] }

var kin = map[string]string{
	"smallint": "number", "integer": "number", "bigint": "number", "numeric": "number",
	"text": "text", "character varying": "text",
}

// constraints says what becomes of rows that violate a constraint here after they were fine at their origin.
func (c *checker) constraints(ctx context.Context) error {
	list, err := LoadConstraints(ctx, c.conn, c.Selected)
	if err != nil {
		return err
	}
	for _, t := range list {
		if err := t.Translate(c.Names); err != nil {
			return err
		}
		c.findings = append(c.findings, preflight.WithNext(preflight.Constraints(t, c.Policies[t.Between]), preflight.Constraints(t, c.NextPolicies[t.Between]))...)
	}
	logs, err := c.logging()
	if err != nil {
		return err
	}
	c.findings = append(c.findings, preflight.WithNext(preflight.KeptParents(list, c.Policies, logs), preflight.KeptParents(list, c.NextPolicies, logs))...)
	return nil
}

// logging says of a table by its name between the regions what makes the log carry its whole rows; nothing, where it does.
func (c *checker) logging() (func(change.TableName) (change.TableName, string), error) {
	tables := map[change.TableName]change.TableName{}
	for _, t := range c.tables {
		stream, err := c.Names.Stream(t.TableName)
		if err != nil {
			return nil, err
		}
		if t.identity != "f" {
			tables[stream] = t.TableName
		}
	}
	return func(stream change.TableName) (change.TableName, string) {
		local, keys := tables[stream]
		if !keys {
			return local, ""
		}
		return local, wholeRows(local)
	}, nil
}

// wholeRows is the statement that makes the log carry a table's whole rows.
func wholeRows(table change.TableName) string {
	return "ALTER TABLE " + postgres.QuoteTable(table) + " REPLICA IDENTITY FULL;"
}
