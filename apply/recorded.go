package apply

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// RecordedVersion is one operation in bridge.conflicts.versions.
type RecordedVersion struct {
	Origin string            `json:"origin"`
	Seq    uint64            `json:"seq"`
	Time   time.Time         `json:"time"`
	Kind   string            `json:"kind"`
	Saw    map[string]uint64 `json:"saw,omitempty"`
	// Image is the row after it, as far as the log carried its columns; null is NULL. It's nil of a delete.
	Image map[string]*string `json:"image,omitempty"`
	// Before has, where the log told them, the values before it of the columns that it changed; of a delete all.
	Before map[string]*string `json:"before,omitempty"`
	Won    bool               `json:"won,omitempty"`
	Fate   Fate               `json:"fate,omitempty"`
	// Lost are the columns whose value from this operation isn't in the row; none of a delete that's lost as a whole.
	Lost []string `json:"lost,omitempty"`
	// Arrived says that its arrival was the conflict, or that it came with what was.
	Arrived bool `json:"arrived,omitempty"`
}

// RecordedResult is bridge.conflicts.result: what the row became.
type RecordedResult struct {
	Exists bool `json:"exists"`
	// Image lacks the columns that no version carries: they stayed as they were.
	Image map[string]*string `json:"image,omitempty"`
	// Met has the columns that are merged in one region, as the arriving operations met them.
	Met map[string]*string `json:"met,omitempty"`
}

// Recorded is what bridge.conflicts.versions and result hold of a conflict: JSON, the same on every engine.
func Recorded(r *conflict.Record) (versions, result []byte, err error) {
	out := make([]RecordedVersion, len(r.Versions))
	for i := range r.Versions {
		e := &r.Versions[i]
		out[i] = RecordedVersion{
			Origin: string(e.Tag.Dot.Origin), Seq: e.Tag.Dot.Seq, Time: e.Tag.Time.Time(), Kind: e.Kind.String(),
			Saw: recordedVector(e.Tag.Deps), Image: recordedImage(e.Table, e.Image), Before: recordedBefore(e), Won: isWinner(r, e),
		}
		out[i].Fate, out[i].Lost = fateOf(r, e)
		out[i].Won = out[i].Won && out[i].Fate != FateParked
		out[i].Arrived = slices.ContainsFunc(r.Arrived, func(a history.Entry) bool { return isOperation(e, &a) })
	}
	if versions, err = json.Marshal(out); err == nil {
		result, err = json.Marshal(RecordedResult{r.Outcome.Exists, recordedImage(r.Outcome.Table, r.Outcome.Image), recordedMet(r)})
	}
	if err != nil {
		return nil, nil, fmt.Errorf("record the conflict on %s: %w", r.Key, err)
	}
	return versions, result, nil
}

func isWinner(r *conflict.Record, e *history.Entry) bool { return isOperation(e, &r.Outcome.Winner) }

// isOperation reports whether two entries are of one operation.
func isOperation(a, b *history.Entry) bool { return a.Tag.Dot == b.Tag.Dot && a.Order == b.Order }

// recordedMet has what arriving operations met of the columns that one region merges.
func recordedMet(r *conflict.Record) map[string]*string {
	met := recordedImage(r.Met.Table, r.Met.Image)
	maps.DeleteFunc(met, func(name string, _ *string) bool { return !r.Rule.Computed(name) })
	return met
}

func recordedVector(v change.Vector) map[string]uint64 {
	out := make(map[string]uint64, len(v))
	for _, e := range v {
		out[string(e.Origin)] = e.Seq
	}
	return out
}

func recordedImage(t *change.Table, image change.Image) map[string]*string {
	if image == nil {
		return nil
	}
	out := make(map[string]*string, len(image))
	for c, v := range image {
		if !v.IsAbsent() {
			out[t.Columns[c].Name] = textOrNil(v)
		}
	}
	return out
}

func recordedBefore(e *history.Entry) map[string]*string {
	out := map[string]*string{}
	for c, v := range e.Old {
		if !v.IsAbsent() && (e.Image == nil || c < len(e.Image) && !e.Image[c].IsAbsent() && e.Image[c] != v) {
			out[e.Table.Columns[c].Name] = textOrNil(v)
		}
	}
	return out
}

// textOrNil is a value that isn't absent.
func textOrNil(v change.Value) *string {
	if s, ok := v.Text(); ok {
		return &s
	}
	return nil
}
