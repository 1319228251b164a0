package apply

import (
	"encoding/json"
	"fmt"
	"time"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

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

// RecordedVersions is what bridge.conflicts.versions holds of a conflict: JSON, the same on every engine.
func RecordedVersions(r *conflict.Record) ([]byte, error) {
	out := make([]version, len(r.Versions))
	for i := range r.Versions {
		e := &r.Versions[i]
		out[i] = version{
			Origin: string(e.Tag.Dot.Origin), Seq: e.Tag.Dot.Seq, Time: e.Tag.Time.Time(), Kind: e.Kind.String(),
			Saw: recordedVector(e.Tag.Deps), Image: recordedImage(e),
			Won: e.Tag.Dot == r.Outcome.Winner.Tag.Dot && e.Order == r.Outcome.Winner.Order,
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("record the conflict on %s: %w", r.Key, err)
	}
	return text, nil
}

func recordedVector(v change.Vector) map[string]uint64 {
	out := make(map[string]uint64, len(v))
	for _, e := range v {
		out[string(e.Origin)] = e.Seq
	}
	return out
}

func recordedImage(e *history.Entry) map[string]*string {
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
