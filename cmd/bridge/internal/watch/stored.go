package watch

import (
	"context"
	"errors"
	"slices"

	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/topics"
	"bridge/config"
)

// storedState is what database and topics tell of a region by themselves.
type storedState struct {
	Cluster  string          `json:"cluster"`
	Region   string          `json:"region"`
	Database *engines.Stored `json:"database,omitempty"`
	Topics   []storedTopic   `json:"topics,omitempty"` // of all regions, by name
	Errors   []string        `json:"errors,omitempty"` // what couldn't be read
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
	database, err := engines.Of(c).Stored(ctx)
	if err != nil {
		s.Errors = append(s.Errors, err.Error())
	} else {
		s.Database = database
	}
	for _, region := range settings.Regions(c) {
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
	log, err := topics.Open(c, t.Region)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // it was only read from
	problems, err := log.CheckTopic(ctx, topics.Settings(c, t.Region))
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(problems, topics.NeedsInit); i >= 0 {
		return errors.New(problems[i].What)
	}
	h, next, err := topics.LastRecord(ctx, log)
	if err != nil || h == nil {
		t.Next = next
		return err
	}
	t.Next, t.Origin, t.Seq, t.Position = next, string(h.Origin), h.State.Seq, h.Position.String()
	return topics.CheckAuthor(log, next-1, h, c.Cluster, t.Region)
}
