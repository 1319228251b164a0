// Package fence is what the engines' fences (apply.Fence) share: callers that wait, and the barriers that end their waiting.
//
// A fence asks its server one question at a time, on one connection. Callers that come meanwhile share the next question, a
// round; so there are never more than two, however many callers. What a question is and when it's answered is each engine's.
package fence

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"bridge/change"
	"bridge/loopguard"
)

// Round is callers that share one answer. State is the engine's.
type Round[T any] struct {
	// Floor is the highest of what the callers want barriers to have, Mark whether one of them wants a barrier in the log.
	// They, and Turn, don't change any more once the round is asked.
	Floor change.Timestamp
	Mark  bool
	Turn  loopguard.Turn // of the barrier
	State T

	done chan struct{}
	asOf uint64
	err  error
}

// End answers the callers. It's called once.
func (r *Round[T]) End(asOf uint64, err error) {
	r.asOf, r.err = asOf, err
	close(r.done)
}

// ErrTooLong says that a round hadn't ended in time.
var ErrTooLong = errors.New("there's no answer yet")

// Wait is for the answer. It's [ErrTooLong] after the patience; 0 is without end.
func (r *Round[T]) Wait(ctx context.Context, patience time.Duration) (asOf uint64, err error) {
	var tooLong <-chan time.Time
	if patience > 0 {
		tooLong = time.After(patience)
	}
	select {
	case <-r.done:
		return r.asOf, r.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-tooLong:
		return 0, ErrTooLong
	}
}

// ErrClosed says that the session has ended.
var ErrClosed = errors.New("no barrier can be raised: the session has ended")

// Rounds are a fence's.
type Rounds[T any] struct {
	run    string // tells this process's barriers from an earlier one's
	ask    func(context.Context, *Round[T])
	ctx    context.Context // of the questions; ends with Close
	cancel context.CancelFunc
	asker  sync.WaitGroup

	mu       sync.Mutex
	next     *Round[T] // of those that wait for the next question
	asking   bool
	closed   bool
	token    uint64
	barriers map[uint64]*Round[T] // written, or about to be, and not yet read; by token
}

// NewRounds makes the rounds of a fence. ask sees to it that a round ends, now or later. It's called by one goroutine at
// a time.
func NewRounds[T any](ask func(context.Context, *Round[T])) *Rounds[T] {
	var id [8]byte
	rand.Read(id[:]) //nolint:errcheck // never fails
	r := &Rounds[T]{run: hex.EncodeToString(id[:]), ask: ask, barriers: map[uint64]*Round[T]{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// Close has no more questions asked, and waits for the one that is being asked.
func (r *Rounds[T]) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.asker.Wait()
}

// Join enters the next round.
func (r *Rounds[T]) Join(floor change.Timestamp, mark bool) (*Round[T], error) {
	return r.join(floor, mark, loopguard.Turn{})
}

// Turn has a barrier written that is a turn to other conflict rules, and waits until capture has read it.
func (r *Rounds[T]) Turn(ctx context.Context, to string) error {
	round, err := r.join(0, true, loopguard.Turn{Is: true, Rules: to})
	if err != nil {
		return err
	}
	_, err = round.Wait(ctx, 0)
	return err
}

func (r *Rounds[T]) join(floor change.Timestamp, mark bool, turn loopguard.Turn) (*Round[T], error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if r.next == nil {
		r.next = &Round[T]{done: make(chan struct{})}
	}
	r.next.Mark = r.next.Mark || mark
	r.next.Floor = max(r.next.Floor, floor)
	if turn.Is {
		r.next.Turn = turn
	}
	if !r.asking {
		r.asking = true
		r.asker.Go(r.askAll)
	}
	return r.next, nil
}

// askAll asks until nobody waits for the next question.
func (r *Rounds[T]) askAll() {
	for {
		r.mu.Lock()
		round := r.next
		r.next = nil
		r.asking = round != nil
		r.mu.Unlock()
		if round == nil {
			return
		}
		r.ask(r.ctx, round)
	}
}

// Barrier names the barrier that is to end a round.
func (r *Rounds[T]) Barrier(round *Round[T]) loopguard.Barrier {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token++
	r.barriers[r.token] = round
	return loopguard.Barrier{Run: r.run, Token: r.token, Floor: round.Floor, Turn: round.Turn}
}

// Take finds the round that a barrier was to end, once: nil of another process's barrier.
func (r *Rounds[T]) Take(b loopguard.Barrier) *Round[T] {
	if b.Run != r.run {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	round := r.barriers[b.Token]
	delete(r.barriers, b.Token)
	return round
}

// Fail ends the round of a barrier that wasn't written, unless capture has read it all the same.
func (r *Rounds[T]) Fail(b loopguard.Barrier, err error) {
	if round := r.Take(b); round != nil {
		round.End(0, err)
	}
}
