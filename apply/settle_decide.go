package apply

import (
	"cmp"
	"maps"
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/visibility"
)

// Decide makes the candidates of all rows in the scene, from what history knew as of the barrier.
func (s *Settlement) Decide(h *history.History, barrier uint64) error {
	scene := visibility.NewScene(s.catalog)
	if s.scene != nil {
		scene.Sought = s.scene.Sought
	}
	s.scene, s.records, s.claims, s.barrier, s.absent = scene, nil, map[change.Key]claim{}, barrier, map[change.Key]uint64{}
	s.last, s.survivors = map[change.Key]history.Entry{}, map[change.Key]history.Entry{}
	if s.batch != nil {
		for _, r := range s.batch.rows {
			decide := s.decideRow
			if r.key.Row == "" {
				decide = s.decideTruncated
			}
			if err := decide(r, h, barrier); err != nil {
				return err
			}
		}
	}
	s.findChildren(h, barrier)
	for _, key := range sortedKeys(s.suspects) {
		if scene.Get(key) == nil {
			if err := s.decideParked(key, h, barrier); err != nil {
				return err
			}
		}
	}
	for _, key := range sortedKeys(s.found) {
		if scene.Get(key) == nil && s.truncates[key.Table] == nil {
			if err := s.decideAside(key, h); err != nil {
				return err
			}
		}
	}
	s.rereads = false
	for _, c := range scene.All() {
		if err := s.bereave(c, h); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys[V any](m map[change.Key]V) []change.Key {
	return slices.SortedFunc(maps.Keys(m), func(a, b change.Key) int {
		return cmp.Or(cmp.Compare(a.Table.String(), b.Table.String()), cmp.Compare(a.Row, b.Row))
	})
}

// decideRow decides a row of the batch.
func (s *Settlement) decideRow(r *row, h *history.History, barrier uint64) error {
	ops := h.Row(r.key, s.asOf(r.key, barrier))
	c, parked, err := s.begin(r.key, r.ops[len(r.ops)-1].op.Table, ops)
	if err != nil {
		return err
	}
	_, present := s.rules.For(r.key.Table, ops).Exists(ops)
	before := c.Now
	if parked != nil {
		before = &parked.Row
	}
	ops, rec := r.replay(ops, s.rules, present)
	rule := rec.Rule
	last := r.ops[len(r.ops)-1].entry()
	if rec.Versions == nil {
		s.uncontested(c, r, before, &last)
	} else {
		if err := lacking(rule, ops); err != nil {
			return err
		}
		rec.Outcome = rule.Decide(ops, &last)
		if last.Kind == change.Truncate && rule.Columns != nil {
			r.untruncated(&rec.Outcome, ops, rule)
		}
		s.records = append(s.records, rec)
		c.Row = settledRow(c, rec.Outcome.Exists, rec.Outcome.Table, rec.Outcome.Image, before)
	}
	if rule.LocksMissing() && c.Now == nil && s.truncates[r.key.Table] == nil {
		if t, image := anyImage(ops); image != nil {
			if err := s.claim(r.key, t, image); err != nil {
				return err
			}
		}
	}
	s.knows(r.key, ops)
	c.Claim = claimOf(r.key, ops, parked)
	c.Refuses = s.refuses[r.key]
	return s.enter(c)
}

// claim notes that a key which isn't there is to be locked, with some image of its row.
func (s *Settlement) claim(key change.Key, t *change.Table, image change.Image) error {
	c := claim{row: &visibility.Row{Key: key, Table: t, Image: image}, table: s.table(t)}
	m, err := s.mark(c.table, c.row)
	c.holds = m.Holds
	s.claims[key] = c
	return err
}

// begin is a candidate with what the table shows of it, and how it was parked, unless that is over.
func (s *Settlement) begin(key change.Key, t *change.Table, ops history.Row) (*visibility.Candidate, *visibility.Parked, error) {
	c := &visibility.Candidate{Key: key, Table: s.table(t)}
	parked := s.parking.Get(key)
	now, present := s.found[key]
	if present && s.truncates[key.Table] == nil {
		c.Now = &now
		var err error
		if c.NowMarks, err = s.mark(c.Table, c.Now); err != nil {
			return nil, nil, err
		}
	}
	if parked != nil && isSuperseded(parked, present, ops, s.self) {
		parked = nil
	}
	if c.Now == nil && parked == nil && s.truncates[key.Table] == nil { // nobody else writes to a table that's truncated
		s.notFound(key, ops)
	}
	return c, parked, nil
}

// isSuperseded reports whether the local application has written a parked row's key since: then the table shows the candidate. A truncate doesn't
// count: whether it took the row along is for the row's rule to say.
func isSuperseded(p *visibility.Parked, present bool, ops history.Row, self change.Origin) bool {
	if p.Shown == nil && present {
		return true
	}
	return slices.ContainsFunc(ops, func(e history.Entry) bool {
		writes := e.Kind == change.Insert || p.Shown != nil && e.Kind != change.Truncate
		return e.Tag.Dot.Origin == self && writes && e.Tag.Version().Compare(p.Claim.Version) > 0
	})
}

// uncontested is a row that nobody has written without knowing of the others: it's as its last writer left it.
func (s *Settlement) uncontested(c *visibility.Candidate, r *row, before *visibility.Row, last *history.Entry) {
	net := r.net()
	if net.Kind == Delete {
		return
	}
	c.Row = settledRow(c, true, net.Table, net.Image, before)
	if net.Kind == Upsert || before != nil {
		return
	}
	rec := conflict.Record{
		Type: conflict.UpdateMissing, Key: r.key, Incoming: last.Tag.Dot, Versions: history.Row{*last}, Outcome: conflict.Outcome{Winner: *last},
	}
	if c.Row != nil {
		rec.Outcome.Exists, rec.Outcome.Image, rec.Outcome.Table = true, c.Row.Image, c.Row.Table
	}
	s.records = append(s.records, rec)
}

// settledRow is a decided row, whole: in the shape in which the database has it, if all its columns are known, with what was
// there before in those that nobody assigned. It's nil where there's none, or not enough of it.
func settledRow(c *visibility.Candidate, exists bool, t *change.Table, image change.Image, before *visibility.Row) *visibility.Row {
	if !exists {
		return nil
	}
	shape := c.Table.Shape
	if before != nil {
		shape = before.Table
	}
	whole := reshaped(image, t, shape)
	if before != nil {
		whole = whole.Over(before.Image)
	}
	switch {
	case whole.Complete():
		return &visibility.Row{Key: c.Key, Table: shape, Image: whole}
	case image.Complete():
		return &visibility.Row{Key: c.Key, Table: t, Image: image}
	}
	return nil
}

// claimOf is the claim of a row with unstable operations, or of one that was parked.
func claimOf(key change.Key, ops history.Row, parked *visibility.Parked) visibility.Claim {
	claim := visibility.Claim{Key: key}
	if parked != nil {
		claim = parked.Claim
	}
	for i := range ops {
		if v := (visibility.Claim{Version: ops[i].Tag.Version(), Key: key}); ops[i].Kind != change.Truncate && claim.Compare(v) < 0 {
			claim = v
		}
	}
	return claim
}

// knows notes a row's last version, for records.
func (s *Settlement) knows(key change.Key, ops history.Row) {
	if len(ops) > 0 {
		s.last[key] = ops[len(ops)-1]
	}
}

// enter puts a candidate into the scene, with its values.
func (s *Settlement) enter(c *visibility.Candidate) (err error) {
	if c.Row != nil {
		c.Marks, err = s.mark(c.Table, c.Row)
	}
	s.scene.Add(c)
	return err
}

// decideParked looks at a parked row again that the batch doesn't write.
func (s *Settlement) decideParked(key change.Key, h *history.History, barrier uint64) error {
	had := s.parking.Get(key)
	if had == nil {
		return nil
	}
	ops := h.Row(key, s.asOf(key, barrier))
	c, parked, err := s.begin(key, had.Table, ops)
	if err != nil {
		return err
	}
	s.knows(key, ops)
	c.Claim = claimOf(key, ops, parked)
	_, exists := s.rules.For(key.Table, ops).Exists(ops)
	switch {
	case parked == nil:
		c.Row = c.Now
	case !exists && slices.ContainsFunc(ops, func(e history.Entry) bool { return e.Kind == change.Truncate }):
		parked = nil // history knows all of the row that a truncate hadn't seen
	default:
		c.Row, c.Claim = &parked.Row, parked.Claim
		if c.Refuses = s.refuses[key]; c.Refuses == "" && parked.Reason == visibility.Refused && !s.again {
			c.Refuses = parked.Constraint
		}
	}
	return s.enter(c)
}

// decideAside is a row of the table that another one met. It's locked.
func (s *Settlement) decideAside(key change.Key, h *history.History) error {
	if s.parking.Get(key) != nil {
		s.suspects[key] = true
		return s.decideParked(key, h, ^uint64(0))
	}
	now := s.found[key]
	c, _, err := s.begin(key, now.Table, nil)
	if err != nil {
		return err
	}
	c.Row, c.Aside = c.Now, true
	ops := h.Row(key, ^uint64(0))
	s.knows(key, ops)
	if c.Claim = claimOf(key, ops, nil); c.Claim.Time == 0 { // older than what's incoming, and was shown against all that's parked
		for _, v := range c.NowMarks.Holds {
			for _, rival := range s.parking.With(v) {
				if p := s.parking.Get(rival); v.Has() && c.Claim.Compare(p.Claim) < 0 {
					c.Claim = visibility.Claim{Version: p.Claim.Version, After: p.Claim.After + 1, Key: key}
				}
			}
		}
	}
	return s.enter(c)
}
