package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"bridge/internal/postgres"
)

// Rows that are written under a replication origin aren't sent to a capture that asks pgoutput for origin 'none'. The
// marker, BEGIN and COMMIT must be: so a transaction puts itself under its session's origin after the marker, and leaves
// it before COMMIT.
//
// A session is under its origin until it leaves it, whatever becomes of the transaction. Invariant: under is true
// from before the server can be told to go under until it has confirmed to have left; and as long as under is true, each
// marker and each COMMIT follows a leave in the same pipeline, in which nothing is done behind an error.
type origin struct {
	name  string // "" of a session that has none
	under bool   // the server's session may be under it
	taken bool   // the transaction has gone under
}

// originRows is from how many writes on it's worth two statements more.
const originRows = 10

const leaveSQL = `SELECT pg_replication_origin_session_reset() WHERE pg_replication_origin_session_is_setup()`

// takeOrigin gives the session an origin, if the server is new enough.
func (s *session) takeOrigin(ctx context.Context) (err error) {
	if postgres.MajorVersion(s.conn) < postgres.OriginServer {
		return nil
	}
	if s.origin.name, err = postgres.EnsureOrigin(ctx, s.conn, s.worker); err != nil {
		return err
	}
	if err := s.prepareLasting(ctx, stmtLeave, leaveSQL); err != nil {
		return err
	}
	return s.prepareLasting(ctx, stmtUnder, s.origin.underSQL())
}

func (o *origin) underSQL() string {
	return fmt.Sprintf(`SELECT pg_replication_origin_session_setup(%s)`, postgres.Literal(o.name))
}

// goUnder puts what follows in the transaction under the origin if these are enough rows, and reports whether it does: then
// wentUnder reads the answer.
func (s *session) goUnder(pipe *pgconn.Pipeline, groups []*group) bool {
	rows := 0
	for _, g := range groups {
		rows += len(g.writes)
	}
	if s.origin.name == "" || s.origin.taken || rows < originRows {
		return false
	}
	s.origin.under, s.origin.taken = true, true
	s.exec(pipe, s.origin.underSQL(), stmtUnder, nil, nil, nil)
	return true
}

func (s *session) wentUnder(r *results) {
	if r.done(); r.err != nil {
		r.err = &originError{s.origin.name, r.err}
	}
}

// leave leaves the origin, before a marker or COMMIT, and reports whether there's an answer to read.
func (s *session) leave(pipe *pgconn.Pipeline) bool {
	if s.origin.under {
		s.exec(pipe, leaveSQL, stmtLeave, nil, nil, nil)
	}
	return s.origin.under
}

// originError isn't about a row, whatever its SQLSTATE is.
type originError struct {
	name string
	err  error
}

func (e *originError) Error() string {
	return fmt.Sprintf("take replication origin %s: %v", e.name, e.err)
}
func (e *originError) Unwrap() error { return e.err }
