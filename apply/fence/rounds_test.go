package fence

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bridge/change"
	"bridge/loopguard"
)

// Those who come while a question is being asked share the next one, which has the highest floor and the mark of any.
func TestCallersShareTheNextRound(t *testing.T) {
	asked, answer := make(chan *Round[int]), make(chan uint64)
	r := NewRounds(func(_ context.Context, round *Round[int]) {
		asked <- round
		round.End(<-answer, nil)
	})
	defer r.Close()
	join := func(floor change.Timestamp, mark bool) *Round[int] {
		t.Helper()
		round, err := r.Join(floor, mark)
		if err != nil {
			t.Fatal(err)
		}
		return round
	}
	first := join(0, false)
	<-asked
	late := []*Round[int]{join(3, false), join(7, true), join(5, false)}
	if late[0] == first || late[1] != late[0] || late[2] != late[0] {
		t.Fatal("the callers who came late don't share one other round")
	}
	answer <- 10
	if next := <-asked; next != late[0] || next.Floor != 7 || !next.Mark {
		t.Errorf("asked with floor %d, mark %v", next.Floor, next.Mark)
	}
	answer <- 11
	for round, want := range map[*Round[int]]uint64{first: 10, late[2]: 11} {
		if got, err := round.Wait(t.Context(), 0); got != want || err != nil {
			t.Errorf("got %d, %v; want %d", got, err, want)
		}
	}
	again := join(0, false) // the asker had gone
	if <-asked != again {
		t.Error("a round wasn't asked")
	}
	answer <- 12
}

// A barrier ends its round once, whoever comes first: capture that has read it, or the writer that didn't get an answer.
func TestBarriersEndTheirRoundOnce(t *testing.T) {
	r := NewRounds(func(context.Context, *Round[int]) {})
	defer r.Close()
	round := &Round[int]{Floor: 9, done: make(chan struct{})}
	b := r.Barrier(round)
	if b.Floor != 9 || r.Take(loopguard.Barrier{Run: "another", Token: b.Token}) != nil || r.Take(loopguard.Barrier{Run: b.Run, Token: b.Token + 1}) != nil {
		t.Errorf("barrier %+v, or another one, isn't as it should be", b)
	}
	if r.Take(b) != round || r.Take(b) != nil {
		t.Error("a barrier was read other than once")
	}
	r.Fail(b, errors.New("late"))
	round.End(4, nil)
	lost := r.Barrier(&Round[int]{done: make(chan struct{})})
	if lost.Token == b.Token || lost.Run != b.Run {
		t.Errorf("barriers %+v and %+v", b, lost)
	}
	failed := r.barriers[lost.Token]
	cause := errors.New("no server")
	r.Fail(lost, cause)
	if _, err := failed.Wait(t.Context(), 0); !errors.Is(err, cause) || r.Take(lost) != nil {
		t.Errorf("got %v", err)
	}
}

// Waiting ends with the answer, the caller's context or patience; the question's context ends with the rounds.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRounds(func(ctx context.Context, round *Round[int]) {
			<-ctx.Done()
			round.End(0, context.Cause(ctx))
		})
		round, err := r.Join(0, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := round.Wait(t.Context(), time.Second); !errors.Is(err, ErrTooLong) {
			t.Errorf("patience: %v", err)
		}
		why := errors.New("asked to stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		if _, err := round.Wait(ctx, 0); !errors.Is(err, why) {
			t.Errorf("context: %v", err)
		}
		r.Close()
		if _, err := round.Wait(t.Context(), 0); err == nil {
			t.Error("a question that was broken off had an answer")
		}
		if _, err := r.Join(0, true); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}
