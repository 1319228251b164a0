package history

import "sync"

// Locked shares a History between capture, which adds local transactions, and apply, which certifies
// against it and adds remote ones.
type Locked struct {
	mu sync.Mutex
	h  *History
}

// NewLocked guards h, which nobody else uses from now on.
func NewLocked(h *History) *Locked { return &Locked{h: h} }

// Do runs f while nobody else reads or changes the history.
func (l *Locked) Do(f func(*History)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l.h)
}
