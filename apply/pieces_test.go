package apply

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/visibility"
)

// stubSession takes so many writes and then answers with an error.
type stubSession struct {
	writes, commits, rollbacks, pings int
	fail, failPing                    error
}

func (*stubSession) Begin(loopguard.Marker, Manner) {}
func (*stubSession) Find(context.Context, *visibility.Lookup) ([]visibility.Row, error) {
	return nil, nil
}
func (*stubSession) Savepoint(context.Context) error                               { return nil }
func (*stubSession) Seen(context.Context) (bool, error)                            { return true, nil }
func (*stubSession) RollbackTo(context.Context) error                              { return nil }
func (*stubSession) Park(context.Context, []visibility.Parked, []change.Key) error { return nil }
func (s *stubSession) Write(context.Context, []Write) (Written, error) {
	if s.writes--; s.writes < 0 && s.fail != nil {
		return Written{}, s.fail
	}
	return Written{}, nil
}
func (*stubSession) Record(context.Context, []conflict.Record) error { return nil }
func (s *stubSession) Commit(context.Context) error                  { s.commits++; return nil }
func (s *stubSession) Ping(context.Context) error                    { s.pings++; return s.failPing }
func (*stubSession) Close(context.Context) error                     { return nil }
func (s *stubSession) Rollback(context.Context) error                { s.rollbacks++; return nil }

type openFence struct{}

func (openFence) Certain(any) bool                                        { return true }
func (openFence) Raise(context.Context, change.Timestamp) (uint64, error) { return 0, nil }

func piecesOf(txs ...*change.Transaction) (marker *Batch, next func(context.Context) (*Batch, error)) {
	n := 0
	return NewBatch(txs[0], 7), func(context.Context) (*Batch, error) {
		if n == len(txs) {
			return nil, nil
		}
		n++
		return NewBatch(txs[n-1], 7), nil
	}
}

// TestRolledBackPiecesAreForgotten (I4): when a large transaction is rolled back, nothing is decided by the
// pieces that it had written.
func TestRolledBackPiecesAreForgotten(t *testing.T) {
	first, second := txOf("b", 1, 10, ins("1", "a", "t")), txOf("b", 1, 10, ins("2", "a", "t"))
	first.Last, second.Before = false, 1
	for _, cause := range []error{ErrRetry, ErrRefused} {
		h := history.New("a/1", []change.Origin{"a/1", "b/1", "c/1"}, 0)
		s := &stubSession{writes: 1, fail: fmt.Errorf("%w: says the test", cause)}
		w := &worker{watch: emptyWatch("us/1"), session: s, fence: openFence{}, history: history.NewLocked(h), rules: conflict.All(conflict.LastWriteWins), report: NewReport()}
		marker, next := piecesOf(first, second)
		if err := w.applyPieces(t.Context(), marker, next); !errors.Is(err, cause) {
			t.Fatalf("got %v, want %v", err, cause)
		}
		if got := h.Stats().Operations; got != 0 || s.rollbacks != 1 || s.commits != 0 {
			t.Errorf("%v: history holds %d operations, %d rollbacks, %d commits", cause, got, s.rollbacks, s.commits)
		}
		s.fail = nil
		marker, next = piecesOf(first, second)
		if err := w.applyPieces(t.Context(), marker, next); err != nil || h.Stats().Operations != 2 || s.commits != 1 {
			t.Errorf("%v, tried again: %v, history holds %d operations, %d commits", cause, err, h.Stats().Operations, s.commits)
		}
	}
}

// TestPartOfALargeTransactionIsNotCommitted (I4).
func TestPartOfALargeTransactionIsNotCommitted(t *testing.T) {
	first := txOf("b", 1, 10, ins("1", "a", "t"))
	first.Last = false
	h := history.New("a/1", []change.Origin{"a/1", "b/1"}, 0)
	s := &stubSession{writes: 9}
	w := &worker{watch: emptyWatch("us/1"), session: s, fence: openFence{}, history: history.NewLocked(h), rules: conflict.All(conflict.LastWriteWins), report: NewReport()}
	marker, next := piecesOf(first)
	if err := w.applyPieces(t.Context(), marker, next); err == nil || s.commits != 0 {
		t.Errorf("got %v and %d commits", err, s.commits)
	}
}
