package postgres

import (
	"fmt"
	"strconv"
	"strings"
)

// snapshot is pg_current_snapshot(): every transaction id below xmax that isn't in running has finished.
type snapshot struct {
	xmax    uint64
	running []uint64
}

// parseSnapshot reads "xmin:xmax:xip,xip,…".
func parseSnapshot(text string) (snapshot, error) {
	fail := func() (snapshot, error) {
		return snapshot{}, fmt.Errorf("pg_current_snapshot() gave %q, which is no snapshot", text)
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return fail()
	}
	xmax, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil {
		return fail()
	}
	s := snapshot{xmax: xmax}
	if parts[2] == "" {
		return s, nil
	}
	for _, f := range strings.Split(parts[2], ",") {
		x, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return fail()
		}
		s.running = append(s.running, x)
	}
	return s, nil
}

func (s *snapshot) isRunning(xid uint64) bool {
	for _, x := range s.running {
		if x == xid {
			return true
		}
	}
	return false
}

// certificate knows which finished transactions capture has seen all of. A transaction that wrote a row
// which is locked now has finished; so when every finished id below a snapshot's xmax is known, capture
// has seen every write to the rows that were locked before the snapshot was taken.
//
// Known are: ids that capture has read the commit of, bridge's own, and all that had finished when an
// earlier barrier was raised (that's how ids of aborted, unpublished and subtransactions are resolved).
// A running subtransaction isn't in a snapshot's list and so counts as finished: no harm, its parent is
// checked too.
//
// Invariant: every id below base is resolved, except those in pending, which were running when base was
// set. known holds no id that is resolved.
type certificate struct {
	base    uint64
	pending map[uint64]struct{}
	known   map[uint64]struct{}
}

func newCertificate() *certificate {
	return &certificate{pending: map[uint64]struct{}{}, known: map[uint64]struct{}{}}
}

// window bounds known and the walk over a snapshot's ids. A region that only sends, or that was quiet while
// its applications weren't, has more: then a barrier resolves them all at once.
const window = 1 << 16

// know notes that a transaction has finished and capture knows all of it, or that it's bridge's own.
func (c *certificate) know(xid uint64) {
	if _, ok := c.pending[xid]; ok || xid >= c.base {
		c.known[xid] = struct{}{}
	}
	if len(c.known) > window {
		*c = *newCertificate()
	}
}

// know32 is know for the low half of an id, as the log has it: the id nearest to base is meant.
func (c *certificate) know32(low uint32) {
	const epoch = 1 << 32
	xid := c.base&^(epoch-1) | uint64(low)
	switch {
	case xid+epoch/2 < c.base:
		xid += epoch
	case xid > c.base+epoch/2 && xid >= epoch:
		xid -= epoch
	}
	c.know(xid)
}

// holds reports whether every transaction that had finished in s is known. Before the first resolve
// it never does.
func (c *certificate) holds(s snapshot) bool {
	if c.base == 0 || s.xmax > c.base+window {
		return false
	}
	for x := range c.pending {
		if !c.isKnown(x) && !s.isRunning(x) && x < s.xmax {
			return false
		}
	}
	for x := c.base; x < s.xmax; x++ {
		if !c.isKnown(x) && !s.isRunning(x) {
			return false
		}
	}
	c.resolve(s)
	return true
}

func (c *certificate) isKnown(x uint64) bool {
	_, ok := c.known[x]
	return ok
}

// resolve notes that capture knows every transaction which had finished in s.
func (c *certificate) resolve(s snapshot) {
	for x := range c.pending {
		if x < s.xmax && !s.isRunning(x) {
			delete(c.pending, x)
			delete(c.known, x)
		}
	}
	if s.xmax <= c.base {
		return
	}
	base := c.base
	c.base = s.xmax
	for _, x := range s.running {
		if x >= base {
			c.pending[x] = struct{}{}
		}
	}
	for x := range c.known {
		if _, ok := c.pending[x]; x < c.base && !ok {
			delete(c.known, x)
		}
	}
}
