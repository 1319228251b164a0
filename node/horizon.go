package node

import (
	"sync"

	"bridge/change"
)

// horizons remembers in which records transactions began, so that a restart knows where to rebuild history
// from. It's fed by capture and apply and asked now and then.
type horizons struct {
	mu    sync.Mutex
	marks map[change.Origin][]Horizon // rising; the first is the horizon
}

func newHorizons(from map[change.Origin]Horizon) *horizons {
	h := &horizons{marks: map[change.Origin][]Horizon{}}
	for o, at := range from {
		h.marks[o] = []Horizon{at}
	}
	return h
}

// sparse is how many transactions lie between two marks at least: a restart reads that much more.
const sparse = 100

// began notes that o's transaction seq begins in the record at offset.
func (h *horizons) began(o change.Origin, seq uint64, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.marks[o]
	if n := len(m); n == 0 || seq >= m[n-1].Seq+sparse {
		h.marks[o] = append(m, Horizon{seq, offset})
	}
}

// reached gives the horizons when each origin is stable up to the given number, and forgets what's before.
func (h *horizons) reached(stable func(change.Origin) uint64) map[change.Origin]Horizon {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[change.Origin]Horizon, len(h.marks))
	for o, m := range h.marks {
		s := stable(o)
		for len(m) > 1 && m[1].Seq <= s+1 {
			m = m[1:]
		}
		h.marks[o] = m
		out[o] = m[0]
	}
	return out
}
