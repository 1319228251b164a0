package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/internal/faultpoint"
	"bridge/loopguard"
)

// witness is what a session's write leaves behind: its snapshot, taken when its rows were locked.
type witness struct{ snapshot snapshot }

// Fence is apply.Fence by snapshot certificate and, where that isn't enough, by barrier: a transactional
// logical message, committed with synchronous_commit = local (a commit that isn't flushed isn't decoded; no
// standby need have it; a non-transactional message waits up to 200 ms for the WAL writer).
type Fence struct {
	run    string // tells this process's barriers from an earlier one's
	conn   *pgx.Conn
	ctx    context.Context // of the barriers being written; ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	cert    *certificate
	token   uint64
	emits   bool // somebody is emitting now
	closed  bool
	emitter sync.WaitGroup
	next    *waiters // the waiters of the barrier that is to be emitted next
	waiting map[uint64]*waiters
}

// waiters are the callers that share a barrier.
type waiters struct {
	floor change.Timestamp
	done  chan struct{} // closed when capture has read the barrier, or it can't be raised
	asOf  uint64
	err   error
	// What had finished in the snapshot is resolved once the barrier is both answered and read, in
	// whichever order those two come.
	snapshot       snapshot
	answered, read bool
}

var _ apply.Fence = (*Fence)(nil)

var errFenceClosed = errors.New("no barrier can be raised: the session has ended")

// NewFence raises barriers over a connection of its own, which it closes.
func NewFence(ctx context.Context, config *pgx.ConnConfig) (*Fence, error) {
	config = config.Copy()
	config.RuntimeParams["synchronous_commit"] = "local"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect for barriers: %w", err)
	}
	var id [8]byte
	rand.Read(id[:]) //nolint:errcheck // never fails
	f := &Fence{run: hex.EncodeToString(id[:]), conn: conn, cert: newCertificate(), waiting: map[uint64]*waiters{}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f, nil
}

// Close ends the connection, and with it what waits for a barrier's answer.
func (f *Fence) Close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	f.emitter.Wait() // it uses the connection
	return f.conn.Close(ctx)
}

// Captured takes note of what capture has read, which is its at-th transaction, after the transaction's
// operations have gone into history.
func (f *Fence) Captured(ev *capture.Event, at uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cert.know32(ev.Xid)
	if ev.Kind != capture.Barrier || ev.Barrier.Run != f.run {
		return
	}
	if g := f.waiting[ev.Barrier.Token]; g != nil {
		delete(f.waiting, ev.Barrier.Token)
		g.asOf, g.read = at, true
		close(g.done)
		f.resolve(g)
	}
}

func (f *Fence) resolve(g *waiters) {
	if g.answered && g.read {
		f.cert.resolve(g.snapshot)
	}
}

// own notes an apply transaction's id: there's nothing in it that capture must tell.
func (f *Fence) own(xid uint64) {
	f.mu.Lock()
	f.cert.know(xid)
	f.mu.Unlock()
}

// Certain is [apply.Fence]'s.
func (f *Fence) Certain(w any) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cert.holds(w.(witness).snapshot)
}

// Raise is [apply.Fence]'s. Callers that come while a barrier is being emitted share the next one.
func (f *Fence) Raise(ctx context.Context, floor change.Timestamp) (uint64, error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return 0, errFenceClosed
	}
	if f.next == nil {
		f.next = &waiters{done: make(chan struct{})}
	}
	g := f.next
	g.floor = max(g.floor, floor)
	if !f.emits {
		f.emits = true
		f.emitter.Go(func() { f.emit(f.ctx) })
	}
	f.mu.Unlock()
	select {
	case <-g.done:
		return g.asOf, g.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// emit writes barriers until nobody waits for the next one.
func (f *Fence) emit(ctx context.Context) {
	for {
		f.mu.Lock()
		g := f.next
		f.next = nil
		if g == nil {
			f.emits = false
			f.mu.Unlock()
			return
		}
		f.token++
		token := f.token
		f.waiting[token] = g
		f.mu.Unlock()

		s, err := f.write(ctx, loopguard.Barrier{Run: f.run, Token: token, Floor: g.floor})
		faultpoint.Hit(faultpoint.Barrier)

		f.mu.Lock()
		if err != nil {
			if _, waits := f.waiting[token]; waits {
				delete(f.waiting, token)
				g.err = err
				close(g.done)
			}
		} else {
			g.snapshot, g.answered = s, true
			f.resolve(g)
		}
		f.mu.Unlock()
	}
}

// write commits a barrier. What had finished in the snapshot is in the log before the barrier's commit.
func (f *Fence) write(ctx context.Context, b loopguard.Barrier) (snapshot, error) {
	var text string
	err := f.conn.QueryRow(ctx, `SELECT pg_current_snapshot()::text FROM pg_logical_emit_message(true, $1, $2)`,
		loopguard.BarrierPrefix, b.String()).Scan(&text)
	if err != nil {
		return snapshot{}, fmt.Errorf("write a barrier to the log: %w", err)
	}
	return parseSnapshot(text)
}
