package apply

import (
	"slices"

	"bridge/change"
	"bridge/history"
	"bridge/visibility"
)

// bereave notes which deleted rows a candidate lacks by its foreign keys of the policy [visibility.KeepParent], should one of them hide it. They're
// parked with it: whoever inserts them again may do so when history has long forgotten the deletes.
func (s *Settlement) bereave(c *visibility.Candidate, h *history.History) error {
	if c.Row == nil {
		return nil
	}
	b := &bereavement{s: s, h: h, seen: map[change.Key]bool{}}
	if parked := s.parking.Get(c.Key); parked != nil {
		b.known = parked.Lost
	}
	err := b.parents(c.Table, c.Row, c.Marks)
	c.Lost, c.Kin = b.lost, b.kin
	return err
}

// bereavement finds the deleted rows without which a row can't be shown.
type bereavement struct {
	s     *Settlement
	h     *history.History
	known []visibility.Lost // from before
	seen  map[change.Key]bool
	lost  []visibility.Lost
	kin   []change.Key // that lost rows name
}

// parents finds those that a row names, each after those that it names itself.
func (b *bereavement) parents(t *visibility.Table, row *visibility.Row, marks visibility.Marks) error {
	for i := range t.Foreign {
		f := &t.Foreign[i]
		v, parent := marks.Names[i], b.s.catalog[f.Parent]
		if f.Policy != visibility.KeepParent || !v.Has() || parent == nil {
			continue
		}
		if key, ok := parent.KeyOf(v); ok && len(b.seen) > 0 {
			b.kin = append(b.kin, key)
		}
		values, _ := row.Values(f.Columns)
		last, err := b.lastDeleted(parent, v, values)
		if err != nil {
			return err
		}
		if last == nil || b.seen[last.Key] {
			continue
		}
		b.seen[last.Key] = true
		m, err := b.s.mark(parent, &last.Row)
		if err == nil {
			err = b.parents(parent, &last.Row, m)
		}
		if err != nil {
			return err
		}
		b.lost = append(b.lost, *last)
	}
	return nil
}

// lastDeleted is the row that offered v, as the latest delete of it that's known found it; nil where none is known.
func (b *bereavement) lastDeleted(parent *visibility.Table, v visibility.Value, values []change.Value) (last *visibility.Lost, err error) {
	of := slices.DeleteFunc(slices.Clone(b.known), func(l visibility.Lost) bool { return l.Key.Table != v.Table })
	for _, key := range b.s.mayOffer(parent, v, values, b.h) {
		of = append(of, b.s.deletes(key, b.h)...)
	}
	for i := range of {
		l := &of[i]
		if last != nil && l.Version().Compare(last.Version()) <= 0 {
			continue
		}
		m, err := b.s.mark(parent, &l.Row)
		if err != nil {
			return nil, err
		}
		if m.Offers[v.Index] == v {
			last = l
		}
	}
	return last, nil
}

// deletes are those of a row of which it's known what they took away: what they found, as the log told, or, where nobody else has seen that, what another
// region had written at the same time.
func (s *Settlement) deletes(key change.Key, h *history.History) (lost []visibility.Lost) {
	ops := h.Row(key, ^uint64(0))
	if s.batch != nil && s.batch.byKey[key] != nil {
		for _, in := range s.batch.byKey[key].ops {
			ops = ops.Insert(in.entry())
		}
	}
	for i := range ops {
		e := &ops[i]
		if e.Kind != change.Delete {
			continue
		}
		row := visibility.Row{Key: key, Table: e.Table, Image: e.Old}
		if isFleeting(ops[:i], e) {
			row.Table, row.Image = lastUnseen(ops, e)
		}
		if row.Image != nil && row.Image.Complete() {
			lost = append(lost, visibility.Lost{Row: row, Dot: e.Tag.Dot, Time: e.Tag.Time})
		}
	}
	return lost
}

// lastUnseen is the last image of a row that an operation hadn't seen; nil where there's none.
func lastUnseen(ops history.Row, e *history.Entry) (t *change.Table, image change.Image) {
	for i := range ops {
		if by := &ops[i]; by.Image != nil && by.Image.Complete() && !e.Saw(by) && by.Tag.Dot != e.Tag.Dot {
			t, image = by.Table, by.Image
		}
	}
	return t, image
}

// isFleeting reports whether a delete is of a row that its own transaction had inserted, such as one that takes a parked row's place for a moment to be
// deleted: nobody has seen that row. before are the operations before it.
func isFleeting(before history.Row, e *history.Entry) bool {
	return slices.ContainsFunc(before, func(b history.Entry) bool { return b.Tag.Dot == e.Tag.Dot && b.Kind == change.Insert })
}

// mayOffer are the keys of the rows which may have offered v, whose values these are, before they were deleted: one, where v is of the key that names them.
func (s *Settlement) mayOffer(parent *visibility.Table, v visibility.Value, values []change.Value, h *history.History) []change.Key {
	if key, ok := parent.KeyOf(v); ok {
		s.reread(key, h)
		return []change.Key{key}
	}
	s.reread(change.Key{Table: v.Table}, h)
	keys := map[change.Key]bool{}
	consider := func(key change.Key, kind change.Kind, t *change.Table, old change.Image) {
		row := visibility.Row{Key: key, Table: t, Image: old}
		had, ok := row.Values(parent.Referred[v.Index])
		if kind == change.Delete && ok && slices.EqualFunc(had, values, roughlyEqual) {
			keys[key] = true
		}
	}
	h.Each(v.Table, func(key change.Key, e *history.Entry) { consider(key, e.Kind, e.Table, e.Old) })
	if s.batch != nil {
		for _, r := range s.batch.rows {
			if r.key.Table != v.Table {
				continue
			}
			for _, in := range r.ops {
				consider(r.key, in.op.Kind, in.op.Table, in.op.Old)
			}
		}
	}
	return sortedKeys(keys)
}

// reread notes that operations must be read again before it can be told what a delete found.
func (s *Settlement) reread(key change.Key, h *history.History) {
	if !s.unread[key] && len(h.Lacks(key, ^uint64(0))) > 0 {
		s.unread[key], s.rereads = true, true
	}
}
