package preflight

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/internal/postgres"
	"bridge/value"
)

// oldImages finds tables of which the log must tell what an update changed, and doesn't. A column whose policy changes
// values may hold another one than its origin sent; it must not be sent back unless an application has changed it.
func (c *checker) oldImages(ctx context.Context) error {
	if c.Policy == nil {
		return nil
	}
	return c.each(ctx, func(row pgx.CollectableRow) error {
		var oid uint32
		var column string
		if err := row.Scan(&oid, &column); err != nil {
			return err
		}
		t := c.find(oid)
		if policy := c.Policy(t.TableName, column); policy != value.RefuseValue && t.identity != "f" {
			c.add(Error, t.String(), fmt.Sprintf("column %q has the policy %s under tables.on_unrepresentable, and without complete old rows the log doesn't tell whether an update changed it: "+
				"what the policy stored would be sent back to where the value came from", column, policy),
				"ALTER TABLE "+postgres.QuoteTable(t.TableName)+" REPLICA IDENTITY FULL")
		}
		return nil
	}, `
SELECT a.attrelid, a.attname FROM pg_attribute a
WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey::int2[]))
ORDER BY 1, a.attnum`, c.oids())
}
