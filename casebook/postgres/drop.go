package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"bridge/casebook"
)

const (
	unparkSQL = `DELETE FROM bridge.parked WHERE table_schema = $1 AND table_name = $2 AND key = $3 AND document = $4`
	recordSQL = `INSERT INTO bridge.conflicts (type, table_schema, table_name, key, rule, outcome, origin, seq, versions, result)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// Drop is [casebook.Book]'s. The table's row is written before bridge.parked, as when bridge shows a row: so the two wait for each other in one
// order.
func (b *Book) Drop(ctx context.Context, p *casebook.Parked, c *casebook.Case) error {
	return b.transact(ctx, p, func(tx pgx.Tx, t *table, row *casebook.Row) error {
		if err := b.discard(ctx, tx, t, row, p); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, unparkSQL, p.Schema, p.Table, p.Form(), p.Document())
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return p.NotParked()
		}
		return record(ctx, tx, c)
	})
}

func record(ctx context.Context, tx pgx.Tx, c *casebook.Case) error {
	versions, errV := json.Marshal(c.Versions)
	result, errR := json.Marshal(c.Result)
	if err := errors.Join(errV, errR); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, recordSQL, c.Type, c.Schema, c.Table, c.Key, c.Rule, c.Outcome, c.Origin, int64(c.Seq), versions, result)
	return err
}
