package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/change"
	"bridge/internal/postgres"
	"bridge/visibility"
)

// uniqueName names a unique key between the regions, but for its own name.
type uniqueName struct {
	table change.TableName
	key   string
}

// placing is a unique key that is of expressions, or of the rows that meet a condition, or in which NULLs are equal: what a row takes of it
// is a query of the row's columns.
type placing struct {
	columns     []placingColumn
	expressions []string // of the columns by their own names
	equals      []string // the = of each
	normalize   []change.Normalize
	condition   string // empty is none
	nullsEqual  bool
	known       visibility.Places[string]
}

type placingColumn struct {
	name, stream string // here, and between the regions
	local        localColumn
}

// row is a FROM item, read, of rows made of the query's n-th parameters: by it each is what the function value makes of it.
func (p *placing) row(from string, value func(n int) string) string {
	columns := make([]string, len(p.columns))
	for n, c := range p.columns {
		columns[n] = c.local.read(value(n)) + "::" + c.local.Base + " AS " + postgres.Quote(c.name)
	}
	return "(SELECT " + strings.Join(columns, ", ") + from + ") AS row"
}

// where is the condition for a WHERE clause.
func (p *placing) where() string {
	if p.condition == "" {
		return "true"
	}
	return "(" + p.condition + ")"
}

// find is the statement that locks and reads the rows which take one of the places that the parameters' rows take.
func (p *placing) find(b *builder) *statement {
	var all, parameters, raw, named, on []string
	for i := range b.t.Columns {
		all = append(all, "t."+b.name(i))
	}
	for n := range p.columns {
		parameters = append(parameters, fmt.Sprintf("$%d::text[]", n+1))
		raw = append(raw, fmt.Sprintf("c%d", n))
	}
	for n, expression := range p.expressions {
		// The names mustn't be a column's: the table's expressions aren't qualified.
		sought := fmt.Sprintf(`r."bridge's %d"`, n)
		named = append(named, fmt.Sprintf(`(%s) AS "bridge's %d"`, expression, n))
		equal := fmt.Sprintf("(%s) %s %s", expression, p.equals[n], sought)
		if p.nullsEqual {
			equal = fmt.Sprintf("(%s OR (%s) IS NULL AND %s IS NULL)", equal, expression, sought)
		}
		on = append(on, equal)
	}
	row := p.row(fmt.Sprintf(" FROM unnest(%s) AS u(%s)", strings.Join(parameters, ", "), strings.Join(raw, ", ")), func(n int) string { return fmt.Sprintf("u.c%d", n) })
	return &statement{sql: fmt.Sprintf("SELECT %s FROM (SELECT DISTINCT %s FROM %s WHERE %s) AS r, %s AS t WHERE %s AND %s FOR UPDATE OF t",
		strings.Join(all, ", "), strings.Join(named, ", "), row, p.where(), postgres.QuoteTable(b.t.TableName), strings.Join(on, " AND "), p.where())}
}

// place asks for what a row with such values takes. A row that the database wouldn't take at all takes nothing.
func (p *placing) place(ctx context.Context, conn *pgx.Conn, values []change.Value) (string, error) {
	params := make([][]byte, len(values))
	for n, v := range values {
		if text, ok := v.Text(); ok {
			params[n] = []byte(text)
		}
	}
	named := make([]string, len(p.expressions))
	for n, expression := range p.expressions {
		named[n] = "(" + expression + ")"
	}
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE %s", strings.Join(named, ", "), p.row("", func(n int) string { return fmt.Sprintf("$%d::text", n+1) }), p.where())
	result := conn.PgConn().ExecParams(ctx, sql, params, nil, nil, nil).Read()
	if server, ok := errors.AsType[*pgconn.PgError](result.Err); ok && postgres.OfRow(server.Code) {
		return "", nil
	}
	if result.Err != nil || len(result.Rows) == 0 {
		return "", result.Err
	}
	return p.form(result.Rows[0]), nil
}

// form is a place as one text; empty where NULLs make it none.
func (p *placing) form(values [][]byte) string {
	formed := make([]change.Value, len(values))
	for n, v := range values {
		switch {
		case v == nil && !p.nullsEqual:
			return ""
		case v == nil:
			formed[n] = change.Null
		case p.normalize[n] != nil:
			formed[n] = change.Text(p.normalize[n](string(v)))
		default:
			formed[n] = change.Text(string(v))
		}
	}
	return visibility.Joined(formed)
}

