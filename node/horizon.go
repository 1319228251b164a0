package node

import (
	"sync"

	"bridge/change"
	"bridge/history"
)

// Horizon says what a restart must read to have history again.
type Horizon struct {
	Cut history.Cut
	// Offsets are, by origin, those of records at or before the first that is needed.
	Offsets map[change.Origin]int64
}

// marks remember in which records transactions began: a restart finds there where to read from, and apply
// where a large transaction is.
type marks struct {
	mu       sync.Mutex
	byOrigin map[change.Origin][]mark // rising
	resumed  change.Dot
}

// mark is the beginning of a transaction. What comes before the first of a run is not marked: its seq is 0.
type mark struct {
	seq    uint64
	time   change.Timestamp
	offset int64
}

// newMarks begins with what is saved. resumed is the transaction with which this session goes on in its region's
// own topic. The session before may have begun it, in an earlier record, so it has no mark here.
func newMarks(from Horizon, resumed change.Dot) *marks {
	m := &marks{byOrigin: map[change.Origin][]mark{}, resumed: resumed}
	for o, offset := range from.Offsets {
		m.byOrigin[o] = []mark{{offset: offset}}
	}
	return m
}

// sparse is how many transactions lie between two marks at least: a restart reads that much more.
const sparse = 100

// began notes that a transaction begins in the record at offset.
func (m *marks) began(tag *change.Tag, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.byOrigin[tag.Dot.Origin]
	if n := len(all); tag.Dot != m.resumed && (n == 0 || tag.Dot.Seq >= all[n-1].seq+sparse) {
		m.byOrigin[tag.Dot.Origin] = append(all, mark{tag.Dot.Seq, tag.Time, offset})
	}
}

// from is the offset of a record at or before that in which a transaction begins; 0 if no earlier is known.
func (m *marks) from(dot change.Dot) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var at int64
	for _, k := range m.byOrigin[dot.Origin] {
		if k.seq > dot.Seq {
			break
		}
		at = k.offset
	}
	return at
}

// horizon is the horizon of a cut, and forgets the marks before it. There is none yet while something in the
// cut has no mark, because it has only just been applied or isn't published.
func (m *marks) horizon(cut history.Cut) (h Horizon, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, known := range cut.Known {
		if len(m.byOrigin[known.Origin]) == 0 {
			return Horizon{}, false
		}
	}
	h = Horizon{cut, map[change.Origin]int64{}}
	for o, all := range m.byOrigin {
		for len(all) > 1 && all[1].passed(o, &cut) {
			all = all[1:]
		}
		m.byOrigin[o] = all
		h.Offsets[o] = all[0].offset
	}
	return h, true
}

// passed reports whether nothing before the mark is needed.
func (k *mark) passed(o change.Origin, cut *history.Cut) bool {
	return k.seq <= cut.Known.Get(o)+1 && (change.Version{Time: k.time, Origin: o}).Compare(cut.Since) <= 0
}
