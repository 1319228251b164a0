package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/naming"
)

// localColumn is a column as this database has it.
type localColumn struct {
	Type     string // as format_type(oid, -1) prints it under search_path = pg_catalog
	Base     string // the same of what a domain is over, in the end
	Equality string // by which internal/postgres.Normalizer knows when two values are equal
	Fixed    bool   // GENERATED ALWAYS AS IDENTITY: an INSERT may set it, an UPDATE may not
	Computed bool   // GENERATED ALWAYS AS (expression): never set
	Equals   string // the = of its type, qualified: extensions' types have their own
	Leads    bool   // an index of all rows finds its values
	// Input is the beginning and the end of a call of its type's input function, if there's a cast from
	// text, which may read another text than the one that the type prints ('-'::text::regclass is an error).
	Input [2]string
}

// value is the SQL that makes a value of the column's type of a text.
func (c *localColumn) value(text string) string {
	return c.read(text) + "::" + c.Type // for a domain over the type, and its checks
}

// sought is the SQL that makes of a text what the column's values are compared with. It may be a value that the column
// doesn't take: then it's found nowhere.
func (c *localColumn) sought(text string) string {
	if c.Base == "integer" || c.Base == "smallint" {
		return text + "::bigint" // indexes serve it
	}
	return c.read(text) + "::" + c.Base
}

func (c *localColumn) read(text string) string {
	if c.Input[0] == "" {
		return text
	}
	return c.Input[0] + text + c.Input[1]
}

// loadTable reads the columns of a table of the streams, whose names here are t's. A table or column that's missing here
// is the operator's to add: the origin's stream waits for it.
func loadTable(ctx context.Context, conn *pgx.Conn, t, stream *change.Table) (map[string]localColumn, error) {
	rows, err := conn.Query(ctx, `
SELECT a.attname::text, format_type(a.atttypid, -1), format_type(base.oid, -1), CASE base.typtype WHEN 'e' THEN 'enum' ELSE format_type(base.oid, -1) END,
       a.attidentity = 'a', a.attgenerated <> '', `+postgres.BaseEqualsSQL+`,
       EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
               WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND (i.indkey::int2[])[0] = a.attnum AND m.amname IN ('btree', 'hash')),
       coalesce(input.opening, ''), coalesce(input.closing, '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace s ON s.oid = c.relnamespace
CROSS JOIN LATERAL (
  WITH RECURSIVE base(oid) AS (
    SELECT a.atttypid UNION ALL SELECT t.typbasetype FROM base JOIN pg_type t USING (oid) WHERE t.typtype = 'd')
  SELECT t.* FROM base JOIN pg_type t USING (oid) WHERE t.typtype <> 'd') AS base
LEFT JOIN LATERAL (
  SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' AS opening, '::cstring'
         || CASE p.pronargs WHEN 3 THEN ', ' || CASE base.typelem WHEN 0 THEN base.oid ELSE base.typelem END || '::oid, -1)' ELSE ')' END AS closing
  FROM pg_cast k JOIN pg_proc p ON p.oid = base.typinput JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE k.casttarget = base.oid AND k.castsource = 'text'::regtype AND k.castmethod = 'f') AS input ON true
WHERE s.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`,
		t.Schema, t.Name)
	if err != nil {
		return nil, err
	}
	columns := map[string]localColumn{}
	var name string
	var c localColumn
	_, err = pgx.ForEachRow(rows, []any{&name, &c.Type, &c.Base, &c.Equality, &c.Fixed, &c.Computed, &c.Equals, &c.Leads, &c.Input[0], &c.Input[1]}, func() error {
		columns[name] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", t, err)
	}
	table := naming.Both(t.String(), stream.String())
	if len(columns) == 0 {
		return nil, fmt.Errorf("%w: table %s isn't in this database; create it as in the other regions, and it goes on by itself", apply.ErrRefused, table)
	}
	for i, col := range t.Columns {
		local, ok := columns[col.Name]
		if !ok {
			return nil, fmt.Errorf("%w: table %s lacks column %s of type %s; ALTER TABLE %s ADD COLUMN %s %s, and it goes on by itself",
				apply.ErrRefused, table, naming.Both(col.Name, stream.Columns[i].Name), col.Type, postgres.QuoteTable(t.TableName), postgres.Quote(col.Name), col.Type)
		}
		if local.Computed && col.Key {
			return nil, fmt.Errorf("%w: table %s: key column %s is generated here; drop its expression", apply.ErrRefused, table, naming.Both(col.Name, stream.Columns[i].Name))
		}
	}
	return columns, nil
}
