package mysql

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/loopguard"
)

// ErrDeposed means that another bridge has become the region's leader.
var ErrDeposed = errors.New("another bridge leads this region now")

// Target is a MySQL or MariaDB server that batches are applied to.
type Target struct {
	// Selected says which tables are replicated, by local names; nil is all. It's set before Constraints is called.
	Selected func(change.TableName) bool

	connect func(ctx context.Context, role string) (*mysql.Conn, error)
	epoch   uint64
	inward  apply.Inward
	local   localizer
}

var _ apply.Target = (*Target)(nil)

// NewTarget makes a target. connect opens a session with bridge's fixed settings (internal/mysql) and the default
// database bridge; its lock timeout is how long a statement waits for a row that an application holds, before it
// gives way and decides anew. epoch is the leader's, as it's in bridge.node: see [ErrDeposed]. inward is
// how other regions' rows become this one's.
func NewTarget(connect func(ctx context.Context, role string) (*mysql.Conn, error), epoch uint64, inward apply.Inward) *Target {
	return &Target{connect: connect, epoch: epoch, inward: inward, local: localizer{connect: connect, inward: inward}}
}

// A bridge that is frozen, or cut off without a word, doesn't hold rows for longer than idleLimit. One that
// lives speaks every few seconds (see apply's pingInterval). MySQL has one limit for being idle inside a
// transaction and outside, so that it's set anew at each end. Both are in seconds.
const (
	idleLimit   = 30
	idleForever = 31_536_000 // the most that wait_timeout takes
)

// Open is [apply.Target]'s.
func (t *Target) Open(ctx context.Context, worker int) (apply.Session, error) {
	conn, err := t.connect(ctx, fmt.Sprintf("apply %d", worker))
	if err != nil {
		return nil, err
	}
	t.local.learn(conn)
	s := &session{conn: conn, worker: worker, epoch: t.epoch, names: t.inward.Names, local: &t.local, tables: map[uint64]*table{}}
	if err := s.prepare(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("prepare to apply: %w", err)
	}
	return s, nil
}

// prepare fixes what apply sessions alone need.
func (s *session) prepare(ctx context.Context) (err error) {
	if s.marked, err = origins(ctx, s.conn, s.worker); err != nil {
		return err
	}
	limit, err := s.conn.Text(ctx, "SELECT @@max_allowed_packet")
	if err != nil {
		return err
	}
	if s.packetLimit, err = strconv.Atoi(limit[0]); err != nil {
		return fmt.Errorf("max_allowed_packet %q is no number", limit[0])
	}
	s.packetLimit -= 1024 // the packet's own header, with room to spare
	if s.conn.Flavor() == mysql.MariaDB {
		_, err = s.conn.Exec(ctx, fmt.Sprintf("SET SESSION idle_transaction_timeout = %d", idleLimit))
		return err
	}
	s.idleSQL = fmt.Sprintf("SET SESSION wait_timeout = %d", idleLimit)
	s.activeSQL = fmt.Sprintf("; SET SESSION wait_timeout = %d", idleForever)
	return nil
}

// Progress is [apply.Target]'s.
func (t *Target) Progress(ctx context.Context) (map[change.Origin]loopguard.Marker, error) {
	conn, err := t.connect(ctx, "progress")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	t.local.learn(conn)
	r, err := conn.One(ctx, "SELECT origin, worker, seq, ts, stream_offset FROM bridge.progress")
	if err != nil {
		return nil, fmt.Errorf("read bridge.progress: %w", err)
	}
	progress := map[change.Origin]loopguard.Marker{}
	for _, row := range r.Rows {
		var f [5]string
		for i := range f {
			f[i], _ = row[i].Text()
		}
		m, err := loopguard.ParseMarker(f[0], f[1], f[2], f[3], f[4])
		if err != nil {
			return nil, fmt.Errorf("read bridge.progress: %w", err)
		}
		if m.Seq >= progress[m.Origin].Seq {
			progress[m.Origin] = m
		}
	}
	return progress, nil
}

// origins are the origins that a worker has a marker of.
func origins(ctx context.Context, conn *mysql.Conn, worker int) (map[change.Origin]bool, error) {
	r, err := conn.One(ctx, fmt.Sprintf("SELECT origin FROM bridge.progress WHERE worker = %d", worker))
	if err != nil {
		return nil, fmt.Errorf("read bridge.progress: %w", err)
	}
	marked := map[change.Origin]bool{}
	for _, row := range r.Rows {
		text, _ := row[0].Text()
		marked[change.Origin(text)] = true
	}
	return marked, nil
}
