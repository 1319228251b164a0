package apply

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// slowFence answers a barrier when caughtUp is closed.
type slowFence struct {
	session  *stubSession
	caughtUp chan struct{}
	locked   time.Duration // waited while rows were locked
}

func (f *slowFence) Certain(any) bool { return false }

func (f *slowFence) Raise(ctx context.Context, _ change.Timestamp) (uint64, error) {
	start, locks := time.Now(), f.session.rollbacks == 0
	select {
	case <-f.caughtUp:
		return 1, nil
	case <-ctx.Done():
		if locks {
			f.locked = time.Since(start)
		}
		return 0, context.Cause(ctx)
	}
}

// TestRowsAreReleasedWhileCaptureIsBehind: the broker may be away for hours, and applications go on writing.
func TestRowsAreReleasedWhileCaptureIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := history.New("a/1", []change.Origin{"a/1", "b/1"}, 0)
		s := &stubSession{writes: 9}
		f := &slowFence{session: s, caughtUp: make(chan struct{})}
		time.AfterFunc(time.Hour, func() { close(f.caughtUp) })
		w := &worker{watch: emptyWatch("us/1"), session: s, fence: f, history: history.NewLocked(h), rules: conflict.All(conflict.LastWriteWins), report: NewReport()}
		b := NewBatch(txOf("b", 1, 10, ins("1", "a", "t")), 7)
		start, mine := time.Now(), newTicket(firstTicket())
		err := w.apply(t.Context(), b, false, mine)
		if !errors.Is(err, ErrRetry) || s.rollbacks != 1 || s.commits != 0 {
			t.Fatalf("got %v, %d rollbacks, %d commits; want to try again, with nothing locked meanwhile", err, s.rollbacks, s.commits)
		}
		if f.locked != batchWait {
			t.Errorf("rows were locked for %s, want %s", f.locked, batchWait)
		}
		if waited := time.Since(start); waited < time.Hour {
			t.Errorf("it would be tried again after %s, before capture has caught up", waited)
		}
		if !newTicket(mine).isNext() || mine.ok {
			t.Error("the batches behind it weren't told to yield")
		}
		if err := w.apply(t.Context(), b, false, newTicket(firstTicket())); err != nil || s.commits != 1 {
			t.Errorf("tried again: %v, %d commits", err, s.commits)
		}
	})
}

// TestPieceWaits: a large transaction makes capture fall behind by itself. A second attempt would, too.
func TestPieceWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := history.New("a/1", []change.Origin{"a/1", "b/1"}, 0)
		s := &stubSession{writes: 9}
		f := &slowFence{session: s, caughtUp: make(chan struct{})}
		time.AfterFunc(pieceWait-time.Second, func() { close(f.caughtUp) })
		w := &worker{watch: emptyWatch("us/1"), session: s, fence: f, history: history.NewLocked(h), rules: conflict.All(conflict.LastWriteWins), report: NewReport()}
		piece := txOf("b", 1, 10, ins("1", "a", "t"))
		piece.Last = false
		if err := w.write(t.Context(), NewBatch(piece, 7), false); err != nil {
			t.Fatal(err)
		}
		if want := int(pieceWait/pingInterval) - 1; s.pings < want {
			t.Errorf("the database heard of it %d times, want %d", s.pings, want)
		}
		f.caughtUp = make(chan struct{})
		if err := w.write(t.Context(), NewBatch(piece, 7), false); !errors.Is(err, errBehind) || f.locked != pieceWait {
			t.Errorf("got %v after %s, want %v after %s", err, f.locked, errBehind, pieceWait)
		}
	})
}

// TestTransactionThatWaitsIsKeptOpen: its database would take it for a frozen bridge's, and end it.
func TestTransactionThatWaitsIsKeptOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := history.New("a/1", []change.Origin{"a/1", "b/1"}, 0)
		s := &stubSession{writes: 9}
		w := &worker{watch: emptyWatch("us/1"), session: s, fence: openFence{}, history: history.NewLocked(h), rules: conflict.All(conflict.LastWriteWins), report: NewReport()}
		before := newTicket(firstTicket())
		time.AfterFunc(time.Minute, func() { before.end(true) })
		if err := w.apply(t.Context(), NewBatch(txOf("b", 1, 10, ins("1", "a", "t")), 7), false, newTicket(before)); err != nil {
			t.Fatal(err)
		}
		if want := int(time.Minute/pingInterval) - 1; s.pings < want {
			t.Errorf("the database heard of it %d times in a minute, want %d", s.pings, want)
		}
		s.failPing = errors.New("connection lost")
		before = newTicket(firstTicket())
		if err := w.apply(t.Context(), NewBatch(txOf("b", 2, 20, ins("2", "a", "t")), 8), false, newTicket(before)); !errors.Is(err, s.failPing) {
			t.Errorf("got %v, want the lost connection", err)
		}
	})
}
