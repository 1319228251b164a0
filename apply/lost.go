package apply

import (
	"hash/maphash"
	"slices"

	"bridge/change"
	"bridge/conflict"
)

// LostLabel is how lost updates are counted.
type LostLabel struct {
	Table change.TableName
	Rule  string
}

// losses tells which operations are lost for the first time. One that has lost is in each later conflict on its row, too,
// until all regions have seen it; it's remembered among the last lossMemory.
type losses struct {
	seed           maphash.Seed
	recent, before map[loss]struct{}
}

// loss is an operation on a row.
type loss struct {
	row      uint64 // a hash
	dot      change.Dot
	order    uint32
	deferred bool
}

const lossMemory = 1 << 15

func newLosses() *losses { return &losses{seed: maphash.MakeSeed(), recent: map[loss]struct{}{}} }

// count is how many versions of a conflict are lost now, and weren't before; deferred are those of them of which only columns are
// lost that one region merges in afterwards.
func (l *losses) count(r *conflict.Record) (lost, deferred uint64) {
	var row uint64
	for i := range r.Versions {
		e := &r.Versions[i]
		fate, columns := fateOf(r, e)
		if fate != FateLost {
			continue
		}
		if row == 0 {
			row = maphash.Comparable(l.seed, r.Key)
		}
		of := loss{row, e.Tag.Dot, e.Order, isDeferred(r, columns)}
		switch {
		case !l.isNew(of):
		case of.deferred:
			deferred++
		default:
			lost++
		}
	}
	return lost, deferred
}

// isDeferred reports whether lost columns are all such as one region merges.
func isDeferred(r *conflict.Record, columns []string) bool {
	return r.Outcome.Exists && len(columns) > 0 && r.Rule != nil && r.Rule.Columns != nil &&
		!slices.ContainsFunc(columns, func(name string) bool { return !r.Rule.Computed(name) })
}

func (l *losses) isNew(of loss) bool {
	if _, had := l.recent[of]; had {
		return false
	}
	_, had := l.before[of]
	if len(l.recent) >= lossMemory {
		l.recent, l.before = map[loss]struct{}{}, l.recent
	}
	l.recent[of] = struct{}{}
	return !had
}
