package preflight

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/postgres"
)

// triggers finds those that run for applied rows, too.
func (c *checker) triggers(ctx context.Context) error {
	return c.each(ctx, func(row pgx.CollectableRow) error {
		var on change.TableName
		var name string
		if err := row.Scan(&on.Schema, &on.Name, &name); err != nil {
			return err
		}
		c.add(Warning, on.String(), fmt.Sprintf("trigger %q is ENABLE ALWAYS or REPLICA, so it runs again for rows that bridge applies; what it writes isn't shipped and makes regions differ", name),
			"ALTER TABLE "+postgres.QuoteTable(on)+" ENABLE TRIGGER "+postgres.Quote(name)+"; unless it writes nothing")
		return nil
	}, `
SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgenabled IN ('A', 'R') AND coalesce(pg_partition_root(c.oid)::oid, c.oid) = ANY ($1) ORDER BY 1, 2, 3`, c.oids())
}

// rules finds those that rewrite what apply writes.
func (c *checker) rules(ctx context.Context) error {
	return c.each(ctx, func(row pgx.CollectableRow) error {
		var oid uint32
		var name string
		if err := row.Scan(&oid, &name); err != nil {
			return err
		}
		t := c.find(oid)
		c.add(Error, t.String(), fmt.Sprintf("rule %q is ENABLE ALWAYS or REPLICA, so it rewrites what bridge applies", name),
			"ALTER TABLE "+postgres.QuoteTable(t.TableName)+" ENABLE RULE "+postgres.Quote(name)+";")
		return nil
	}, `
SELECT ev_class, rulename FROM pg_rewrite WHERE ev_class = ANY ($1) AND ev_enabled IN ('A', 'R') ORDER BY 1, 2`, c.oids())
}

// deferrable finds constraints that applied rows would break without an error.
func (c *checker) deferrable(ctx context.Context) error {
	list, err := postgres.Deferrables(ctx, c.conn, c.oids())
	for i := range list {
		if d := &list[i]; !d.Key { // that's the key's finding
			c.add(Error, c.find(d.Table).String(), d.String()+": duplicates would stay unnoticed", d.Fix)
		}
	}
	return err
}
