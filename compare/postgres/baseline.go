package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/jackc/pgx/v5"

	"bridge/internal/postgres"
	"bridge/wire"
)

// Baseline reads every row of the replicated tables in the snapshot of that name, which the caller keeps alive:
// how many there are, and the sum of their hashes. It's the same in regions that hold the same rows, in
// whatever order and on whatever version of the server.
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
			t := wire.TableBaseline{TableName: tables[i].TableName, Definition: tables[i].Fingerprint()}
			var sum string
			if err := tx.QueryRow(ctx, r.tables[t.TableName].sumSQL()).Scan(&t.Rows, &sum); err != nil {
				return fmt.Errorf("read %s: %w", t.TableName, err)
			}
			if t.Content, err = low64(sum); err != nil {
				return fmt.Errorf("read %s: %w", t.TableName, err)
			}
			baseline = append(baseline, t)
		}
		return nil
	})
	return baseline, err
}

// low64 is a whole number of any size modulo 2^64.
func low64(number string) (uint64, error) {
	n, ok := new(big.Int).SetString(number, 10)
	if !ok {
		return 0, errors.New("the sum of hashes isn't a number")
	}
	return n.Mod(n, new(big.Int).Lsh(big.NewInt(1), 64)).Uint64(), nil
}
