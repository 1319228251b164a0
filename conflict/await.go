package conflict

import "bridge/change"

// Awaited is what a decided case still waits for. What the decision came to stands until then: regions don't differ by it.
type Awaited string

// What cases wait for.
const (
	NothingAwaited Awaited = ""
	MergeAwaited   Awaited = "merge"  // a value that one region computes of all versions
	PersonAwaited  Awaited = "person" // somebody's decision
)

// AwaitedAt is what a region is to do about a case. One region does it: the one that wrote the winner, which decides
// each such case when the other version arrives. What it writes has seen both, so it supersedes them everywhere, like a
// merge commit.
func (r *Record) AwaitedAt(self change.Origin) Awaited {
	if r.Rule == nil || !r.Outcome.Exists || r.Outcome.Winner.Tag.Dot.Origin != self {
		return NothingAwaited
	}
	awaited := NothingAwaited
	p := r.Rule.planOf(r.Outcome.Table)
	for c := range p.table.Columns {
		switch merge := r.Rule.Columns[p.table.Columns[c].Name].Merge; {
		case !merge.computed() && merge != Manual || !r.contested(p, c):
		case merge == Manual:
			return PersonAwaited
		default:
			awaited = MergeAwaited
		}
	}
	return awaited
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
