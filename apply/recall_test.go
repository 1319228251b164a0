package apply

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bridge/change"
	"bridge/history"
	"bridge/stream"
)

// away is a topic whose broker is away until it's back.
type away struct {
	stream.Log
	back chan struct{}
}

func (l *away) Read(ctx context.Context, from int64) ([]stream.Record, error) {
	select {
	case <-l.back:
		return l.Log.Read(ctx, from)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// awayFor has a topic be away for so long.
func awayFor(log stream.Log, d time.Duration) *away {
	l := &away{log, make(chan struct{})}
	time.AfterFunc(d, func() { close(l.back) })
	return l
}

// workerBesideBulk is a worker of region a, whose history knows of transaction b/1:2 only which rows it wrote.
func workerBesideBulk(t *testing.T, s *stubSession, topic stream.Log) *worker {
	t.Helper()
	h := history.New("a/1", []change.Origin{"a/1", "b/1", "c/1"}, 0)
	if err := h.AddTransaction(piece(2, 0, 12, false), 0); err != nil {
		t.Fatal(err)
	}
	archive := &Archive{Cluster: "c", Logs: map[change.Origin]stream.Log{"b/1": topic}, From: func(change.Dot) int64 { return 0 }, Local: AsLogged{}}
	return &worker{watch: emptyWatch("us/1"), session: s, fence: openFence{}, history: history.NewLocked(h), archive: archive, report: NewReport()}
}

// lacks tells whether the worker's history still lacks a row's operations.
func (w *worker) lacks(key change.Key) (lacks bool) {
	w.history.Do(func(h *history.History) { lacks = len(h.Lacks(key, 0)) > 0 })
	return lacks
}

// releasedAfter has f fail because a topic is away, and gives how long it took, with rows locked.
func releasedAfter(t *testing.T, s *stubSession, f func() error) time.Duration {
	t.Helper()
	began := time.Now()
	if err := f(); !errors.Is(err, errUnread) || s.rollbacks != 1 || s.commits != 0 {
		t.Fatalf("got %v, %d rollbacks, %d commits; want %v, with nothing locked any more", err, s.rollbacks, s.commits, errUnread)
	}
	return time.Since(began)
}

// TestRowsAreReleasedWhileATopicIsAway: a row was written by a large transaction, too, which only the topic has, and
// the broker may be away for hours. Applications go on writing; and whoever asks for what was lacking, and waits for it, has it.
func TestRowsAreReleasedWhileATopicIsAway(t *testing.T) {
	contested := txOf("c", 1, 10, ins("2.9", "a", "t"))
	inPiece := txOf("c", 1, 10, ins("2.9", "a", "t"))
	inPiece.Last = false
	for _, tc := range []struct {
		name string
		try  func(ctx context.Context, w *worker) error
		want time.Duration
	}{
		{"batch", func(ctx context.Context, w *worker) error {
			return w.apply(ctx, NewBatch(contested, 7), false, newTicket(firstTicket()))
		}, batchWait},
		{"piece", func(ctx context.Context, w *worker) error {
			marker, next := piecesOf(inPiece)
			return w.applyPieces(ctx, marker, next)
		}, pieceWait},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stubSession{writes: 9}
				w := workerBesideBulk(t, s, awayFor(topicOf(t, whole(1, 1), whole(2, 12)), time.Hour))
				if locked := releasedAfter(t, s, func() error { return tc.try(t.Context(), w) }); locked != tc.want {
					t.Errorf("rows were locked for %s, want %s", locked, tc.want)
				}
				if err := w.archive.Fill(t.Context(), w.history, w.unread, &change.Transaction{}); err != nil {
					t.Fatal(err)
				}
				if key := contested.Operations[0].Key; w.lacks(key) {
					t.Errorf("history still lacks %s", key)
				}
			})
		})
	}
}

// TestRowsAreReleasedWhileThePiecesAreAway: the broker goes between two pieces.
func TestRowsAreReleasedWhileThePiecesAreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stubSession{writes: 9}
		log := topicOf(t, piece(1, 0, 3, false), piece(1, 3, 6, false), piece(1, 6, 9, true))
		it := &item{tx: piece(1, 0, 0, false), seq: 1, large: &span{from: 0, to: 2}}
		topic := &away{log, make(chan struct{})}
		w := workerBesideBulk(t, s, topic)
		reader := newPieceReader(topic, "c", it, AsLogged{})
		go func() { topic.back <- struct{}{} }() // for one read
		if locked := releasedAfter(t, s, func() error { return w.applyPieces(t.Context(), NewBatch(it.tx, 7), reader.next) }); locked != pieceWait {
			t.Errorf("rows were locked for %s, want %s", locked, pieceWait)
		}
		if want := int(pieceWait/pingInterval) - 1; s.pings < want {
			t.Errorf("the database heard of it %d times, want %d", s.pings, want)
		}
		close(topic.back)
		reader = newPieceReader(topic, "c", it, AsLogged{})
		if err := w.applyPieces(t.Context(), NewBatch(it.tx, 7), reader.next); err != nil || s.commits != 1 {
			t.Errorf("tried again: %v, %d commits", err, s.commits)
		}
	})
}
