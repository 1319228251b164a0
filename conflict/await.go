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
	merge, person := r.isPartial(), false
	for i := range r.Versions {
		for _, name := range r.Lost(&r.Versions[i]) {
			person = person || r.Rule.Columns[name].Merge == Manual
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

// isPartial reports whether a column that one region merges lacks somebody's part: a write that arrived was made of another value than the one
// that it met here, or isn't what stands. What a write has seen doesn't tell: its region may show one of two concurrent writes that it has
// seen, until the merged value comes.
func (r *Record) isPartial() bool {
	p := r.Rule.planOf(r.Outcome.Table)
	met := history.Entry{Table: r.Met.Table}
	for c := range p.table.Columns {
		name := p.table.Columns[c].Name
		if !r.Rule.Computed(name) {
			continue
		}
		sums := r.Rule.Columns[name].Merge == Expression // two that are equal needn't be one
		value := valueAs(&met, r.Met.Image, p.table, c)
		for i := range r.Arrived {
			e := &r.Arrived[i]
			after := valueAs(e, e.Image, p.table, c)
			if !removes(e.Kind) && !after.IsAbsent() && p.changed(c, e) {
				if (sums || after != value) && valueAs(e, e.Old, p.table, c) != value {
					return true
				}
				value = after
			}
		}
		if len(r.Arrived) > 0 && !removes(r.Arrived[len(r.Arrived)-1].Kind) && value != r.Outcome.Image[c] {
			return true
		}
	}
	return false
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
