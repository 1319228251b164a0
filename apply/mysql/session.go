package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/loopguard"
	"bridge/naming"
)

// session is one connection of an [apply.Session].
type session struct {
	conn   *mysql.Conn
	worker int
	epoch  uint64 // of this leader
	names  naming.Names
	local  *localizer
	// packetLimit is how long a packet may be, in bytes.
	packetLimit int
	// idleSQL and activeSQL bound how long the server waits for a word inside a transaction, and between two; they're
	// empty where the server tells these apart by itself.
	idleSQL, activeSQL string

	marker *loopguard.Marker // of a transaction that has begun but wasn't sent yet
	origin change.Origin     // of the transaction
	how    apply.Manner
	open   bool // the server has a transaction of ours

	// careful and lockGaps say how the transaction must be done, found out while it was done otherwise:
	// they hold until one commits.
	careful  bool // see errLook
	lockGaps bool // a table is emptied: nobody else may insert into it

	marked map[change.Origin]bool // bridge.progress has this worker's row of the origin
	tables map[uint64]*table
	read   time.Time // when the first of tables was read
}

// tableAge is how long what is known of tables counts. Most changes of a definition show by an error, after which it's
// read anew; a column that any update sets to the current time, since lately, doesn't.
const tableAge = 10 * time.Second

// Begin is [apply.Session]'s. It's sent with the first statements.
func (s *session) Begin(m loopguard.Marker, how apply.Manner) {
	m.Worker = s.worker
	s.marker, s.origin, s.how = &m, m.Origin, how
}

// Write is [apply.Session]'s: one round trip, or a second try with rows locked first where the first doesn't tell what
// it found.
func (s *session) Write(ctx context.Context, writes []apply.Write) (apply.Written, error) {
	marker := s.marker
	if err := s.lockTables(writes); err != nil {
		return apply.Written{}, err
	}
	out, err := s.write(ctx, writes)
	if !errors.Is(err, errLook) {
		return out, err
	}
	s.careful = true
	if marker == nil { // what was written before this would be lost
		return apply.Written{}, fmt.Errorf("%w: some rows of a later write are missing", apply.ErrRetry)
	}
	if err := s.Rollback(ctx); err != nil {
		return apply.Written{}, err
	}
	s.marker = marker
	return s.write(ctx, writes)
}

// lockTables sees to it that a transaction which empties, or locks, a table begins under the isolation level that keeps others out.
func (s *session) lockTables(writes []apply.Write) error {
	truncates := slices.ContainsFunc(writes, func(w apply.Write) bool { return w.Kind == apply.Truncate || w.Kind == apply.Lock })
	if !truncates || s.lockGaps {
		return nil
	}
	s.lockGaps = true
	if s.marker == nil {
		return fmt.Errorf("%w: a later piece of the transaction empties a table", apply.ErrRetry)
	}
	return nil
}

func (s *session) write(ctx context.Context, writes []apply.Write) (out apply.Written, err error) {
	groups, err := s.group(ctx, writes)
	if err != nil {
		return out, s.explain(err)
	}
	var all steps
	for _, g := range groups {
		all.write(g, s.careful, func(index int) { out.Missing = append(out.Missing, index) })
	}
	all.add(positionSQL(s.conn), func(r *mysql.Result) error {
		p, err := parsePosition(r)
		out.Witness = witness{p}
		return err
	})
	if err := s.run(ctx, all); err != nil {
		return apply.Written{}, err
	}
	return out, nil
}

// run sends statements of the transaction, after what begins it if that wasn't sent yet.
func (s *session) run(ctx context.Context, all steps) error {
	if s.marker != nil {
		var first steps
		s.begin(&first)
		all = append(first, all...)
	}
	if err := s.send(ctx, all); err != nil {
		return s.explain(err)
	}
	s.marker = nil
	return nil
}

// Savepoint is [apply.Session]'s: the server forgets an earlier one of the same name.
func (s *session) Savepoint(ctx context.Context) error {
	var all steps
	all.add("SAVEPOINT bridge", nil)
	return s.run(ctx, all)
}

// RollbackTo is [apply.Session]'s. An error that ends the whole transaction (a deadlock) is no [apply.ErrRefused].
func (s *session) RollbackTo(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, "ROLLBACK TO SAVEPOINT bridge"); err != nil {
		return fmt.Errorf("roll back to a savepoint: %w", err)
	}
	return nil
}

// Ping is [apply.Session]'s.
func (s *session) Ping(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, "DO 0"); err != nil {
		return fmt.Errorf("keep a transaction open: %w", err)
	}
	return nil
}

// Commit is [apply.Session]'s.
func (s *session) Commit(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, "COMMIT"+s.activeSQL); err != nil {
		return fmt.Errorf("commit (whether it took effect is read from bridge.progress on restart): %w", err)
	}
	s.marked[s.origin] = true
	s.open, s.careful, s.lockGaps = false, false, false
	return nil
}

// Rollback is [apply.Session]'s.
func (s *session) Rollback(ctx context.Context) error {
	s.marker = nil
	if !s.open || s.conn.Broken() {
		return nil
	}
	s.open = false
	if _, err := s.conn.Exec(ctx, "ROLLBACK"+s.activeSQL); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// Close is [apply.Session]'s.
func (s *session) Close(context.Context) error {
	s.conn.Close()
	return nil
}

// table finds what is known of a table, or reads it.
func (s *session) table(ctx context.Context, t *change.Table) (*table, error) {
	if len(s.tables) > 0 && time.Since(s.read) > tableAge {
		clear(s.tables)
	}
	known := s.tables[t.Fingerprint()]
	if known == nil {
		local, err := s.names.LocalTable(t)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", apply.ErrRefused, err)
		}
		if known, err = loadTable(ctx, s.conn, local, t); err != nil {
			return nil, err
		}
		if len(s.tables) == 0 {
			s.read = time.Now()
		}
		s.tables[t.Fingerprint()] = known
	}
	return known, nil
}
