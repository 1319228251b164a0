package postgres

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/apply"
	"bridge/loopguard"
	"bridge/naming"
)

// session is one connection of an [apply.Session].
type session struct {
	conn   *pgx.Conn
	pg     *pgconn.PgConn
	fence  *Fence
	worker int
	names  naming.Names
	forms  *forms // of the target

	marker *loopguard.Marker // of a transaction that has begun but wasn't sent yet
	how    apply.Manner
	open   bool // the server has a transaction of ours
	saved  bool // there's a savepoint in it
	origin origin

	statements map[shape]*prepared
	tables     map[uint64]*builder
	known      map[string]bool // names of statements that the server has, or will have had when it answers
	lasting    map[string]bool // those of them that it has whatever happens
	counter    int             // of names
}

// prepared is a statement with its name on the server.
type prepared struct {
	*statement
	name string
}

func newSession(conn *pgx.Conn, fence *Fence, worker int, names naming.Names, forms *forms) *session {
	return &session{
		conn: conn, pg: conn.PgConn(), fence: fence, worker: worker, names: names, forms: forms,
		statements: map[shape]*prepared{}, tables: map[uint64]*builder{},
		known: map[string]bool{}, lasting: map[string]bool{},
	}
}

// Begin is [apply.Session]'s. It's sent with whatever is sent first.
func (s *session) Begin(m loopguard.Marker, how apply.Manner) {
	m.Worker = s.worker
	s.marker, s.how, s.saved, s.origin.taken = &m, how, false, false
}

// Names of the prepared statements that a session has from its beginning.
const (
	stmtMarker, stmtWitness = "marker", "witness"
	stmtUnder, stmtLeave    = "under", "leave" // an origin
)

const (
	markerSQL = `INSERT INTO bridge.progress AS p (origin, worker, seq, ts, stream_offset)
VALUES ($1, $2::text::integer, $3::text::bigint, $4::text::bigint, $5::text::bigint)
ON CONFLICT (origin, worker) DO UPDATE SET seq = excluded.seq, ts = excluded.ts, stream_offset = excluded.stream_offset
WHERE p.seq < excluded.seq OR p.seq = excluded.seq AND $6::text::boolean`
	witnessSQL = `SELECT pg_current_snapshot()::text, pg_current_xact_id()::text`
)

// markerParams are a marker's columns as text, and whether it may be there already.
func markerParams(m *loopguard.Marker, how apply.Manner) [][]byte {
	return [][]byte{
		[]byte(m.Origin),
		[]byte(strconv.Itoa(m.Worker)),
		strconv.AppendUint(nil, m.Seq, 10),
		strconv.AppendInt(nil, int64(m.Time), 10),
		strconv.AppendInt(nil, m.Offset, 10),
		strconv.AppendBool(nil, how == apply.Upkeep),
	}
}

// Write is [apply.Session]'s: one round trip, and another only to find which rows an UPDATE missed.
func (s *session) Write(ctx context.Context, writes []apply.Write) (apply.Written, error) {
	groups, err := s.group(ctx, writes)
	if err != nil {
		return apply.Written{}, err
	}
	out, short, err := s.send(ctx, groups)
	if err != nil {
		return apply.Written{}, s.explain(err, groups)
	}
	for _, g := range short {
		missing, err := s.missed(ctx, g, writes)
		if err != nil {
			return apply.Written{}, s.explain(err, groups)
		}
		out.Missing = append(out.Missing, missing...)
	}
	return out, nil
}

// Ping is [apply.Session]'s.
func (s *session) Ping(ctx context.Context) error {
	if result := s.pg.ExecParams(ctx, "SELECT", nil, nil, nil, nil).Read(); result.Err != nil {
		return fmt.Errorf("keep a transaction open: %w", result.Err)
	}
	return nil
}

// Commit is [apply.Session]'s.
func (s *session) Commit(ctx context.Context) error {
	var tag pgconn.CommandTag
	var leaves bool
	err := s.round(ctx, func(pipe *pgconn.Pipeline) {
		leaves = s.leave(pipe)
		s.exec(pipe, "COMMIT", "", nil, nil, nil)
	}, func(r *results) {
		if leaves {
			r.done()
		}
		tag = r.done()
	})
	if err != nil {
		return fmt.Errorf("commit (whether it took effect is read from bridge.progress on restart): %w", err)
	}
	s.open, s.origin.under = false, false
	if tag.String() != "COMMIT" {
		return fmt.Errorf("commit ended as %s", tag)
	}
	return nil
}

// Rollback is [apply.Session]'s.
func (s *session) Rollback(ctx context.Context) error {
	s.marker = nil
	if !s.open || s.pg.IsClosed() {
		return nil
	}
	s.open = false
	if result := s.pg.ExecParams(ctx, "ROLLBACK", nil, nil, nil, nil).Read(); result.Err != nil {
		return fmt.Errorf("roll back: %w", result.Err)
	}
	return nil
}

// Close is [apply.Session]'s.
func (s *session) Close(ctx context.Context) error { return s.conn.Close(ctx) }

// forget drops what is known of tables and prepared statements, after any error: a table's definition may
// have changed here, and a Prepare that stood behind the error was not done. Names aren't used again.
func (s *session) forget() {
	clear(s.tables)
	clear(s.statements)
	for name := range s.known {
		if !s.lasting[name] {
			delete(s.known, name)
		}
	}
}

// prepareLasting prepares a statement for as long as the session lives.
func (s *session) prepareLasting(ctx context.Context, name, sql string) error {
	if _, err := s.pg.Prepare(ctx, name, sql, nil); err != nil {
		return err
	}
	s.known[name], s.lasting[name] = true, true
	return nil
}
