package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/apply/fence"
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
	conn   *pgx.Conn // of the barriers
	rounds *fence.Rounds[barrier]

	mu   sync.Mutex
	cert *certificate
}

type round = fence.Round[barrier]

// barrier is one that was written. What had finished in the snapshot is resolved once the barrier is both answered and
// read, in whichever order those two come.
type barrier struct {
	snapshot       snapshot
	answered, read bool
}

var _ apply.Fence = (*Fence)(nil)

// NewFence raises barriers over a connection of its own, which it closes.
func NewFence(ctx context.Context, config *pgx.ConnConfig) (*Fence, error) {
	config = config.Copy()
	config.RuntimeParams["synchronous_commit"] = "local"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect for barriers: %w", err)
	}
	f := &Fence{conn: conn, cert: newCertificate()}
	f.rounds = fence.NewRounds(f.emit)
	return f, nil
}

// Close ends the connection, and with it what waits for a barrier's answer.
func (f *Fence) Close(ctx context.Context) error {
	f.rounds.Close() // they use the connection
	return f.conn.Close(ctx)
}

// Captured takes note of what capture has read, which is its at-th transaction, after the transaction's
// operations have gone into history.
func (f *Fence) Captured(ev *capture.Event, at uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cert.know32(ev.Xid)
	if ev.Kind != capture.Barrier {
		return
	}
	if r := f.rounds.Take(ev.Barrier); r != nil {
		r.State.read = true
		f.resolve(&r.State)
		r.End(at, nil)
	}
}

func (f *Fence) resolve(b *barrier) {
	if b.answered && b.read {
		f.cert.resolve(b.snapshot)
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

// Turn is [apply.Fence]'s.
func (f *Fence) Turn(ctx context.Context, rules string) error { return f.rounds.Turn(ctx, rules) }

// Raise is [apply.Fence]'s.
func (f *Fence) Raise(ctx context.Context, floor change.Timestamp) (uint64, error) {
	r, err := f.rounds.Join(floor, true)
	if err != nil {
		return 0, err
	}
	return r.Wait(ctx, 0)
}

// emit writes the barrier that ends a round.
func (f *Fence) emit(ctx context.Context, r *round) {
	b := f.rounds.Barrier(r)
	s, err := f.write(ctx, b)
	faultpoint.Hit(faultpoint.Barrier)
	if err != nil {
		f.rounds.Fail(b, err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r.State.snapshot, r.State.answered = s, true
	f.resolve(&r.State)
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
