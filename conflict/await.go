package conflict

import "bridge/change"

// Awaited is what a decided case still waits for. What the decision came to stands until then: regions don't differ by it.
type Awaited string

// What cases wait for.
const (
	NothingAwaited Awaited = ""
	MergeAwaited   Awaited = "merge"  // a value that one region computes of all versions
	PersonAwaited  Awaited = "person" // somebody's decision
	BothAwaited    Awaited = "both"   // the one, and then the other
)

// Merge reports whether a merge is awaited.
func (a Awaited) Merge() bool { return a == MergeAwaited || a == BothAwaited }

// AwaitedAt is what a region is to do about a case. One region does it: the one that wrote the winner, which decides
// each such case when the other version arrives. What it writes has seen both, so it supersedes them everywhere, like a
// merge commit.
func (r *Record) AwaitedAt(self change.Origin) Awaited {
	if r.Rule == nil || !r.Outcome.Exists || r.Outcome.Winner.Tag.Dot.Origin != self {
		return NothingAwaited
	}
	merge, person := false, false
	p := r.Rule.planOf(r.Outcome.Table)
	for c := range p.table.Columns {
		switch of := r.Rule.Columns[p.table.Columns[c].Name].Merge; {
		case of.computed():
			merge = merge || r.contested(p, c)
		case of == Manual:
			person = person || r.contested(p, c)
		}
	}
	switch {
	case merge && person:
		return BothAwaited
	case merge:
		return MergeAwaited
	case person:
		return PersonAwaited
	}
	return NothingAwaited
}

// contested reports whether a change of column c is lost to one that hadn't seen it.
func (r *Record) contested(p *plan, c int) bool {
	for i := range r.Versions {
		e := &r.Versions[i]
		if r.Outcome.Winner.Saw(e) || p.edit(c, e).kind == untouched {
			continue
		}
		if valueAs(e, e.Image, p.table, c) != r.Outcome.Image[c] {
			return true
		}
	}
	return false
}
