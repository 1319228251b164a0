package postgres

import (
	"context"

	"bridge/change"
	"bridge/visibility"
)

// Find is [apply.Session]'s.
func (s *session) Find(ctx context.Context, l *visibility.Lookup) ([]visibility.Row, error) {
	panic("not built")
}

// Savepoint is [apply.Session]'s.
func (s *session) Savepoint(ctx context.Context) error { panic("not built") }

// RollbackTo is [apply.Session]'s.
func (s *session) RollbackTo(ctx context.Context) error { panic("not built") }

// Park is [apply.Session]'s.
func (s *session) Park(ctx context.Context, put []visibility.Parked, away []change.Key) error {
	panic("not built")
}
