package node

import (
	"context"
	"time"
)

// Retention is how long recorded conflicts are kept. Cases that wait for a person stay whatever their age, but not
// beyond Rows.
type Retention struct {
	Age  time.Duration // 0 is forever
	Rows int           // 0 is without limit
}

// trimInterval is the time between two looks for conflicts that are to go.
const trimInterval = time.Minute

// trim keeps bridge.conflicts within its limits. That it can't is no reason to stop replicating.
func (s *session) trim(ctx context.Context) error {
	tick := time.NewTicker(trimInterval)
	defer tick.Stop()
	for {
		if _, err := s.node.Engine.TrimConflicts(ctx, s.node.Retention); err != nil && ctx.Err() == nil {
			s.node.Log.Warn("old conflicts couldn't be removed", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
