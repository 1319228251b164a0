package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// A savepoint's rows have an id of their own, which capture never reads: the snapshot certificate doesn't know it, until the next
// barrier resolves it. Sessions use savepoints where they raise barriers anyway.

// Savepoint is [apply.Session]'s.
func (s *session) Savepoint(ctx context.Context) error {
	err := s.round(ctx, func(pipe *pgconn.Pipeline) {
		if s.saved { // or they'd nest
			s.exec(pipe, "RELEASE SAVEPOINT bridge", "", nil, nil, nil)
		}
		s.exec(pipe, "SAVEPOINT bridge", "", nil, nil, nil)
	}, func(r *results) {
		if s.saved {
			r.done()
		}
		r.done()
	})
	if err != nil {
		return s.explain(err, nil)
	}
	s.saved = true
	return nil
}

// RollbackTo is [apply.Session]'s.
func (s *session) RollbackTo(ctx context.Context) error {
	if !s.saved {
		return errors.New("there's no savepoint to go back to")
	}
	err := s.round(ctx, func(pipe *pgconn.Pipeline) {
		s.exec(pipe, "ROLLBACK TO SAVEPOINT bridge", "", nil, nil, nil)
	}, func(r *results) { r.done() })
	if err != nil {
		return s.explain(err, nil)
	}
	return nil
}
