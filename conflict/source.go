package conflict

import (
	"slices"

	"bridge/change"
	"bridge/history"
)

// Base is a row as it was before some operations. Without an image there was no row, or nothing is known of it.
type Base struct {
	Table *change.Table
	Image change.Image
}

// value is the base's value of column c of t.
func (b *Base) value(t *change.Table, c int) change.Value {
	return valueAs(&history.Entry{Table: b.Table}, b.Image, t, c)
}

// Replay decides a row of which all operations are known, in their order and not empty, on what it was before
// them. It's what [Rule.Decide] comes to in every region, whichever operation came last. Where base and operations
// don't tell a column, its value is absent.
func (r *Rule) Replay(ops history.Row, base Base) Outcome {
	if base.Table == nil {
		base.Table = ops[0].Table
	}
	first := history.Entry{Tag: &change.Tag{}, Kind: change.Update, Table: base.Table, Old: base.Image, Image: base.Image}
	o := r.Decide(ops, &first)
	if !o.Exists || o.Image.Complete() {
		return o
	}
	o.Image = slices.Clone(o.Image)
	for c, v := range o.Image {
		if v.IsAbsent() {
			o.Image[c] = base.value(o.Table, c)
		}
	}
	return o
}

// Canonical is a row's image with each merged column in the spelling that the rule gives it, so that rows that
// are decided by different rules can be compared.
func (r *Rule) Canonical(t *change.Table, image change.Image) change.Image {
	if r.Columns == nil || image == nil {
		return image
	}
	out := slices.Clone(image)
	for c, m := range r.planOf(t).mergers {
		if m != nil {
			out[c] = m.canonical(out[c])
		}
	}
	return out
}

// Source is where a column's value comes from.
type Source struct {
	// Ops are indexes of operations, in their order: the one that wrote the value or, of a merged column, all
	// that are in it.
	Ops []int
	// Base says that the value is that from before all operations or, with Ops, that they were added to it.
	Base bool
}

// Sources tells where the values of o come from, which is [Rule.Replay]'s outcome of the same operations: a source per
// column of o.Table, none if there's no row. An operation that left a column as it was is no source of it.
func (r *Rule) Sources(ops history.Row, base Base, o *Outcome) []Source {
	if !o.Exists {
		return nil
	}
	ops, _ = r.whole(ops, nil)
	out := make([]Source, len(o.Image))
	for c := range out {
		if r.Columns != nil {
			out[c] = r.planOf(o.Table).source(c, ops, o.Image[c])
		} else if carrier := r.carrier(ops, o, c); carrier >= 0 {
			out[c] = written(ops, &base, o.Table, c, carrier)
		} else {
			out[c] = Source{Base: true}
		}
	}
	return out
}

// carrier is the operation whose image has column c of a row that's taken whole; -1 when none has it.
func (r *Rule) carrier(ops history.Row, o *Outcome, c int) int {
	for i := len(ops) - 1; i >= 0; i-- {
		takes := r.Order == LatestWins || ops[i].Compare(&o.Winner) == 0
		if takes && !valueAs(&ops[i], ops[i].Image, o.Table, c).IsAbsent() {
			return i
		}
	}
	return -1
}

// written finds who wrote the value that ops[k] carries in column c: the latest of those that it had seen, or itself.
func written(ops history.Row, base *Base, t *change.Table, c, k int) Source {
	v := valueAs(&ops[k], ops[k].Image, t, c)
	for i := k; i >= 0; i-- {
		if i != k && !ops[k].Saw(&ops[i]) || valueAs(&ops[i], ops[i].Image, t, c) != v {
			continue
		}
		if wrote(ops, base, t, c, i) {
			return Source{Ops: []int{i}}
		}
	}
	return Source{Base: true}
}

// wrote reports whether ops[i], which carries column c, changed it. Where the log doesn't tell what was before, the
// operations that it had seen do.
func wrote(ops history.Row, base *Base, t *change.Table, c, i int) bool {
	if ops[i].Kind == change.Insert {
		return true
	}
	v := valueAs(&ops[i], ops[i].Image, t, c)
	if before := valueAs(&ops[i], ops[i].Old, t, c); !before.IsAbsent() {
		return before != v
	}
	for j := i - 1; j >= 0; j-- {
		if before := valueAs(&ops[j], ops[j].Image, t, c); !before.IsAbsent() && ops[i].Saw(&ops[j]) {
			return before != v
		}
	}
	return base.value(t, c) != v
}

// source is where a column's value v comes from when columns are merged.
func (p *plan) source(c int, ops history.Row, v change.Value) Source {
	s := Source{Base: true}
	for i := range ops {
		switch e := p.edit(c, &ops[i]); e.kind {
		case assigns:
			s = Source{Ops: []int{i}}
		case adds:
			if _, one := p.merger(c).(extreme); !one {
				s.Ops = append(s.Ops, i)
			} else if e.value == v {
				s = Source{Ops: []int{i}}
			}
		}
	}
	return s
}
