package conflict

import "bridge/history"

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

// Awaited is what the case of a record waits for, in the one region that deals with it.
//
// That is the same region for all conflicts of all rows. It decides each of them when the last version arrives, and what it
// writes has seen all versions, so it supersedes them everywhere, like a merge commit. If the regions took turns, two of
// them could merge a version each without knowing of the other, and it would count twice.
func (r *Record) Awaited() Awaited {
	if r.Rule == nil || r.Rule.Columns == nil || !r.Outcome.Exists {
		return NothingAwaited
	}
	merge, person := false, false
	for i := range r.Versions {
		for _, name := range r.Lost(&r.Versions[i]) {
			of := r.Rule.Columns[name].Merge
			merge = merge || of.computed()
			person = person || of == Manual
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

// Lost are the columns, under a rule by columns, of which e's change isn't in the row, and whose change is there in its
// place hadn't seen it.
func (r *Record) Lost(e *history.Entry) (columns []string) {
	p := r.Rule.planOf(r.Outcome.Table)
	for c := range p.table.Columns {
		name := p.table.Columns[c].Name
		if p.mergers[c] != nil || p.edit(c, e).kind == untouched || valueAs(e, e.Image, p.table, c) == r.Outcome.Image[c] {
			continue
		}
		if w := r.assigner(p, c); w != nil && !saw(w, e) {
			columns = append(columns, name)
		}
	}
	return columns
}

// assigner is the version whose change column c has; nil if there's none.
func (r *Record) assigner(p *plan, c int) *history.Entry {
	for i := len(r.Versions) - 1; i >= 0; i-- {
		if p.edit(c, &r.Versions[i]).kind == assigns {
			return &r.Versions[i]
		}
	}
	return nil
}
