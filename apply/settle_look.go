package apply

import (
	"slices"

	"bridge/change"
	"bridge/visibility"
)

// Look decides what is shown, and asks for what the decision lacks: rows that hold, name or offer a value of those that
// change. It reports whether it asks for nothing; [Settlement.Lacks] may ask for more, too.
func (s *Settlement) Look() (complete bool, err error) {
	if err := s.seekKeys(); err != nil {
		return false, err
	}
	suspects := len(s.suspects)
	if err := s.seekOrphans(); err != nil {
		return false, err
	}
	if err := s.scene.Decide(s.mark); err != nil {
		return false, err
	}
	for _, c := range s.scene.All() {
		s.follow(c)
		if s.named[c.Key] && c.Now != nil && !sameRow(c.Now, c.Shown) { // it's more than a parent
			delete(s.asked, c.Key) // it may have come since it was looked for in vain
			if err := s.seek(c.Key, c.Now.Table, c.Now.Image); err != nil {
				return false, err
			}
		}
	}
	for _, key := range sortedKeys(s.claims) {
		c := s.claims[key]
		s.seekHolders(c.table, c.row, c.holds)
	}
	return len(s.lookups) == 0 && len(s.suspects) == suspects && !s.rereads, nil
}

// seekKeys asks for the rows of the batch, and of the parked ones that are looked at.
func (s *Settlement) seekKeys() error {
	if s.batch != nil {
		for _, r := range s.batch.rows {
			if r.key.Row == "" {
				continue
			}
			var images []change.Image
			for _, in := range r.ops {
				images = append(images, in.op.New, in.op.Old)
			}
			if err := s.seek(r.key, r.ops[0].op.Table, images...); err != nil {
				return err
			}
		}
	}
	for _, key := range sortedKeys(s.suspects) {
		if p := s.parking.Get(key); p != nil {
			if err := s.seek(key, p.Table, p.Image); err != nil {
				return err
			}
		}
	}
	for _, key := range sortedKeys(s.survivors) {
		e := s.survivors[key]
		if err := s.seek(key, e.Table, e.Image, e.Old); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(s.children) {
		e := s.children[key]
		if err := s.seek(key, e.Table, e.Image); err != nil {
			return err
		}
	}
	return nil
}

// follow asks for what a candidate meets, and for what it no longer keeps hidden.
func (s *Settlement) follow(c *visibility.Candidate) {
	if c.Row != nil && !c.Aside {
		s.seekHolders(c.Table, c.Row, c.Marks.Holds)
		s.seekParents(c)
	} else if _, lostOne := s.children[c.Key]; lostOne && c.Row != nil {
		s.seekParents(c)
	}
	if c.Shown != nil && c.Shown != c.Row { // others may have the values that it's altered to
		s.seekHolders(c.Table, c.Shown, c.ShownMarks.Holds)
		for _, v := range c.ShownMarks.Holds {
			s.suspectAt(v)
		}
	}
	for _, m := range []visibility.Marks{c.NowMarks, s.parking.MarksOf(c.Key), c.Marks} {
		for _, v := range slices.Concat(m.Holds, m.Offers) {
			if !c.Aside || c.Shown == nil {
				s.suspectAt(v)
			}
		}
	}
	for i, v := range c.NowMarks.Offers {
		if v.Has() && (c.Shown == nil || c.ShownMarks.Offers[i] != v) {
			values, _ := c.Now.Values(c.Table.Referred[i])
			for _, child := range s.catalog.Children(c.Key.Table, i) {
				s.seekChildren(child, v, values)
			}
		}
	}
}

// suspectAt has parked rows looked at that hold, name or offer a value.
func (s *Settlement) suspectAt(v visibility.Value) {
	if !v.Has() {
		return
	}
	for _, key := range s.parking.With(v) {
		s.suspects[key] = true
	}
}

// seekHolders asks for the rows that hold a row's unique values.
func (s *Settlement) seekHolders(t *visibility.Table, row *visibility.Row, holds []visibility.Value) {
	for i, v := range holds {
		if !v.Has() || s.wasSought(sought{value: v}) {
			continue
		}
		if u := &t.Unique[i]; u.Computed || u.NullsEqual {
			s.lookupPlace(t, u, row)
		} else if values, ok := row.Values(u.Columns); ok {
			s.lookup(t, u.Columns, values)
		}
	}
}

// lookupPlace asks for the rows that take the place of a key that a row takes.
func (s *Settlement) lookupPlace(t *visibility.Table, u *visibility.Unique, row *visibility.Row) {
	values, ok := row.All(u.Columns)
	if !ok {
		return
	}
	s.lookups = addLookup(s.lookups, visibility.Lookup{Table: t, Columns: u.Columns, Unique: u, Values: [][]change.Value{values}})
}

// seekParents asks for the parents that a row names.
func (s *Settlement) seekParents(c *visibility.Candidate) {
	for i, v := range c.Marks.Names {
		f := &c.Table.Foreign[i]
		parent := s.catalog[f.Parent]
		if !v.Has() || parent == nil || s.wasSought(sought{value: v}) {
			continue
		}
		if values, ok := c.Row.Values(f.Columns); ok {
			s.lookupParent(parent, parent.Referred[f.Refers], values)
			s.scene.Sought[v] = true
		}
	}
}

// seekChildren asks for the children of a parent that goes.
func (s *Settlement) seekChildren(child visibility.Child, v visibility.Value, values []change.Value) {
	if len(values) > 0 && !s.wasSought(sought{v, child.Table.Shape.String() + "." + child.Name}) {
		s.lookup(child.Table, child.Columns, values)
	}
}

// seekOrphans asks for the children of parents that may be gone, and for the parents.
func (s *Settlement) seekOrphans() error {
	for _, o := range s.orphaned {
		parent := s.catalog[o.Parent]
		if parent == nil || o.Refers >= len(parent.Referred) || len(parent.Referred[o.Refers]) != len(o.Values) {
			continue // the catalog was read anew
		}
		row := visibility.Row{Key: change.Key{Table: o.Parent}, Table: parent.Shape, Image: make(change.Image, len(parent.Shape.Columns))}
		for i, column := range parent.Referred[o.Refers] {
			row.Set(column, o.Values[i])
		}
		m, err := s.mark(parent, &row)
		if err != nil {
			return err
		}
		v := m.Offers[o.Refers]
		if !v.Has() {
			continue
		}
		if !s.wasSought(sought{value: v}) {
			s.lookupParent(parent, parent.Referred[o.Refers], o.Values)
		}
		s.scene.Sought[v] = true
		for _, child := range s.catalog.Children(o.Parent, o.Refers) {
			s.seekChildren(child, v, o.Values)
		}
	}
	return nil
}

// wasSought reports whether a value was looked up, and notes that it is.
func (s *Settlement) wasSought(v sought) bool {
	had := s.sought[v]
	s.sought[v] = true
	return had
}
