package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

const recordSQL = `INSERT INTO bridge.conflicts
  (type, table_schema, table_name, key, rule, outcome, origin, seq, versions)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// version is one operation in bridge.conflicts.versions.
type version struct {
	Origin string             `json:"origin"`
	Seq    uint64             `json:"seq"`
	Time   time.Time          `json:"time"`
	Kind   string             `json:"kind"`
	Saw    map[string]uint64  `json:"saw,omitempty"`
	Image  map[string]*string `json:"image,omitempty"` // columns that the log carried; null is NULL
	Won    bool               `json:"won,omitempty"`
}

// Record is [apply.Session]'s.
func (s *session) Record(ctx context.Context, records []conflict.Record) error {
	batch := &pgx.Batch{}
	for i := range records {
		r := &records[i]
		key, _ := r.Key.Values()
		versions, err := json.Marshal(versionsOf(r))
		if err != nil {
			return fmt.Errorf("record the conflict on %s: %w", r.Key, err)
		}
		batch.Queue(recordSQL, string(r.Type), r.Key.Table.Schema, r.Key.Table.Name, key,
			r.Rule.String(), r.Result(), string(r.Incoming.Origin), int64(r.Incoming.Seq), versions)
	}
	if err := s.conn.SendBatch(ctx, batch).Close(); err != nil {
		return s.explain(err, nil)
	}
	return nil
}

func versionsOf(r *conflict.Record) []version {
	out := make([]version, len(r.Versions))
	for i := range r.Versions {
		e := &r.Versions[i]
		out[i] = version{
			Origin: string(e.Tag.Dot.Origin), Seq: e.Tag.Dot.Seq, Time: e.Tag.Time.Time(), Kind: e.Kind.String(),
			Saw: vector(e.Tag.Deps), Image: image(e),
			Won: e.Tag.Dot == r.Outcome.Winner.Tag.Dot && e.Order == r.Outcome.Winner.Order,
		}
	}
	return out
}

func vector(v change.Vector) map[string]uint64 {
	out := make(map[string]uint64, len(v))
	for _, e := range v {
		out[string(e.Origin)] = e.Seq
	}
	return out
}

func image(e *history.Entry) map[string]*string {
	if e.Image == nil {
		return nil
	}
	out := make(map[string]*string, len(e.Image))
	for c, v := range e.Image {
		if v.IsAbsent() {
			continue
		}
		var text *string
		if s, ok := v.Text(); ok {
			text = &s
		}
		out[e.Table.Columns[c].Name] = text
	}
	return out
}
