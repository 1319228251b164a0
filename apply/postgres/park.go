package postgres

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/change"
	"bridge/visibility"
)

const (
	parkSQL = `INSERT INTO bridge.parked
  (table_schema, table_name, key, image, shown, claim_time, claim_origin, reason, constraint_name, document)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (table_schema, table_name, key) DO UPDATE SET image = excluded.image, shown = excluded.shown, claim_time = excluded.claim_time,
  claim_origin = excluded.claim_origin, reason = excluded.reason, constraint_name = excluded.constraint_name, document = excluded.document`
	unparkSQL = `DELETE FROM bridge.parked WHERE table_schema = $1 AND table_name = $2 AND key = $3`
)

// Park is [apply.Session]'s.
func (s *session) Park(ctx context.Context, put []visibility.Parked, away []change.Key) error {
	batch := &pgx.Batch{}
	for i := range put {
		if err := queuePark(batch, &put[i]); err != nil {
			return err
		}
	}
	for _, key := range away {
		values, ok := key.Values()
		if !ok {
			return fmt.Errorf("key %s of a parked row isn't one", key)
		}
		batch.Queue(unparkSQL, key.Table.Schema, key.Table.Name, values)
	}
	if s.marker != nil {
		if err := s.round(ctx, func(*pgconn.Pipeline) {}, func(*results) {}); err != nil {
			return s.explain(err, nil)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := s.conn.SendBatch(ctx, batch).Close(); err != nil {
		return s.explain(fmt.Errorf("write bridge.parked: %w", err), nil)
	}
	return nil
}

func queuePark(batch *pgx.Batch, p *visibility.Parked) error {
	values, ok := p.Key.Values()
	if !ok {
		return fmt.Errorf("key %s of a row to be parked isn't one", p.Key)
	}
	document, err := p.Document()
	if err != nil {
		return err
	}
	image, err := readable(p.Table, p.Image)
	if err != nil {
		return err
	}
	shown, err := readable(p.Table, p.Shown)
	if err != nil {
		return err
	}
	batch.Queue(parkSQL, p.Key.Table.Schema, p.Key.Table.Name, values, image, shown, int64(p.Claim.Time), string(p.Claim.Origin),
		string(p.Reason), p.Constraint, string(document))
	return nil
}

// readable is an image as JSON for people: nil of no image. Bytes that jsonb doesn't take are in hex.
func readable(t *change.Table, image change.Image) ([]byte, error) {
	if image == nil {
		return nil, nil
	}
	out := make(map[string]*string, len(image))
	for i, v := range image {
		text, ok := v.Text()
		switch {
		case !ok && !v.IsNull():
			continue
		case !ok:
			out[t.Columns[i].Name] = nil
			continue
		case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
			text = `\x` + hex.EncodeToString([]byte(text))
		}
		out[t.Columns[i].Name] = &text
	}
	document, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write down a row of %s: %w", t, err)
	}
	return document, nil
}

// Parked is [apply.Keeper]'s.
func (t *Target) Parked(ctx context.Context) (list []visibility.Parked, err error) {
	err = t.catalog.with(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT document FROM bridge.parked ORDER BY table_schema, table_name, key`)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (visibility.Parked, error) {
			var document []byte
			if err := row.Scan(&document); err != nil {
				return visibility.Parked{}, err
			}
			return visibility.ParseParked(document)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read bridge.parked: %w", err)
	}
	return list, nil
}
