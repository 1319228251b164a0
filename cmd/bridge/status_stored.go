package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	Slot         string            `json:"slot,omitempty"` // PostgreSQL's, as all up to WALStatus
	SlotActive   bool              `json:"slot_active"`
	Confirmed    string            `json:"confirmed,omitempty"` // what the slot's reader has dealt with
	SlotLagBytes int64             `json:"slot_lag_bytes"`      // from there to the end of the log
	KeptBytes    int64             `json:"kept_bytes"`          // what the slot keeps on disk
	WALStatus    string            `json:"wal_status,omitempty"`
	LogEnd       string            `json:"log_end,omitempty"` // MySQL's and MariaDB's: where the binary log ends
	Applied      map[string]uint64 `json:"applied"`           // by origin, from bridge.progress
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
	database, err := databaseOf(c).stored(ctx)
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
