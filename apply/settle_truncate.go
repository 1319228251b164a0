package apply

import (
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/visibility"
)

// A truncate takes all rows of its table that it had seen, without a word in the log about any of them. So a settlement of one locks the
// table first, and decides those rows alone of which somebody wrote without having seen it: each by its rule, as if the row itself had been
// deleted. All others are gone, and whatever the table has of them counts for nothing. What's left is written after the table was emptied.
//
// No child is left that had been seen: truncating a parent's table takes the children's along (PostgreSQL insists; elsewhere whoever
// turned the checks off answers for it). But a child that was written concurrently may have survived, and its parent not.

// truncating notes which tables the batch truncates.
func (s *Settlement) truncating() {
	if s.batch == nil {
		return
	}
	for _, r := range s.batch.rows {
		if r.key.Row == "" {
			s.truncates[r.key.Table] = &r.ops[len(r.ops)-1]
		}
	}
}

// Locks are to be written before anything is looked up: the tables that are to be emptied. Otherwise applications that go on writing there would
// have it begin anew for ever.
func (s *Settlement) Locks() []Write { return s.tableWrites(Lock) }

func (s *Settlement) tableWrites(kind WriteKind) (writes []Write) {
	if s.batch == nil {
		return nil
	}
	for _, r := range s.batch.rows {
		if r.key.Row == "" {
			writes = append(writes, Write{Kind: kind, Table: r.ops[len(r.ops)-1].op.Table, Key: r.key})
		}
	}
	return writes
}

// decideTruncated decides the rows of a truncated table that the batch doesn't write itself.
func (s *Settlement) decideTruncated(r *row, h *history.History, barrier uint64) error {
	in := s.truncates[r.key.Table]
	for _, key := range h.Keys(r.key.Table, in.tag) {
		if s.batch.byKey[key] == nil {
			if err := s.decideSurvivor(key, in, h.Row(key, s.asOf(key, barrier))); err != nil {
				return err
			}
		}
	}
	for _, key := range s.parking.Concerned(r.key) {
		if key.Table == r.key.Table && s.batch.byKey[key] == nil && s.scene.Get(key) == nil {
			s.scene.Add(&visibility.Candidate{Key: key, Table: s.table(in.op.Table)})
		}
	}
	return nil
}

// decideSurvivor decides a row of which somebody wrote without having seen the truncate.
func (s *Settlement) decideSurvivor(key change.Key, in *incoming, ops history.Row) error {
	entry := in.entry()
	versions := concurrent(ops, in.tag)
	if len(versions) == 0 {
		return nil // they come after the barrier
	}
	known := ops[len(ops)-1]
	c, parked, err := s.begin(key, known.Table, ops)
	if err != nil {
		return err
	}
	ops = ops.Insert(entry)
	rule := s.rules.For(key.Table, ops)
	rec := conflict.Record{
		Type: conflict.Truncated, Key: key, Rule: rule, Incoming: in.tag.Dot, Arrived: history.Row{entry}, Versions: versions.Insert(entry),
	}
	rec.Outcome = rule.Decide(ops, &entry)
	if rule.Columns != nil {
		s.survivors[key] = known
		s.leftAlone(&rec.Outcome, key, parked)
	}
	s.records = append(s.records, rec)
	c.Row = settledRow(c, rec.Outcome.Exists, rec.Outcome.Table, rec.Outcome.Image, nil)
	s.knows(key, ops)
	c.Claim = claimOf(key, ops, parked)
	c.Refuses = s.refuses[key]
	return s.enter(c)
}

// leftAlone makes the outcome of a truncate that loses a row under a rule by columns: it never happened to that, so the row is as it was.
func (s *Settlement) leftAlone(o *conflict.Outcome, key change.Key, parked *visibility.Parked) {
	before, ok := s.found[key]
	if parked != nil {
		before, ok = parked.Row, true
	}
	if o.Exists && ok {
		o.Image, o.Table = before.Image, before.Table
	}
}

// untruncated makes the outcome of a row that the batch wrote and then truncated, in vain: it's as if it had only written it.
func (r *row) untruncated(o *conflict.Outcome, ops history.Row, rule *conflict.Rule) {
	i := len(r.ops) - 1
	for i >= 0 && r.ops[i].op.Kind == change.Truncate {
		i--
	}
	if i < 0 || !o.Exists {
		return
	}
	own := r.ops[i].tag.Dot
	last := r.ops[i].entry()
	wrote := slices.DeleteFunc(slices.Clone(ops), func(e history.Entry) bool { return e.Kind == change.Truncate && e.Tag.Dot == own })
	if without := rule.Decide(wrote, &last); without.Exists {
		o.Image, o.Table = without.Image, without.Table
	}
}

// childTables are the tables whose rows name parents in tables that were truncated.
func (s *Settlement) childTables() (names []change.TableName) {
	for name, t := range s.catalog {
		if slices.ContainsFunc(t.Foreign, func(f visibility.Foreign) bool { return s.isEmptied(f.Parent) }) {
			names = append(names, name)
		}
	}
	return names
}

func (s *Settlement) isEmptied(t change.TableName) bool { return s.truncates[t] != nil || s.emptied[t] }

// findChildren notes the children whose parents may have gone with a truncate.
func (s *Settlement) findChildren(h *history.History, barrier uint64) {
	s.children = map[change.Key]history.Entry{}
	for _, name := range s.childTables() {
		for _, f := range s.catalog[name].Foreign {
			if !s.isEmptied(f.Parent) {
				continue
			}
			truncates := h.Row(change.Key{Table: f.Parent}, barrier)
			if in := s.truncates[f.Parent]; in != nil {
				truncates = append(truncates, in.entry())
			}
			h.Each(name, func(key change.Key, e *history.Entry) {
				if e.Image != nil && slices.ContainsFunc(truncates, func(t history.Entry) bool { return !t.Saw(e) }) {
					s.children[key] = *e
				}
			})
		}
	}
}
