package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"bridge/config"
	"bridge/stream"
	"bridge/wire"
)

// storedState is what database and topics tell of a region by themselves.
type storedState struct {
	Cluster  string          `json:"cluster"`
	Region   string          `json:"region"`
	Database *storedDatabase `json:"database,omitempty"`
	Topics   []storedTopic   `json:"topics,omitempty"` // of all regions, by name
	Errors   []string        `json:"errors,omitempty"` // what couldn't be read
}

// storedDatabase is the region's database as bridge left it. Bytes are of the database's log.
type storedDatabase struct {
	Slot         string            `json:"slot"`
	SlotActive   bool              `json:"slot_active"`
	Confirmed    string            `json:"confirmed"`      // what the slot's reader has dealt with
	SlotLagBytes int64             `json:"slot_lag_bytes"` // from there to the end of the log
	KeptBytes    int64             `json:"kept_bytes"`     // what the slot keeps on disk
	WALStatus    string            `json:"wal_status"`
	Applied      map[string]uint64 `json:"applied"` // by origin, from bridge.progress
}

// storedTopic is the end of a region's topic.
type storedTopic struct {
	Topic    string `json:"topic"`
	Region   string `json:"region"`
	Origin   string `json:"origin,omitempty"`
	Next     int64  `json:"next_offset"`
	Seq      uint64 `json:"seq"`                // its last transaction
	Position string `json:"position,omitempty"` // in the region's log
	Applied  uint64 `json:"applied"`            // the last one that is in this region's database
	Behind   uint64 `json:"behind"`             // how many aren't
	Error    string `json:"error,omitempty"`
}

// loadStored reads what there is; what can't be read is in Errors.
func loadStored(ctx context.Context, c *config.Config) *storedState {
	s := &storedState{Cluster: c.Cluster, Region: c.Region}
	database, err := loadStoredDatabase(ctx, c)
	if err != nil {
		s.Errors = append(s.Errors, err.Error())
	} else {
		s.Database = database
	}
	for _, region := range regionNames(c) {
		t := storedTopic{Topic: c.Topic(region), Region: region}
		if err := t.load(ctx, c); err != nil {
			t.Error = err.Error()
		}
		if s.Database != nil && region != c.Region {
			t.Applied = s.Database.Applied[t.Origin]
			t.Behind = t.Seq - min(t.Seq, t.Applied)
		}
		s.Topics = append(s.Topics, t)
	}
	return s
}

func loadStoredDatabase(ctx context.Context, c *config.Config) (*storedDatabase, error) {
	conn, err := connect(ctx, c, "status")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	d := &storedDatabase{Slot: c.Database.Slot, Applied: map[string]uint64{}}
	err = conn.QueryRow(ctx, `
SELECT active, coalesce(confirmed_flush_lsn::text, ''), coalesce(pg_current_wal_lsn() - confirmed_flush_lsn, 0)::bigint,
       coalesce(pg_current_wal_lsn() - restart_lsn, 0)::bigint, coalesce(wal_status, '')
FROM pg_replication_slots WHERE slot_name = $1`, d.Slot).Scan(&d.SlotActive, &d.Confirmed, &d.SlotLagBytes, &d.KeptBytes, &d.WALStatus)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf(`replication slot %s isn't there: run "bridge check"`, d.Slot)
	}
	if err != nil {
		return nil, fmt.Errorf("read replication slot %s: %w", d.Slot, err)
	}
	rows, err := conn.Query(ctx, `SELECT origin, max(seq) FROM bridge.progress GROUP BY 1`)
	if err != nil {
		return nil, fmt.Errorf("read bridge.progress: %w", err)
	}
	var origin string
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&origin, &seq}, func() error { d.Applied[origin] = uint64(seq); return nil })
	if err != nil {
		return nil, fmt.Errorf("read bridge.progress: %w", err)
	}
	return d, nil
}

func (t *storedTopic) load(ctx context.Context, c *config.Config) error {
	log, err := openTopic(c, t.Region)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // it was only read from
	problems, err := log.CheckTopic(ctx, topicSettings(c, t.Region))
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(problems, needsInit); i >= 0 {
		return errors.New(problems[i].What)
	}
	h, next, err := lastRecord(ctx, log)
	if err != nil || h == nil {
		t.Next = next
		return err
	}
	t.Next, t.Origin, t.Seq, t.Position = next, string(h.Origin), h.State.Seq, h.Position.String()
	return checkAuthor(log, next-1, h, c.Cluster, t.Region)
}

// lastRecord reads the header of a topic's last record, nil if there's none, and the offset after it.
func lastRecord(ctx context.Context, log stream.Log) (*wire.Header, int64, error) {
	oldest, next, err := log.Bounds(ctx)
	if err != nil || next == oldest {
		return nil, next, err
	}
	records, err := log.Read(ctx, next-1)
	if err != nil {
		return nil, next, err
	}
	last := &records[len(records)-1]
	h, err := wire.Peek(last.Value)
	if err != nil {
		return nil, next, fmt.Errorf("topic %s offset %d: %w", log.Name(), last.Offset, err)
	}
	return &h, last.Offset + 1, nil
}

// checkAuthor refuses a record that isn't the region's own.
func checkAuthor(log stream.Log, offset int64, h *wire.Header, cluster, region string) error {
	if h.Cluster == cluster && h.Origin.Region() == region {
		return nil
	}
	return fmt.Errorf("topic %s offset %d was written by %s of cluster %s, not by region %s of cluster %s: topics must not be shared",
		log.Name(), offset, h.Origin, h.Cluster, region, cluster)
}