// Place is [visibility.Computing]'s, for the keys that Constraints has told of.
func (t *Target) Place(ctx context.Context, table change.TableName, unique string, values []change.Value) (form string, err error) {
	p := t.forms.placing(table, unique)
	if p == nil || len(values) != len(p.columns) {
		return "", fmt.Errorf("table %s had no unique key %q over %d columns when its constraints were read", table, unique, len(values))
	}
	if form, ok := p.known.Get(values); ok {
		return form, nil
	}
	err = t.catalog.with(ctx, func(conn *pgx.Conn) (err error) {
		form, err = p.place(ctx, conn, values)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("compute what a row of %s takes of unique key %s: %w", table, unique, err)
	}
	p.known.Put(values, form)
	return form, nil
}

// placingsSQL are the unique keys that are of expressions, of the rows that meet a condition, or in which NULLs are equal: what they read, and for each
// of their columns the expression, the name by which Normalizer knows its type's equality, its =, and whether its collation is deterministic.
const placingsSQL = `
SELECT i.indrelid, x.relname::text, coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
       i.indpred IS NOT NULL OR i.indexprs IS NOT NULL,
       CASE WHEN i.indpred IS NULL AND i.indexprs IS NULL THEN (i.indkey::int2[])[0:i.indnkeyatts - 1] ELSE ARRAY(SELECT DISTINCT n FROM (
         SELECT d.refobjsubid::int2 FROM pg_depend d
         WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
         UNION ALL SELECT unnest((i.indkey::int2[])[0:i.indnkeyatts - 1])) AS of(n) WHERE n > 0 ORDER BY n) END,
       key.expressions, key.equalities, key.equals, key.deterministic
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam JOIN pg_class c ON c.oid = i.indrelid
CROSS JOIN LATERAL (
  SELECT array_agg(pg_get_indexdef(i.indexrelid, a.attnum::int, false) ORDER BY a.attnum) AS expressions,
         array_agg(CASE base.typtype WHEN 'e' THEN 'enum' ELSE format_type(base.oid, -1) END ORDER BY a.attnum) AS equalities,
         array_agg(` + postgres.BaseEqualsSQL + ` ORDER BY a.attnum) AS equals, bool_and(coalesce(l.collisdeterministic, true)) AS deterministic
  FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation
       CROSS JOIN LATERAL (
         WITH RECURSIVE base(oid) AS (
           SELECT a.atttypid UNION ALL SELECT t.typbasetype FROM base JOIN pg_type t USING (oid) WHERE t.typtype = 'd')
         SELECT t.* FROM base JOIN pg_type t USING (oid) WHERE t.typtype <> 'd') AS base
  WHERE a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts) AS key
WHERE m.amname = 'btree' AND i.indisunique AND i.indisvalid AND i.indimmediate AND NOT i.indisexclusion
  AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL OR coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false))
  AND NOT CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END ` + plainOpclassesSQL + `
ORDER BY i.indrelid, x.relname`

func (k *keeper) placings(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, placingsSQL)
	if err != nil {
		return err
	}
	type found struct {
		oid           uint32
		name          string
		computed      bool
		numbers       []int16
		equalities    []string
		deterministic bool
		*placing
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f found, err error) {
		f.placing = &placing{}
		return f, row.Scan(&f.oid, &f.name, &f.nullsEqual, &f.condition, &f.computed, &f.numbers, &f.expressions, &f.equalities, &f.equals, &f.deterministic)
	})
	if err != nil {
		return err
	}
	for _, f := range list {
		t := k.byOID[f.oid]
		if t == nil || !f.deterministic || !f.computed && t.isNamedBy(t.numbered(f.numbers)) {
			continue
		}
		if ok, err := k.place(ctx, conn, t, f.placing, f.numbers, f.equalities); err != nil {
			return err
		} else if ok {
			t.addPlacing(f.name, f.computed, f.placing)
		}
	}
	return nil
}

// place completes a placing over columns of these numbers. ok is false if it can't be computed, or compared, by bridge.
func (k *keeper) place(ctx context.Context, conn *pgx.Conn, t *keptTable, p *placing, numbers []int16, equalities []string) (ok bool, err error) {
	for _, equality := range equalities {
		normalize, err := postgres.Normalizer(equality)
		if err != nil || postgres.IsCitext(equality) && !k.folds {
			return false, nil
		}
		p.normalize = append(p.normalize, normalize)
	}
	local, err := k.inward.Names.LocalTable(t.Shape)
	if err != nil {
		return false, err
	}
	columns, err := loadTable(ctx, conn, local, t.Shape)
	if err != nil {
		return false, err
	}
	for _, n := range numbers {
		i := slices.IndexFunc(t.columns, func(c keptColumn) bool { return c.number == n })
		if i < 0 {
			return false, nil // it's generated
		}
		name := local.Columns[i].Name
		p.columns = append(p.columns, placingColumn{name, t.columns[i].name, columns[name]})
	}
	_, err = p.place(ctx, conn, make([]change.Value, len(p.columns))) // it may need what bridge's role may not do
	if _, isServers := errors.AsType[*pgconn.PgError](err); isServers {
		return false, nil
	}
	return err == nil, err
}
