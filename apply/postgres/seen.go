package postgres

import (
	"context"
	"slices"
)

// Seen is [apply.Session]'s: the next statement's snapshot isn't older than this one.
func (s *session) Seen(ctx context.Context) (bool, error) {
	var text string
	if err := s.conn.QueryRow(ctx, "SELECT pg_current_snapshot()::text").Scan(&text); err != nil {
		return false, s.explain(err, nil)
	}
	at, err := parseSnapshot(text)
	if err != nil {
		return false, err
	}
	return s.fence.shows(at), nil
}

// shows reports whether all transactions whose commit capture has read had finished in a snapshot.
func (f *Fence) shows(s snapshot) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !slices.ContainsFunc(s.running, f.cert.isKnown)
}
