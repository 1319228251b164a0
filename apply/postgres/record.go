package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/conflict"
)

const recordSQL = `INSERT INTO bridge.conflicts
  (type, table_schema, table_name, key, rule, outcome, origin, seq, versions, result, awaits)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, nullif($11, ''))`

// Record is [apply.Session]'s.
func (s *session) Record(ctx context.Context, records []conflict.Record) error {
	batch := &pgx.Batch{}
	for i := range records {
		r := &records[i]
		key, _ := r.Key.Values()
		versions, result, err := apply.Recorded(r)
		if err != nil {
			return err
		}
		batch.Queue(recordSQL, string(r.Type), r.Key.Table.Schema, r.Key.Table.Name, key,
			r.RuleName(), r.Result(), string(r.Incoming.Origin), int64(r.Incoming.Seq), versions, result, string(r.Awaits))
	}
	if err := s.conn.SendBatch(ctx, batch).Close(); err != nil {
		return s.explain(err, nil)
	}
	return nil
}
