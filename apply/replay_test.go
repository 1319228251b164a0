package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// errEnd ends a read at the end of a fixed topic, where the real one would wait.
var errEnd = errors.New("nothing there yet")

// fixed is a topic of records that are there already. A read gives two of them at most.
type fixed struct {
	stream.Log // for the methods that aren't called
	records    []stream.Record
}

func (*fixed) Name() string { return "bridge.b" }
func (l *fixed) Bounds(context.Context) (oldest, next int64, err error) {
	return 0, int64(len(l.records)), nil
}
func (l *fixed) Read(_ context.Context, from int64) ([]stream.Record, error) {
	if from >= int64(len(l.records)) {
		return nil, errEnd
	}
	return slices.Clone(l.records[from:min(from+2, int64(len(l.records)))]), nil
}

// topicOf has each transaction or piece in a record of its own.
func topicOf(t *testing.T, txs ...*change.Transaction) *fixed {
	t.Helper()
	log := &fixed{}
	for i, tx := range txs {
		b := wire.NewBuilder("c", tx.Dot.Origin)
		if err := b.Add(tx); err != nil {
			t.Fatal(err)
		}
		seq := tx.Dot.Seq
		if !tx.Last {
			seq--
		}
		raw, err := b.Finish(loopguard.State{Seq: seq}, change.Position{})
		if err != nil {
			t.Fatal(err)
		}
		log.records = append(log.records, stream.Record{Offset: int64(i), Value: raw})
	}
	return log
}

// feedAll reads a topic to its end.
func feedAll(t *testing.T, log *fixed, applied loopguard.Marker) ([]item, error) {
	t.Helper()
	q := newQueue(1<<20, func() {})
	f := newFeed("b/1", log, "c", applied, nil, q, AsLogged{})
	for {
		if err := f.Step(t.Context()); errors.Is(err, errEnd) {
			return q.from(0, len(log.records)), nil
		} else if err != nil {
			return nil, err
		}
	}
}

// A bridge that was cut off from its database had pieces of transaction 2 on their way to the topic when its successor
// began, which cuts the transaction otherwise.
func lateAppends() map[string][]*change.Transaction {
	return map[string][]*change.Transaction{
		"the first piece comes late": {whole(1, 1), piece(2, 0, 3, false), piece(2, 3, 6, false), piece(2, 0, 4, false), piece(2, 6, 9, false), piece(2, 9, 12, true), whole(3, 1)},
		"the last pieces come late": {whole(1, 1), piece(2, 0, 4, false), piece(2, 4, 8, false), piece(2, 0, 5, false), piece(2, 8, 12, true), whole(3, 1),
			piece(2, 5, 10, false), piece(2, 10, 12, true), whole(3, 1)},
		"the last piece comes late, and those before it aren't there": {whole(1, 1), piece(2, 0, 5, false), piece(2, 8, 12, true), piece(2, 5, 10, false), piece(2, 10, 12, true), whole(3, 1)},
		"it's whole when it comes again":                              {whole(1, 1), piece(2, 0, 4, false), whole(2, 12), whole(3, 1), piece(2, 4, 12, true), whole(3, 1)},
	}
}

// TestLateAppends (I3, I9): the lane goes on, and the transaction's operations are read again once and in order, by a
// worker and for a decision.
func TestLateAppends(t *testing.T) {
	for name, records := range lateAppends() {
		log := topicOf(t, records...)
		items, err := feedAll(t, log, loopguard.Marker{})
		if err != nil || len(items) != 3 || items[1].large == nil || items[1].seq != 2 || items[2].seq != 3 {
			t.Errorf("%s: %+v, %v", name, items, err)
			continue
		}
		var got []string
		var ends bool
		pieces := newPieceReader(log, "c", &items[1], AsLogged{})
		for b, err := pieces.next(t.Context()); b != nil || err != nil; b, err = pieces.next(t.Context()) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			tx := b.Transactions[0]
			ends = tx.Last
			for i := range tx.Operations {
				got = append(got, fmt.Sprintf("%d is %s", int(tx.Before)+i, tx.Operations[i].Key))
			}
		}
		want := make([]string, 12)
		for i := range want {
			want[i] = fmt.Sprintf("%d is %s", i, ins(fmt.Sprintf("2.%d", i), "", "").Key)
		}
		if !slices.Equal(got, want) || !ends {
			t.Errorf("%s: a worker reads %v, ends %t", name, got, ends)
		}
		checkRecall(t, name, log)
	}
}

// checkRecall reads row 2.9 again for history, which knows that transaction 2 wrote it, and nothing else.
func checkRecall(t *testing.T, name string, log *fixed) {
	t.Helper()
	h := history.New("a/1", []change.Origin{"a/1", "b/1", "c/1"}, 0)
	if err := h.AddTransaction(piece(2, 0, 12, false), 0); err != nil {
		t.Fatal(err)
	}
	key := ins("2.9", "", "").Key
	archive := &Archive{Cluster: "c", Logs: map[change.Origin]stream.Log{"b/1": log}, From: func(change.Dot) int64 { return 0 }, Local: AsLogged{}}
	if err := archive.Fill(t.Context(), history.NewLocked(h), h.Lacks(key, 0), whole(3, 1)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if row := h.Row(key, 0); len(row) != 1 || row[0].Order != 9 {
		t.Errorf("%s: the row's operations, read again, are %+v", name, row)
	}
}

// TestLostPieceStopsALane (I8): whatever of a transaction is missing, the lane stops with what was expected, and stays
// stopped.
func TestLostPieceStopsALane(t *testing.T) {
	all := []*change.Transaction{whole(1, 1), piece(2, 0, 5, false), piece(2, 5, 10, false), piece(2, 10, 12, true), whole(3, 1)}
	for lost, want := range map[int]string{
		0: "b/1:2 at offset 0, where seq 1 must follow: records are missing",
		1: "b/1:3 at offset 3, where seq 2 must follow: records are missing",
		2: "of transaction 2 the first 5 operations came, and the next of them was expected",
		3: "of transaction 2 the first 10 operations came, and the next of them was expected",
	} {
		log := topicOf(t, slices.Delete(slices.Clone(all), lost, lost+1)...)
		f := newFeed("b/1", log, "c", loopguard.Marker{}, nil, newQueue(1<<20, func() {}), AsLogged{})
		var err error
		for err == nil {
			err = f.Step(t.Context())
		}
		for range 2 {
			var gap *GapError
			if !errors.As(err, &gap) || !strings.Contains(err.Error(), want) {
				t.Errorf("without record %d: %v, want %q", lost, err, want)
			}
			err = f.Step(t.Context())
		}
	}
}
