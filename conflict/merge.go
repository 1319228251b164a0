package conflict

import (
	"slices"

	"bridge/change"
	"bridge/history"
)

// An edit is what an operation did to one column. Assignments and additions stand in the operations' order: a column is
// the last assignment, with the later additions joined to it one after the other. That's a function of the set of operations.
//
// Where no assignment is among them the column goes back to before them all. The images of the operation
// that came last tell that: its origin showed the column with everything it had seen, and what it hadn't seen is still
// among the operations, for nobody forgets an operation before all regions are known to have seen it. So they
// are put in at their places.
type edit struct {
	kind  editKind
	value change.Value // after the operation
	data  any          // the merger's own
}

type editKind uint8

const (
	untouched editKind = iota
	assigns
	adds
)

// merger tells how the concurrent changes of one column come together.
type merger interface {
	// edit is what it was to change before into after, which differ. It's an assignment where the merger can't make
	// an addition of it, NULL before all.
	edit(before, after change.Value) edit
	// join puts e into v, which has what the later edits did already. ok is false where v isn't of the merger's
	// kind: then e counts as an assignment.
	join(v change.Value, e *edit, later []*edit) (joined change.Value, ok bool)
	// canonical is the one of v's spellings that all regions choose for a row that's decided, whichever way they came to it.
	// Columns that nobody changed are spelled so, too: where they weren't is known to some regions only.
	canonical(v change.Value) change.Value
}

// plan is a rule as it applies to one shape of a table.
type plan struct {
	table   *change.Table
	mergers []merger // nil assigns
	group   [][]int  // the other columns of a column's group
	rows    bool     // the rule takes rows whole: an operation writes all columns that its image has

	other *plan  // the other epoch's, while rules change
	under string // what tags of this one's have
}

func (r *Rule) planOf(t *change.Table) *plan {
	if p, ok := r.plans.Load(t.Fingerprint()); ok {
		return p.(*plan)
	}
	p := &plan{table: t, mergers: make([]merger, len(t.Columns)), group: make([][]int, len(t.Columns)), rows: r.Columns == nil, under: r.under}
	if r.other != nil {
		p.other = r.other.planOf(t)
	}
	for c := range t.Columns {
		if column, ok := r.Columns[t.Columns[c].Name]; ok {
			p.mergers[c] = column.merger(t.Columns[c].Type)
		}
		for _, names := range r.Groups {
			if !slices.Contains(names, t.Columns[c].Name) {
				continue
			}
			for other := range t.Columns {
				if other != c && slices.Contains(names, t.Columns[other].Name) {
					p.group[c] = append(p.group[c], other)
				}
			}
		}
	}
	r.plans.Store(t.Fingerprint(), p)
	return p
}

// merge is the row that operations make of which in came last.
func (p *plan) merge(ops history.Row, in *history.Entry) change.Image {
	image := make(change.Image, len(p.table.Columns))
	if !slices.ContainsFunc(ops, func(e history.Entry) bool { return !saw(in, &e) }) {
		for c := range image {
			image[c] = p.shown(c, in) // to the letter
		}
		return image
	}
	edits := make([]edit, len(ops))
	for c := range image {
		image[c] = p.column(c, ops, edits, in)
	}
	return image
}

func (p *plan) column(c int, ops history.Row, edits []edit, in *history.Entry) change.Value {
	last := -1
	for i := range ops {
		if edits[i] = p.edit(c, &ops[i]); edits[i].kind == assigns {
			last = i
		}
	}
	var v change.Value
	switch {
	case last >= 0:
		v = edits[last].value
		for i := last + 1; i < len(edits); i++ {
			v = p.join(c, v, &edits[i], nil)
		}
	case p.merger(c) != nil:
		v = p.weave(c, ops, edits, in)
	default:
		v = p.shown(c, in)
	}
	if p.mergers[c] != nil {
		v = p.mergers[c].canonical(v)
	}
	return v
}

// merger is how a column's changes are added to each other, by the one rule or the other; nil where they aren't.
func (p *plan) merger(c int) merger {
	if p.mergers[c] == nil && p.other != nil {
		return p.other.mergers[c]
	}
	return p.mergers[c]
}

// of is the plan of the rule under which e was written.
func (p *plan) of(e *history.Entry) *plan {
	if p.other != nil && e.Tag.Rules != p.under {
		return p.other
	}
	return p
}

// weave joins what in hadn't seen to the column as in's origin shows it.
func (p *plan) weave(c int, ops history.Row, edits []edit, in *history.Entry) change.Value {
	v := p.shown(c, in)
	var later []*edit
	for i := range ops {
		if edits[i].kind == untouched || saw(in, &ops[i]) {
			continue
		}
		later = later[:0]
		for j := i + 1; j < len(ops); j++ {
			if edits[j].kind == adds && saw(in, &ops[j]) {
				later = append(later, &edits[j])
			}
		}
		v = p.join(c, v, &edits[i], later)
	}
	return v
}

func (p *plan) join(c int, v change.Value, e *edit, later []*edit) change.Value {
	if e.kind == untouched {
		return v
	}
	if joined, ok := p.merger(c).join(v, e, later); ok {
		return joined
	}
	return e.value
}

// edit is what e did to column c, to those who decided by the rule under which it was written.
func (p *plan) edit(c int, e *history.Entry) edit {
	p = p.of(e)
	after := valueAs(e, e.Image, p.table, c)
	switch {
	case (e.Kind == change.Insert || p.rows && e.Kind == change.Update) && !after.IsAbsent():
		return edit{kind: assigns, value: after}
	case e.Kind != change.Update || after.IsAbsent():
		return edit{}
	}
	before := valueAs(e, e.Old, p.table, c)
	switch {
	case !p.changed(c, e) && !slices.ContainsFunc(p.group[c], func(c int) bool { return p.changed(c, e) }):
		return edit{}
	case p.mergers[c] == nil, before.IsAbsent(), before.IsNull(), after.IsNull(), before == after:
		return edit{kind: assigns, value: after}
	}
	d := p.mergers[c].edit(before, after)
	d.value = after
	return d
}

func (p *plan) changed(c int, e *history.Entry) bool {
	return valueAs(e, e.Old, p.table, c) != valueAs(e, e.Image, p.table, c)
}

// shown is column c as in's origin had it when it made in, with in.
func (p *plan) shown(c int, in *history.Entry) change.Value {
	if in.Image != nil {
		if v := valueAs(in, in.Image, p.table, c); !v.IsAbsent() {
			return v
		}
	}
	return valueAs(in, in.Old, p.table, c)
}

// saw reports whether in is e or had seen it.
func saw(in, e *history.Entry) bool { return in.Compare(e) == 0 || in.Saw(e) }
