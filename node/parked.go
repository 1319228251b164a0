package node

import (
	"context"
	"time"

	"bridge/visibility"
)

// retryRefused is how often rows are tried again that the database didn't take: what kept it from that, rows or the schema, may
// have changed.
const retryRefused = time.Minute

func (s *session) retry(ctx context.Context) error {
	var last time.Time
	return nowAndThen(ctx, func() error {
		if time.Since(last) < retryRefused {
			return nil
		}
		last = time.Now()
		for label := range s.watch.Parked() {
			if label.Reason == visibility.Refused {
				s.watch.Retry()
				break
			}
		}
		return nil
	})
}

// Retry has all parked rows looked at again now. It reports false when the region isn't running.
func (n *Node) Retry() bool {
	n.mu.Lock()
	s := n.current
	n.mu.Unlock()
	if s == nil {
		return false
	}
	s.watch.Retry()
	return true
}
