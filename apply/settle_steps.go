package apply

import (
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/visibility"
)

// Steps are the writes that make the table show what was decided: each is written as a set before the next. Rows whose values change are
// deleted before any is inserted: unique values may change places in any way.
func (s *Settlement) Steps() [][]Write {
	var deletes, upserts []Write
	var claims [][]Write
	lifted := s.lifted()
	for _, c := range s.scene.All() {
		isLifted := lifted[c.Key]
		switch {
		case c.Now == nil && c.Shown == nil:
			if row := s.claims[c.Key].row; row != nil {
				claims = append(claims, []Write{{Kind: Upsert, Table: row.Table, Key: c.Key, Image: row.Image}},
					[]Write{{Kind: Delete, Table: row.Table, Key: c.Key, Image: row.Image}}) // one after another: they may meet each other
			}
			continue
		case c.Shown == nil, isLifted, c.Now != nil && !slices.Equal(c.NowMarks.Holds, c.ShownMarks.Holds):
			deletes = append(deletes, Write{Kind: Delete, Table: c.Now.Table, Key: c.Key, Image: c.Now.Image})
		}
		if c.Shown != nil && (isLifted || !sameRow(c.Now, c.Shown)) {
			upserts = append(upserts, Write{Kind: Upsert, Table: c.Shown.Table, Key: c.Key, Image: c.Shown.Image})
		}
	}
	steps := append(append([][]Write{s.tableWrites(Truncate), deletes}, claims...), upserts)
	return slices.DeleteFunc(steps, func(w []Write) bool { return len(w) == 0 })
}

// lifted are the rows that make place for a moment, for a key to be locked by an insert that would meet them.
func (s *Settlement) lifted() map[change.Key]bool {
	lifted := map[change.Key]bool{}
	for key, claim := range s.claims {
		c := s.scene.Get(key)
		if c == nil || c.Now != nil || c.Shown != nil {
			continue
		}
		for _, rival := range s.scene.All() {
			if rival.Now != nil && slices.ContainsFunc(claim.holds, func(v visibility.Value) bool { return v.Has() && slices.Contains(rival.NowMarks.Holds, v) }) {
				lifted[rival.Key] = true
			}
		}
	}
	return lifted
}

func sameRow(a, b *visibility.Row) bool {
	return a != nil && b != nil && a.Table.Fingerprint() == b.Table.Fingerprint() && slices.Equal(a.Image, b.Image)
}

// Fresh reports whether the steps lock rows that weren't there when they were looked for.
func (s *Settlement) Fresh() bool {
	return slices.ContainsFunc(s.scene.All(), func(c *visibility.Candidate) bool {
		return c.Now == nil && (c.Shown != nil || s.claims[c.Key].row != nil)
	})
}

// Moves are the rows that bridge.parked gets, in place of those with their keys, and those that it loses.
func (s *Settlement) Moves() (put []visibility.Parked, away []change.Key) {
	for _, c := range s.scene.All() {
		had := s.parking.Get(c.Key)
		switch p := parkedOf(c); {
		case p == nil && had != nil:
			away = append(away, c.Key)
		case p != nil && (had == nil || !isSame(p, had)):
			put = append(put, *p)
		}
	}
	return put, away
}

// IsIdle reports whether there's nothing to write: neither the steps nor moves.
func (s *Settlement) IsIdle(steps [][]Write) bool {
	put, away := s.Moves()
	return len(steps)+len(put)+len(away) == 0
}

// parkedOf is a candidate that isn't shown as it is; nil of others.
func parkedOf(c *visibility.Candidate) *visibility.Parked {
	if c.Row == nil || c.Reason == "" {
		return nil
	}
	p := &visibility.Parked{Row: *c.Row, Claim: c.Claim, Reason: c.Reason, Constraint: c.Constraint, Lost: c.Lost}
	if c.Shown != nil {
		p.Shown = c.Shown.Image
	}
	return p
}

func isSame(a, b *visibility.Parked) bool {
	return a.Claim == b.Claim && a.Reason == b.Reason && a.Constraint == b.Constraint && sameRow(&a.Row, &b.Row) &&
		(a.Shown == nil) == (b.Shown == nil) && slices.Equal(a.Shown, b.Shown) &&
		slices.EqualFunc(a.Lost, b.Lost, func(x, y visibility.Lost) bool { return x.Dot == y.Dot && sameRow(&x.Row, &y.Row) })
}

// committed takes the moves over into what is known to be parked. It's called after the commit.
func (s *Settlement) committed() {
	for _, c := range s.scene.All() {
		if p := parkedOf(c); p != nil {
			s.parking.Put(*p, c.Marks, slices.Concat(c.Blockers, c.Kin), c.Tables)
		} else {
			s.parking.Remove(c.Key)
		}
	}
}

// Records are the conflicts that were decided: between versions of a row, and between rows that constraints keep apart.
func (s *Settlement) Records() []conflict.Record {
	records := slices.Clone(s.records)
	for _, c := range s.scene.All() {
		if p := parkedOf(c); p != nil && s.parking.Get(c.Key) == nil {
			if rec, ok := s.recordOf(c); ok {
				records = append(records, rec)
			}
		}
	}
	return records
}

// recordOf is the record of a row that isn't shown as it is since this settlement; there's none if no version of it is known any more.
func (s *Settlement) recordOf(c *visibility.Candidate) (rec conflict.Record, ok bool) {
	own, ok := s.last[c.Key]
	if !ok {
		return rec, false
	}
	rec = conflict.Record{Type: s.typeOf(c, own.Kind), Key: c.Key, Incoming: own.Tag.Dot, Parked: &own, Constraint: c.Constraint, Versions: history.Row{own}}
	rec.Outcome.Winner = own
	for _, blocker := range c.Blockers {
		if e, known := s.last[blocker]; known {
			rec.Versions = rec.Versions.Insert(e)
			rec.Outcome.Winner = e
		}
	}
	if c.Shown != nil {
		rec.Outcome.Exists, rec.Outcome.Image, rec.Outcome.Table = true, c.Shown.Image, c.Shown.Table
	}
	return rec, true
}

func (s *Settlement) typeOf(c *visibility.Candidate, kind change.Kind) conflict.Type {
	inTheWay := 0
	for _, key := range c.Blockers {
		if rival := s.scene.Get(key); rival != nil && rival.Shown != nil {
			inTheWay++
		}
	}
	switch {
	case c.Reason == visibility.ByParent:
		return conflict.ParentMissing
	case c.Reason == visibility.Refused:
		return conflict.RowRefused
	case inTheWay > 1:
		return conflict.MultipleUniqueConflicts
	case kind == change.Insert:
		return conflict.InsertExists
	}
	return conflict.UpdateExists
}
