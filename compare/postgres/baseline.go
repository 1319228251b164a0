package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/compare"
	"bridge/internal/postgres"
	"bridge/wire"
)

// Baseline reads every row of the replicated tables in the snapshot of that name, which the caller keeps alive, and
// sums them up. It's the same in regions that hold the same rows, in whatever order and on whatever engine.
//
// The rows are hashed here, for no server's hash is another engine's. It takes 1.2 to 1.7 times as long as a server's
// SHA-256 of each row (measured with a million rows of six columns).
func (r *Region) Baseline(ctx context.Context, snapshot string) (baseline wire.Baseline, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, r.conn, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET TRANSACTION SNAPSHOT `+postgres.Literal(snapshot)); err != nil {
			return fmt.Errorf("read as of the replication slot's beginning: %w", err)
		}
		tables, err := r.Tables(ctx)
		if err != nil {
			return err
		}
		for i := range tables {
			t, err := r.digest(ctx, &tables[i])
			if err != nil {
				return fmt.Errorf("read %s: %w", tables[i].TableName, err)
			}
			baseline = append(baseline, t)
		}
		return nil
	})
	return baseline, err
}

func (r *Region) digest(ctx context.Context, definition *compare.Table) (wire.TableBaseline, error) {
	t := r.tables[definition.TableName]
	list := make([]string, len(definition.Columns))
	for i := range definition.Columns {
		list[i] = t.quoted(definition.Columns[i].Name)
	}
	d := compare.NewDigest(definition)
	image := make(change.Image, len(list))
	err := r.texts(ctx, "SELECT "+strings.Join(list, ", ")+" FROM "+t.from(), nil, func(values [][]byte) error {
		setTexts(image, values)
		d.Add(image)
		return nil
	})
	return d.Baseline(), err
}
