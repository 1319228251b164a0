package mysql

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"bridge/apply"
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
	run    string // tells this process's barriers from an earlier one's
	conn   *mysql.Conn
	ctx    context.Context // of the statements on conn; ends with Close
	cancel context.CancelFunc

	mu       sync.Mutex
	captured mysql.BinlogPosition // capture has read everything before it
	at       uint64               // as capture counts
	token    uint64
	asks     bool // the asker is running
	closed   bool
	asker    sync.WaitGroup
	next     *round // of those that wait for the next question
	reads    []*round
	marks    map[uint64]*round
}

// round is callers of Raise that share one answer: a position that capture must pass, or a barrier that it must read.
type round struct {
	mark     bool // a barrier is written
	floor    change.Timestamp
	position mysql.BinlogPosition // to be passed, without a mark
	done     chan struct{}        // closed when capture is there, or never can be
	asOf     uint64
	err      error
}

func (g *round) end(asOf uint64, err error) {
	g.asOf, g.err = asOf, err
	close(g.done)
}

var _ apply.Fence = (*Fence)(nil)

var errFenceClosed = errors.New("no barrier can be raised: the session has ended")

// NewFence raises barriers over a connection of its own, which it closes.
func NewFence(conn *mysql.Conn) *Fence {
	var id [8]byte
	rand.Read(id[:]) //nolint:errcheck // never fails
	f := &Fence{run: hex.EncodeToString(id[:]), conn: conn, marks: map[uint64]*round{}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// Close ends the connection, and with it what waits for an answer.
func (f *Fence) Close(context.Context) error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	f.asker.Wait() // it uses the connection
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
	for _, g := range f.reads {
		if g.position.Compare(f.captured) <= 0 {
			g.end(at, nil)
		} else {
			waiting = append(waiting, g)
		}
	}
	clear(f.reads[len(waiting):])
	f.reads = waiting
	if ev.Kind != capture.Barrier || ev.Barrier.Run != f.run {
		return
	}
	if g := f.marks[ev.Barrier.Token]; g != nil {
		delete(f.marks, ev.Barrier.Token)
		g.end(at, nil)
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

// Raise is [apply.Fence]'s. Callers that come while the server is being asked share the next question.
func (f *Fence) Raise(ctx context.Context, floor change.Timestamp) (uint64, error) {
	for mark := floor != 0; ; mark = true {
		g, err := f.join(mark, floor)
		if err != nil {
			return 0, err
		}
		var tooLong <-chan time.Time
		if !mark {
			tooLong = time.After(patience)
		}
		select {
		case <-g.done:
			return g.asOf, g.err
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-tooLong:
		}
	}
}

func (f *Fence) join(mark bool, floor change.Timestamp) (*round, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errFenceClosed
	}
	if f.next == nil {
		f.next = &round{done: make(chan struct{})}
	}
	f.next.mark = f.next.mark || mark
	f.next.floor = max(f.next.floor, floor)
	if !f.asks {
		f.asks = true
		f.asker.Go(f.ask)
	}
	return f.next, nil
}

// ask asks the server until nobody waits for the next question.
func (f *Fence) ask() {
	for {
		f.mu.Lock()
		g := f.next
		f.next = nil
		if g == nil {
			f.asks = false
			f.mu.Unlock()
			return
		}
		f.mu.Unlock()
		if !g.mark && f.read(g) {
			continue
		}
		f.write(g)
	}
}

// read has a round wait for the log's present end, unless capture is there already. It does nothing and reports
// false at the beginning of a file, where no transaction ends.
func (f *Fence) read(g *round) bool {
	position, err := readPosition(f.ctx, f.conn)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		g.end(0, fmt.Errorf("read the binary log's position: %w", err))
	case position.Compare(f.captured) <= 0:
		g.end(f.at, nil)
	case position.File != f.captured.File:
		return false
	default:
		g.position = position
		f.reads = append(f.reads, g)
	}
	return true
}

// write commits a barrier for a round.
func (f *Fence) write(g *round) {
	f.mu.Lock()
	f.token++
	token := f.token
	f.marks[token] = g
	f.mu.Unlock()

	err := f.commit(loopguard.Barrier{Run: f.run, Token: token, Floor: g.floor})
	faultpoint.Hit(faultpoint.Barrier)
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.marks[token] != nil {
		delete(f.marks, token)
		g.end(0, err)
	}
}

func (f *Fence) commit(b loopguard.Barrier) error {
	sql := fmt.Sprintf("UPDATE bridge.barrier SET run = '%s', token = %d, floor = %d", b.Run, b.Token, int64(b.Floor))
	result, err := f.conn.One(f.ctx, sql)
	if err != nil {
		return fmt.Errorf("write a barrier to the log: %w", err)
	}
	if result.Affected != 1 {
		return errors.New(`bridge.barrier has no row: run "bridge init"`)
	}
	return nil
}
