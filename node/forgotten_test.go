package node

import (
	"fmt"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
	"bridge/wire"
)

// record is one with a transaction of eu's, or with one piece of it, of one operation.
func record(t *testing.T, seq uint64, before uint32, last bool) []byte {
	t.Helper()
	b := wire.NewBuilder("c", eu)
	users := change.NewTable(change.TableName{Schema: "public", Name: "users"}, []change.Column{{Name: "id", Type: "integer", Key: true}}, false)
	row := change.Image{change.Text(fmt.Sprint(seq, ".", before))}
	key, err := change.KeyOf(users, row, []change.Normalize{nil})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(&change.Transaction{
		Tag: change.Tag{Dot: change.Dot{Origin: eu, Seq: seq}, Time: change.Timestamp(seq)}, Before: before, Last: last,
		Operations: []change.Operation{{Kind: change.Insert, Table: users, Key: key, New: row}},
	}); err != nil {
		t.Fatal(err)
	}
	whole := seq
	if !last {
		whole--
	}
	raw, err := b.Finish(loopguard.State{Seq: whole}, change.Position{})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestRebuildTellsWhatExpired: what stood between the horizon and the topic's oldest record.
func TestRebuildTellsWhatExpired(t *testing.T) {
	whole := func(seqs ...uint64) (records [][]byte) {
		for _, seq := range seqs {
			records = append(records, record(t, seq, 0, true))
		}
		return records
	}
	for _, tc := range []struct {
		name       string
		from       int64 // the topic's oldest is 10
		seq        uint64
		records    [][]byte
		forgotten  uint64
		operations int
	}{
		{name: "nothing expired", from: 10, seq: 9, records: whole(8, 9), operations: 2},
		{name: "some", from: 5, seq: 9, records: whole(8, 9), forgotten: 7, operations: 2},
		{name: "all", from: 5, seq: 9, forgotten: 9},
		{name: "what's left isn't applied yet", from: 5, seq: 6, records: whole(8, 9), forgotten: 6},
		{name: "a heartbeat is left", from: 5, seq: 7, records: [][]byte{heartbeat(eu, 7, 70)}, forgotten: 7},
		{name: "the end of a large one is left", from: 5, seq: 9, records: append([][]byte{record(t, 8, 1, true)}, whole(9)...), forgotten: 8, operations: 1},
		{name: "only the end of a large one is left", from: 5, seq: 8, records: [][]byte{record(t, 8, 1, true)}, forgotten: 8},
		{name: "the end of a large one is left after what came late", from: 5, seq: 8, records: append(whole(5), record(t, 8, 1, true)), forgotten: 8, operations: 1},
		{name: "what was cut off came late", from: 5, seq: 9, records: whole(5, 8, 9), forgotten: 7, operations: 3},
		{name: "twice", from: 5, seq: 9, records: whole(8, 9, 8, 9), forgotten: 7, operations: 2},
	} {
		members := []change.Origin{"us/1", eu, "ap/1"}
		h := history.NewLocked(history.New("us/1", members, 0))
		log := &topic{oldest: 10, records: tc.records}
		forgotten, err := rebuild(t.Context(), h, apply.AsLogged{}, log, "c", eu, tc.from, tc.seq, 10+int64(len(tc.records)))
		if err != nil || forgotten != tc.forgotten {
			t.Errorf("%s: forgotten up to %d (%v), want %d", tc.name, forgotten, err, tc.forgotten)
		}
		h.Do(func(h *history.History) {
			if got := h.Stats().Operations; got != tc.operations {
				t.Errorf("%s: %d operations, want %d", tc.name, got, tc.operations)
			}
		})
	}
}
