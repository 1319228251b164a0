package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/postgres"
)

// sequence gives a column of a replicated table its numbers.
type sequence struct {
	name, table change.TableName
	column      string
	increment   int64
	visible     bool   // whether the role may see where it stands
	last        *int64 // the last number given out; nil when there's none, or when it isn't visible
}

// sequences finds those that give replicated rows their numbers. Two regions that count alone give out
// the same numbers; stepping by the number of regions, each from its own remainder, they never do.
func (c *checker) sequences(ctx context.Context) error {
	n := int64(len(c.Regions))
	if n < 2 {
		return nil
	}
	mine := int64(slices.Index(c.Regions, c.Region))
	list, err := c.loadSequences(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[i]
		takes := fmt.Sprintf("column %q takes its values from sequence %s, ", s.column, s.name)
		name := postgres.QuoteTable(s.name)
		strides := s.increment == n
		if strides && !s.visible {
			c.add(Warning, s.table.String(), takes+fmt.Sprintf("and role %s may not see where that stands: whether two regions would give out the same number can't be told", c.role),
				fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON SEQUENCE %s TO %[2]s;", postgres.Quote(s.name.Schema), postgres.Quote(c.role), name))
			continue
		}
		if strides {
			at, err := c.standsAt(ctx, s)
			if err != nil {
				return err
			}
			if (at%n+n)%n == mine {
				continue
			}
		}
		c.add(Warning, s.table.String(), takes+"which each region counts alone: two regions would give out the same number",
			fmt.Sprintf("in this region: ALTER SEQUENCE %s INCREMENT BY %d; SELECT setval(%s, (SELECT (last_value / %[2]d + 1) * %[2]d + %[4]d FROM %[1]s));",
				name, n, postgres.Literal(name), mine))
	}
	return nil
}

// standsAt is the last number that a sequence gave out or, if it never did, the first that it will.
func (c *checker) standsAt(ctx context.Context, s *sequence) (at int64, err error) {
	if s.last != nil {
		return *s.last, nil
	}
	if err := c.conn.QueryRow(ctx, `SELECT last_value FROM `+postgres.QuoteTable(s.name)).Scan(&at); err != nil {
		return 0, fmt.Errorf("read sequence %s: %w", s.name, err)
	}
	return at, nil
}

func (c *checker) loadSequences(ctx context.Context) (list []sequence, err error) {
	err = c.each(ctx, func(row pgx.CollectableRow) error {
		var s sequence
		if err := row.Scan(&s.name.Schema, &s.name.Name, &s.table.Schema, &s.table.Name, &s.column, &s.increment, &s.visible, &s.last); err != nil {
			return err
		}
		list = append(list, s)
		return nil
	}, `
SELECT sn.nspname, s.relname, tn.nspname, t.relname, a.attname, q.seqincrement,
       has_schema_privilege(sn.oid, 'USAGE') AND has_sequence_privilege(s.oid, 'SELECT'),
       CASE WHEN has_sequence_privilege(s.oid, 'SELECT') THEN pg_sequence_last_value(s.oid) END
FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
     LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
     JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
                      OR d.classid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
     JOIN pg_class s ON s.relkind = 'S' AND s.oid = CASE WHEN d.deptype = 'i' AND d.classid = 'pg_class'::regclass THEN d.objid ELSE d.refobjid END
     JOIN pg_namespace sn ON sn.oid = s.relnamespace JOIN pg_sequence q ON q.seqrelid = s.oid
WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 3, 4, a.attnum`, c.oids())
	return list, err
}
