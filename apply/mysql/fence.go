package mysql

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bridge/apply"
	"bridge/apply/fence"
	"bridge/capture"
	"bridge/change"
	"bridge/internal/faultpoint"
	"bridge/internal/mysql"
	"bridge/loopguard"
)

// witness is what a session's write leaves behind: how far the binary log was written when its rows were locked. A
// transaction is in the log before it lets go of its locks, so those that held these rows are before it.
type witness struct{ position mysql.BinlogPosition }

// Fence is apply.Fence by the binary log's position: reading it costs no write. Only for rows that don't exist, or
// where no transaction ends at the position, is a barrier written: an update of bridge.barrier.
//
// Never @@gtid_executed: it was seen to lack transactions whose locks were already free.
type Fence struct {
	conn   *mysql.Conn // of the rounds' questions
	rounds *fence.Rounds[reading]

	mu       sync.Mutex
	captured mysql.BinlogPosition // capture has read everything before it
	at       uint64               // as capture counts
	reads    []*round             // that end when capture passes a position
}

type round = fence.Round[reading]

// reading is the position that capture must pass to end a round, of one without a barrier.
type reading struct{ position mysql.BinlogPosition }

var _ apply.Fence = (*Fence)(nil)

// NewFence raises barriers over a connection of its own, which it closes.
func NewFence(conn *mysql.Conn) *Fence {
	f := &Fence{conn: conn}
	f.rounds = fence.NewRounds(f.ask)
	return f
}

// Close ends the connection, and with it what waits for an answer.
func (f *Fence) Close(context.Context) error {
	f.rounds.Close() // they use the connection
	f.conn.Close()
	return nil
}

// Captured takes note of what capture has read, which is its at-th transaction, after the transaction's
// operations have gone into history.
func (f *Fence) Captured(ev *capture.Event, at uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.captured, f.at = mysql.DecodePosition(ev.Position.Offset), at
	waiting := f.reads[:0]
	for _, r := range f.reads {
		if r.State.position.Compare(f.captured) <= 0 {
			r.End(at, nil)
		} else {
			waiting = append(waiting, r)
		}
	}
	clear(f.reads[len(waiting):])
	f.reads = waiting
	if ev.Kind != capture.Barrier {
		return
	}
	if r := f.rounds.Take(ev.Barrier); r != nil {
		r.End(at, nil)
	}
}

// Certain is [apply.Fence]'s.
func (f *Fence) Certain(w any) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return w.(witness).position.Compare(f.captured) <= 0
}

// patience is how long capture may take to pass a position before a barrier is written. Some positions are passed by the
// next transaction only: MariaDB writes its binlog checkpoints behind the last one.
const patience = 100 * time.Millisecond

// Turn is [apply.Fence]'s.
func (f *Fence) Turn(ctx context.Context, rules string) error { return f.rounds.Turn(ctx, rules) }

// Raise is [apply.Fence]'s.
func (f *Fence) Raise(ctx context.Context, floor change.Timestamp) (uint64, error) {
	if floor == 0 {
		r, err := f.rounds.Join(0, false)
		if err != nil {
			return 0, err
		}
		if asOf, err := r.Wait(ctx, patience); !errors.Is(err, fence.ErrTooLong) {
			return asOf, err
		}
	}
	r, err := f.rounds.Join(floor, true)
	if err != nil {
		return 0, err
	}
	return r.Wait(ctx, 0)
}

// ask has a round wait for the log's present end, or for a barrier.
func (f *Fence) ask(ctx context.Context, r *round) {
	if r.Mark || !f.read(ctx, r) {
		f.write(ctx, r)
	}
}

// read has a round wait for the log's present end, unless capture is there already. It does nothing and reports
// false at the beginning of a file, where no transaction ends.
func (f *Fence) read(ctx context.Context, r *round) bool {
	position, err := readPosition(ctx, f.conn)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		r.End(0, fmt.Errorf("read the binary log's position: %w", err))
	case position.Compare(f.captured) <= 0:
		r.End(f.at, nil)
	case position.File != f.captured.File:
		return false
	default:
		r.State.position = position
		f.reads = append(f.reads, r)
	}
	return true
}

// write commits a barrier for a round.
func (f *Fence) write(ctx context.Context, r *round) {
	b := f.rounds.Barrier(r)
	err := f.commit(ctx, b)
	faultpoint.Hit(faultpoint.Barrier)
	if err != nil {
		f.rounds.Fail(b, err)
	}
}

func (f *Fence) commit(ctx context.Context, b loopguard.Barrier) error {
	sql := fmt.Sprintf("UPDATE bridge.barrier SET run = '%s', token = %d, floor = %d", b.Mark(), b.Token, int64(b.Floor))
	result, err := f.conn.One(ctx, sql)
	if err != nil {
		return fmt.Errorf("write a barrier to the log: %w", err)
	}
	if result.Affected != 1 {
		return errors.New(`bridge.barrier has no row: run "bridge init"`)
	}
	return nil
}
