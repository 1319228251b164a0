package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/change"
)

// Deferrable is a unique or exclusion constraint whose check is a trigger at the end of the statement or the transaction.
// Those triggers don't run under session_replication_role = replica, so applied rows would break it
// without an error (seen on PostgreSQL 15 and 18).
type Deferrable struct {
	Table uint32           // OID asked for
	On    change.TableName // the table, or the partition of it that has the constraint
	Name  string
	// Key is whether it's the one that names rows in the log.
	Key bool
	// Fix is the statement that makes it an immediate one.
	Fix string
}

// Deferrables finds such constraints of tables and their partitions.
func Deferrables(ctx context.Context, conn *pgx.Conn, tables []uint32) ([]Deferrable, error) {
	rows, err := conn.Query(ctx, `
SELECT r.oid, n.nspname, c.relname, k.conname,
       CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END,
       regexp_replace(pg_get_constraintdef(k.oid), ' DEFERRABLE( INITIALLY DEFERRED)?$', '')
FROM unnest($1::oid[]) r(oid)
     JOIN pg_class c ON c.oid = r.oid OR c.oid IN (SELECT relid FROM pg_partition_tree(r.oid))
     JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_constraint k ON k.conrelid = c.oid JOIN pg_index i ON i.indexrelid = k.conindid
WHERE k.contype IN ('p', 'u', 'x') AND k.condeferrable AND k.conparentid = 0 ORDER BY 2, 3, 4`, tables)
	if err == nil {
		var list []Deferrable
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Deferrable, err error) {
			var definition string
			err = row.Scan(&d.Table, &d.On.Schema, &d.On.Name, &d.Name, &d.Key, &definition)
			name := Quote(d.Name)
			d.Fix = "ALTER TABLE " + QuoteTable(d.On) + " DROP CONSTRAINT " + name + ", ADD CONSTRAINT " + name + " " + definition + ";"
			return d, err
		})
		if err == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("look for deferrable constraints: %w", err)
}

func (d *Deferrable) String() string {
	return fmt.Sprintf("constraint %s of table %s is DEFERRABLE, and PostgreSQL doesn't check such constraints for applied rows", Quote(d.Name), d.On)
}
