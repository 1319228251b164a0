package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"bridge/internal/postgres"
	"bridge/internal/preflight"
)

// unique reads the unique indexes and the exclusion constraints, but for the index that names rows. What only a partition has is
// its table's.
func (l *constraintLoader) unique(ctx context.Context) error {
	var u preflight.Unique
	var c computed
	var columns, reads []string
	var found []computed
	err := l.each(ctx, `
SELECT n.nspname::text, c.relname::text, x.relname::text, coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), i.indisexclusion,
       CASE WHEN i.indisexclusion THEN 'is an exclusion constraint'
            WHEN NOT i.indimmediate THEN 'is deferrable'
            WHEN NOT i.indisvalid THEN 'isn''t valid: its CREATE INDEX CONCURRENTLY has failed'
            WHEN part.oid <> c.oid THEN 'is a single partition''s'
            WHEN m.amname <> 'btree' OR EXISTS (SELECT FROM unnest(i.indclass::oid[]) AS u(oid) JOIN pg_opclass o USING (oid)
                 WHERE NOT o.opcdefault AND o.opcname NOT IN ('varchar_ops', 'text_pattern_ops', 'varchar_pattern_ops', 'bpchar_pattern_ops'))
            THEN 'has an operator class that isn''t its type''s own'
            WHEN EXISTS (SELECT FROM unnest(i.indcollation::oid[]) AS u(oid) JOIN pg_collation o USING (oid) WHERE NOT o.collisdeterministic)
            THEN 'has a nondeterministic collation' ELSE '' END,
       i.indpred IS NOT NULL OR i.indexprs IS NOT NULL, coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
             JOIN pg_attribute a ON a.attrelid = part.oid AND a.attnum = k.attnum WHERE k.n <= i.indnkeyatts ORDER BY k.n),
       ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = part.oid AND a.attnum > 0
             AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
               OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = part.oid AND d.refobjsubid = a.attnum)) ORDER BY a.attnum),
       parts.expressions, parts.equalities
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT c.oid UNION SELECT relid::oid FROM pg_partition_tree(c.oid)) part(oid)
     JOIN pg_index i ON i.indrelid = part.oid AND (i.indisunique OR i.indisexclusion)
     JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
     CROSS JOIN LATERAL (
       SELECT array_agg(pg_get_indexdef(i.indexrelid, a.attnum::int, false) ORDER BY a.attnum) AS expressions,
              array_agg(CASE base.typtype WHEN 'e' THEN 'enum' ELSE format_type(base.oid, -1) END ORDER BY a.attnum) AS equalities
       FROM pg_attribute a CROSS JOIN LATERAL (
              WITH RECURSIVE base(oid) AS (
                SELECT a.atttypid UNION ALL SELECT t.typbasetype FROM base JOIN pg_type t USING (oid) WHERE t.typtype = 'd')
              SELECT t.* FROM base JOIN pg_type t USING (oid) WHERE t.typtype <> 'd') base
       WHERE a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts) parts
WHERE `+replicable+` AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
  AND NOT CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
ORDER BY 1, 2, 3`,
		[]any{&u.Name, &u.NullsEqual, &u.Exclusion, &u.Untold, &u.Computed, &c.condition, &columns, &reads, &c.expressions, &c.equalities}, func(t *constrained) {
			if u.Computed {
				u.Columns = nil // compute has them
				t.Unique = append(t.Unique, u)
				c.table, c.index, c.reads = t, len(t.Unique)-1, reads
				found = append(found, c)
			} else if u.Columns, u.Untold = t.key(columns, u.Untold); !t.namedBy(columns) {
				t.Unique = append(t.Unique, u)
			}
		})
	for i := 0; i < len(found) && err == nil; i++ {
		err = l.compute(ctx, &found[i])
	}
	return err
}

// computed is a key of expressions, or of the rows that meet a condition.
type computed struct {
	table                          *constrained
	index                          int      // in the table's Unique
	reads, expressions, equalities []string // columns; of each of the key's parts, the expression and the type that tells which values are equal
	condition                      string
}

// compute finds out whether bridge can compute the key, as apply does: by the columns in the log.
func (l *constraintLoader) compute(ctx context.Context, c *computed) error {
	u := &c.table.Unique[c.index]
	if u.Definition = strings.Join(c.expressions, ", "); c.condition != "" {
		u.Definition += " WHERE " + c.condition
	}
	row := make([]string, len(c.reads))
	for i, name := range c.reads {
		column := c.table.columns[name]
		u.Columns = append(u.Columns, column.KeyColumn)
		row[i] = "NULL::" + column.Type + " AS " + postgres.Quote(name)
		if column.generated && u.Untold == "" {
			u.Untold = fmt.Sprintf("reads a generated column, %q", name)
		}
	}
	for i, equality := range c.equalities {
		if _, err := postgres.Normalizer(equality); err != nil && u.Untold == "" {
			u.Untold = fmt.Sprintf("is of %s, of whose type equal values can have different texts (%s)", c.expressions[i], equality)
		}
	}
	if u.Untold != "" {
		return nil
	}
	where := ""
	if c.condition != "" {
		where = " WHERE " + c.condition
	}
	// It may need what bridge's role may not do.
	_, err := l.conn.Exec(ctx, "SELECT ("+strings.Join(c.expressions, "), (")+") FROM (SELECT "+strings.Join(row, ", ")+") AS row"+where)
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		if !postgres.OfRow(server.Code) {
			u.Untold = "can't be computed in bridge's role: " + server.Message
		}
		return nil
	}
	return err
}
