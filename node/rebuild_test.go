package node

import (
	"context"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

const eu = change.Origin("eu/1")

// topic is a stream.Log of records that are there already.
type topic struct {
	stream.Log // for the methods that aren't called
	records    [][]byte
	oldest     int64
}

func (l *topic) Name() string { return "bridge.eu" }
func (l *topic) Bounds(context.Context) (int64, int64, error) {
	return l.oldest, l.oldest + int64(len(l.records)), nil
}
func (l *topic) Read(_ context.Context, from int64) (out []stream.Record, err error) {
	for i, r := range l.records[from-l.oldest:] {
		out = append(out, stream.Record{Offset: from + int64(i), Value: r})
		if len(out) == 10 {
			break
		}
	}
	return out, nil
}

func heartbeat(o change.Origin, seq, position uint64, seen ...change.Seen) []byte {
	return wire.Heartbeat("c", o, loopguard.State{Seq: seq, Last: 1, Vector: change.NewVector(seen...)}, change.Position{Offset: position}, 0)
}

func TestReadTail(t *testing.T) {
	many := &topic{oldest: 1000}
	for n := range uint64(200) {
		many.records = append(many.records, heartbeat(eu, n, 10*n))
	}
	for _, tc := range []struct {
		name     string
		topic    *topic
		began    bool
		seq, pos uint64
		next     int64
		err      string
	}{
		{name: "never written", topic: &topic{}},
		{name: "made anew", topic: &topic{}, began: true, err: "is empty but was published to before"},
		{name: "expired", topic: &topic{oldest: 7}, began: true, err: "is empty but was published to before"},
		{name: "expired before the first start", topic: &topic{oldest: 7}, err: "set up longer ago than the topic keeps records"},
		{name: "many", topic: many, seq: 199, pos: 1990, next: 1200},
		{name: "what was cut off came late", seq: 9, pos: 90, next: 5, topic: &topic{records: [][]byte{
			heartbeat(eu, 3, 30), heartbeat(eu, 9, 80), heartbeat(eu, 9, 90), heartbeat(eu, 9, 80), heartbeat(eu, 5, 50)}}},
		{name: "another region's", topic: &topic{records: [][]byte{heartbeat("us/1", 1, 1)}}, err: "two regions must not share a topic"},
		{name: "another incarnation's", topic: &topic{records: [][]byte{heartbeat("eu/2", 1, 1)}}, err: "another incarnation"},
		{name: "garbage", topic: &topic{records: [][]byte{[]byte("hello")}}, err: "topic bridge.eu offset 0"},
	} {
		got, err := readTail(t.Context(), tc.topic, "c", eu, tc.began)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: got %v, want %q", tc.name, err, tc.err)
			}
			continue
		}
		if err != nil || got.state.Seq != tc.seq || got.position.Offset != tc.pos || got.next != tc.next || got.empty != (tc.next == 0) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
}

// TestOlderCopyIsRefused (I8): a database that lacks what its region had told the others that it has.
func TestOlderCopyIsRefused(t *testing.T) {
	end := tail{state: loopguard.State{Seq: 5, Vector: change.NewVector(change.Seen{Origin: "us/1", Seq: 8})}}
	for seq, ok := range map[uint64]bool{0: false, 7: false, 8: true, 9: true} {
		progress := Progress{}
		if seq > 0 {
			progress["us/1"] = loopguard.Marker{Origin: "us/1", Seq: seq}
		}
		if err := end.checkProgress(progress); (err == nil) != ok {
			t.Errorf("progress %d: %v", seq, err)
		}
	}
}

// TestRebuildOfATransactionBegunAgain: what a bridge that was cut off had sent comes late, among its successor's pieces
// of the same transaction, and history has each operation once.
func TestRebuildOfATransactionBegunAgain(t *testing.T) {
	for name, records := range map[string][][]byte{
		"the first piece comes late": {record(t, 7, 0, true), record(t, 8, 0, false), record(t, 8, 1, false), record(t, 8, 0, false), record(t, 8, 2, true), record(t, 9, 0, true)},
		"the last piece comes late": {record(t, 7, 0, true), record(t, 8, 0, false), record(t, 8, 1, false), record(t, 8, 0, false), record(t, 8, 2, true), record(t, 9, 0, true),
			record(t, 8, 1, false), record(t, 8, 2, true), record(t, 9, 0, true)},
		"an earlier transaction comes late": {record(t, 7, 0, true), record(t, 8, 0, false), record(t, 7, 0, true), record(t, 8, 1, false), record(t, 8, 2, true), record(t, 9, 0, true)},
	} {
		h := history.NewLocked(history.New("us/1", []change.Origin{"us/1", eu, "ap/1"}, 0))
		if _, err := rebuild(t.Context(), h, apply.AsLogged{}, &topic{records: records}, "c", eu, 0, 9, int64(len(records))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h.Do(func(h *history.History) {
			if got := h.Stats().Operations; got != 5 { // each has a row of its own
				t.Errorf("%s: %d operations, want 5", name, got)
			}
		})
	}
}
