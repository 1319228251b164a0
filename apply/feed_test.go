package apply

import (
	"errors"
	"strings"
	"testing"

	"bridge/change"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// TestForgottenStopsALane: a transaction that hasn't seen what history lacks isn't applied, however often it's
// tried; one that has is, and so is its own origin's.
func TestForgottenStopsALane(t *testing.T) {
	record := func(seq uint64, deps ...change.Seen) *stream.Record {
		b := wire.NewBuilder("c", "b/1")
		tx := whole(seq, 0)
		tx.Deps = change.NewVector(deps...)
		if err := b.Add(tx); err != nil {
			t.Fatal(err)
		}
		raw, err := b.Finish(loopguard.State{Seq: seq}, change.Position{})
		if err != nil {
			t.Fatal(err)
		}
		return &stream.Record{Offset: int64(seq), Value: raw}
	}
	for _, tc := range []struct {
		name      string
		forgotten change.Vector
		deps      []change.Seen
		lost      string // transaction in the error
	}{
		{name: "nothing"},
		{name: "seen", forgotten: change.NewVector(change.Seen{Origin: "a/1", Seq: 7}), deps: []change.Seen{{Origin: "a/1", Seq: 7}}},
		{name: "its own", forgotten: change.NewVector(change.Seen{Origin: "b/1", Seq: 7})},
		{name: "not seen", forgotten: change.NewVector(change.Seen{Origin: "a/1", Seq: 7}), deps: []change.Seen{{Origin: "a/1", Seq: 6}}, lost: "a/1:7"},
		{name: "one of two", forgotten: change.NewVector(change.Seen{Origin: "a/1", Seq: 7}, change.Seen{Origin: "c/1", Seq: 1}), deps: []change.Seen{{Origin: "a/1", Seq: 7}}, lost: "c/1:1"},
	} {
		f := newFeed("b/1", nil, "c", loopguard.Marker{Seq: 0}, tc.forgotten, nil, AsLogged{})
		inbox := *f.inbox
		items, err := f.record(t.Context(), record(1, tc.deps...))
		if tc.lost == "" {
			if err != nil || len(items) != 1 {
				t.Errorf("%s: %d items, %v", tc.name, len(items), err)
			}
			continue
		}
		var forgotten *ForgottenError
		if !errors.As(err, &forgotten) || forgotten.Lost.String() != tc.lost || !strings.Contains(err.Error(), "A region was away for long") {
			t.Errorf("%s: %v", tc.name, err)
		}
		*f.inbox = inbox // as Step does
		if _, err := f.record(t.Context(), record(1, tc.deps...)); !errors.As(err, &forgotten) {
			t.Errorf("%s: tried again: %v", tc.name, err)
		}
	}
}

// named is a topic of which only the name is asked.
type named struct{ stream.Log }

func (named) Name() string { return "bridge.b" }

// TestForeignRecordsStopALane: the error names the place, and what is wrong: another region's topic, or another
// life of the same region.
func TestForeignRecordsStopALane(t *testing.T) {
	for origin, want := range map[change.Origin]string{"b/2": "its incarnation was raised", "c/1": "check kafka.topic_prefix"} {
		f := newFeed("b/1", named{}, "c", loopguard.Marker{}, nil, nil, AsLogged{})
		_, err := f.record(t.Context(), &stream.Record{Offset: 7, Value: wire.Heartbeat("c", origin, loopguard.State{}, change.Position{}, 0)})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "topic bridge.b offset 7") {
			t.Errorf("a record of %s: %v", origin, err)
		}
	}
}

// TestOtherRulesStopALane (I1): what was written where conflicts are decided by other rules isn't applied, and the place is
// told; once they agree the lane goes on at it. Heartbeats decide nothing.
func TestOtherRulesStopALane(t *testing.T) {
	under := func(rules string, seq uint64) stream.Record {
		b := wire.NewBuilder("c", "b/1")
		tx := whole(seq, 1)
		tx.Rules = rules
		if err := b.Add(tx); err != nil {
			t.Fatal(err)
		}
		raw, err := b.Finish(loopguard.State{Seq: seq, Rules: rules}, change.Position{})
		if err != nil {
			t.Fatal(err)
		}
		return stream.Record{Offset: int64(seq - 1), Value: raw}
	}
	for _, tc := range []struct{ theirs, ours string }{{"x", "y"}, {"", "y"}, {"x", ""}} {
		log := &fixed{records: []stream.Record{under(tc.ours, 1), under(tc.theirs, 2)}}
		q := newQueue(1<<20, func() {})
		f := newFeed("b/1", log, "c", loopguard.Marker{}, nil, q, AsLogged{})
		f.rules = []string{tc.ours}
		for range 2 { // it's tried again now and then
			err := f.Step(t.Context())
			var other *RulesError
			if !errors.As(err, &other) || other.Origin != "b/1" || other.Offset != 1 || !strings.Contains(err.Error(), "offset 1") || !strings.Contains(err.Error(), "region b ") {
				t.Fatalf("records under %q, and %q here: %v", tc.theirs, tc.ours, err)
			}
		}
		if got := q.from(0, 9); len(got) != 1 || got[0].seq != 1 {
			t.Errorf("taken: %+v", got)
		}
		f.rules = []string{tc.ours, tc.theirs}
		if err := f.Step(t.Context()); err != nil || len(q.from(0, 9)) != 2 {
			t.Errorf("when they agree: %v", err)
		}
		beat := wire.Heartbeat("c", "b/1", loopguard.State{Seq: 2, Rules: "z"}, change.Position{}, 0)
		if items, err := f.record(t.Context(), &stream.Record{Offset: 2, Value: beat}); err != nil || len(items) != 1 {
			t.Errorf("a heartbeat under other rules: %v, %v", items, err)
		}
	}
}
