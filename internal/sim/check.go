package sim

import (
	"fmt"
	"slices"
	"strings"

	"bridge/capture"
	"bridge/change"
	"bridge/history"
	"bridge/visibility"
)

// oracle knows every local transaction that was captured, and nothing of what the core thinks of it.
type oracle struct {
	births map[change.Dot]*birth
	order  []*birth
	writer map[string]change.Dot // value to who wrote it first
}

type birth struct {
	tag        change.Tag
	seen       change.Vector // the truth: what was visible when the transaction began
	operations []change.Operation
}

func newOracle() oracle {
	return oracle{births: map[change.Dot]*birth{}, writer: map[string]change.Dot{}}
}

// born notes a captured transaction. One that is captured again after a crash must get the same tag: else
// its duplicate would be another transaction.
func (w *world) born(r *region, tag *change.Tag, l *logged, operations []change.Operation) {
	if b := w.oracle.births[tag.Dot]; b != nil {
		if b.tag.Time != tag.Time || b.tag.Rules != tag.Rules || !slices.Equal(b.tag.Deps, tag.Deps) || len(b.operations) != len(operations) {
			w.fail("I3 once", "%s was tagged %d %s, and after a restart %d %s", tag.Dot, b.tag.Time, b.tag.Deps, tag.Time, tag.Deps)
		}
		return
	}
	b := &birth{tag: *tag, seen: l.seen, operations: operations}
	w.oracle.births[tag.Dot] = b
	w.oracle.order = append(w.oracle.order, b)
	w.stats.Transactions++
	if !tag.Deps.Covers(l.seen) && l.kind == capture.Local {
		w.fail("I5 causal", "%s says it had seen %s, and had seen %s", tag.Dot, tag.Deps, l.seen)
	}
	for i := range operations {
		for _, v := range operations[i].New {
			if text, ok := v.Text(); ok && strings.ContainsAny(text[:1], "sL") {
				if _, known := w.oracle.writer[text]; !known {
					w.oracle.writer[text] = tag.Dot
				}
			}
		}
	}
}

// checkCommit checks an apply transaction as it commits: each dot once (I3), whole (I4), after all that it
// had seen (I5), and with no value of a transaction that isn't here (I4).
func (w *world) checkCommit(r *region, f *flight, applied []*change.Transaction) {
	seen := r.db.seen()
	operations := map[change.Dot]int{}
	for _, tx := range applied {
		b := w.oracle.births[tx.Dot]
		switch {
		case b == nil:
			w.fail("I3 once", "%s applies %s, which was never born", r, tx.Dot)
			return
		case r.db.applied[tx.Dot]:
			w.fail("I3 once", "%s applies %s again", r, tx.Dot)
		case !seen.With(r.origin, ^uint64(0)).Covers(b.seen):
			w.fail("I5 causal", "%s applies %s, which had seen %s, and has seen %s", r, tx.Dot, b.seen, seen)
		}
		if tx.Last {
			seen = seen.With(tx.Dot.Origin, tx.Dot.Seq)
		}
		operations[tx.Dot] += len(tx.Operations)
	}
	for dot, n := range operations {
		if want := len(w.oracle.births[dot].operations); n != want {
			w.fail("I4 atomic", "%s applies %d of the %d operations of %s", r, n, want, dot)
		}
	}
	for _, e := range f.session.effects {
		for c := 1; c < len(e.image); c++ {
			text, _ := e.image[c].Text()
			dot, known := w.oracle.writer[text]
			if known && dot.Origin != r.origin && !seen.Includes(dot) {
				w.fail("I4 atomic", "%s shows %s of %s in %s, which isn't applied here", r, text, dot, e.key)
			}
		}
	}
}

// checkSettled checks a mesh that has come to rest.
func (w *world) checkSettled() {
	if w.violation != nil {
		return
	}
	w.checkConverged()
	for _, r := range w.regions {
		if s := r.history.Stats(); s.Operations != 0 || s.Bytes != 0 {
			w.fail("I7 bounded", "%s keeps %d operations (%d bytes) that every region has seen", r, s.Operations, s.Bytes)
		}
		for _, b := range w.oracle.order {
			if b.tag.Dot.Origin != r.origin && !r.db.applied[b.tag.Dot] {
				w.fail("I2 no silent loss", "%s lacks %s", r, b.tag.Dot)
			}
		}
	}
	w.checkConstraints()
	rows := w.operationsByRow()
	for _, key := range w.keys() {
		w.checkOutcome(key, rows[key])
		w.checkLoss(key, rows[key])
	}
}

// checkConverged compares all rows of all regions (I1).
func (w *world) checkConverged() {
	first := w.regions[0]
	for _, r := range w.regions[1:] {
		for _, key := range w.keys() {
			if a, b := first.db.rows[key], r.db.rows[key]; !slices.Equal(a, b) {
				w.fail("I1 converge", "%s is %s in %s and %s in %s", key, showImage(a), first, showImage(b), r)
			}
			if a, b := first.db.parked[key], r.db.parked[key]; !slices.Equal(a.Image, b.Image) {
				w.fail("I1 converge", "%s is parked as %s in %s and as %s in %s", key, showImage(a.Image), first, showImage(b.Image), r)
			}
		}
	}
}

// keys are all keys that a schedule uses.
func (w *world) keys() []change.Key {
	var keys []change.Key
	for _, t := range w.tables {
		for id := range w.plan.keys {
			keys = append(keys, keyOf(t, id))
		}
	}
	return keys
}

// operationsByRow is every operation there ever was on each row, in order, truncates included.
func (w *world) operationsByRow() map[change.Key]history.Row {
	rows := map[change.Key]history.Row{}
	for _, key := range w.keys() {
		rows[key] = nil
	}
	for _, b := range w.oracle.order {
		for i := range b.operations {
			op := &b.operations[i]
			e := history.EntryOf(&b.tag, op, uint32(i), 0)
			if op.Kind != change.Truncate {
				rows[op.Key] = rows[op.Key].Insert(e)
				continue
			}
			for key := range rows {
				if key.Table == op.Key.Table {
					rows[key] = rows[key].Insert(e)
				}
			}
		}
	}
	return rows
}

// checkOutcome compares a row with the rule's decision over all operations that ever were: forgetting
// stable ones must make no difference (I1).
func (w *world) checkOutcome(key change.Key, ops history.Row) {
	if len(ops) == 0 {
		return
	}
	got := w.candidate(key)
	initial := w.regions[0].db.initial[key]
	first := history.Entry{Tag: &change.Tag{}, Kind: change.Update, Table: ops[0].Table, Old: initial, Image: initial}
	rules := w.rules.now
	if w.rules.becoming != nil {
		rules = w.rules.becoming
	}
	out := rules.For(key.Table, ops).Decide(ops, &first)
	want := out.Image.Over(initial)
	if !out.Exists {
		want = nil
	}
	if n := firstUnique; w.plan.alters() && got != nil && want != nil {
		got, want = got[:n], want[:n] // applications that write a row shown altered take over what they saw
	}
	if !slices.Equal(got, want) {
		w.fail("I1 converge", "%s is %s everywhere, and all its operations together make %s", key, showImage(got), showImage(want))
	}
}

// candidate is a row as its operations made it, shown or not.
func (w *world) candidate(key change.Key) change.Image {
	if p, ok := w.regions[0].db.parked[key]; ok {
		return p.Image
	}
	return w.regions[0].db.rows[key]
}

// checkConstraints makes sure that what's shown keeps the constraints, and that what's hidden is so for a cause.
func (w *world) checkConstraints() {
	db := w.regions[0].db
	s := db.begin()
	defer s.end()
	for _, key := range w.keys() {
		row := db.rows[key]
		if !w.plan.constraints.fits(row) {
			w.fail("I1 converge", "%s is %s, which the check forbids", key, showImage(row))
		}
		if taken, _ := s.mayHold(key, row); taken {
			w.fail("I1 converge", "%s has a value that another row has", key)
		}
		for _, parent := range w.parentsOf(key, row) {
			if db.rows[parent] == nil {
				w.fail("I1 converge", "%s names %s, which isn't there", key, parent)
			}
		}
		p, isParked := db.parked[key]
		if !isParked {
			continue
		}
		caused := !w.plan.constraints.fits(p.Image)
		for _, v := range w.holds(key, p.Image) {
			for _, other := range w.keys() {
				caused = caused || other != key && slices.Contains(w.holds(other, w.candidate(other)), v)
			}
		}
		for _, parent := range w.parentsOf(key, p.Image) {
			caused = caused || db.rows[parent] == nil
		}
		if !caused {
			w.fail("I2 no silent loss", "%s is hidden without a cause", key)
		}
		w.checkMended(key, &p)
	}
}

// checkMended makes sure that nothing is left to do for a row that lacks a parent: it's dropped (I9), or its parent is there again, if that can be (I2).
// What's parked itself may be shown again, and the row with it.
func (w *world) checkMended(key change.Key, p *visibility.Parked) {
	if p.Reason != visibility.ByParent || p.Shown != nil {
		return
	}
	db := w.regions[0].db
	for _, k := range w.foreignOf(key.Table) {
		parent, ok := w.parentOf(k, p.Image)
		if _, isParked := db.parked[parent]; k.name() != p.Constraint || !ok || isParked || db.rows[parent] != nil {
			continue
		}
		switch policy := w.regions[0].policies().children[k.index]; {
		case policy == visibility.DropChild:
			w.fail("I9 progress", "%s lacks %s and isn't dropped", key, parent)
		case policy == visibility.KeepParent && w.canBeRestored(p, parent):
			w.fail("I2 no silent loss", "%s lacks %s, which isn't inserted again", key, parent)
		}
	}
}

// canBeRestored reports whether a parent was deleted by somebody who hadn't seen the child, and can be as it was. Whoever wrote the child when the delete
// was known may have brought it back when the delete was forgotten; and of a row that was hidden under another policy nobody kept what it lacked.
func (w *world) canBeRestored(p *visibility.Parked, parent change.Key) bool {
	rows := w.operationsByRow()
	ops, child := rows[parent], rows[p.Key]
	if len(ops) == 0 || len(child) == 0 || w.plan.next != nil && w.plan.nextPolicies != w.plan.constraints.policies {
		return false
	}
	last, wrote := ops[len(ops)-1], child[len(child)-1]
	if slices.ContainsFunc(child, func(e history.Entry) bool { return e.Saw(&last) }) ||
		slices.ContainsFunc(ops, func(e history.Entry) bool { return e.Kind == change.Insert && e.Tag.Dot == last.Tag.Dot }) { // what it found nobody has seen
		return false
	}
	if last.Kind != change.Delete || last.Saw(&wrote) || last.Old == nil || !last.Old.Complete() {
		return false
	}
	s := w.regions[0].db.begin()
	defer s.end()
	taken, _ := s.mayHold(parent, last.Old)
	return !taken && w.plan.constraints.fits(last.Old) && !slices.ContainsFunc(w.parentsOf(parent, last.Old), func(key change.Key) bool { return s.row(key) == nil })
}

// checkLoss makes sure that each operation shows, or was seen by a later one, or is in a conflict's record
// somewhere (I2).
func (w *world) checkLoss(key change.Key, ops history.Row) {
	row := w.candidate(key)
	for i := range ops {
		e := &ops[i]
		if shows(e, row) || slices.ContainsFunc(ops, func(f history.Entry) bool { return f.Compare(e) != 0 && f.Saw(e) }) || w.recorded(key, e) {
			continue
		}
		w.fail("I2 no silent loss", "%s of %s by %s doesn't show, wasn't superseded and isn't recorded", e.Kind, key, e.Tag.Dot)
	}
}

func shows(e *history.Entry, row change.Image) bool {
	if e.Kind == change.Delete || e.Kind == change.Truncate {
		return row == nil
	}
	if row == nil {
		return false
	}
	for c, v := range e.Image {
		if !v.IsAbsent() && v != row[c] {
			return false
		}
	}
	return true
}

func (w *world) recorded(key change.Key, e *history.Entry) bool {
	for _, r := range w.regions {
		for i := range r.db.records {
			rec := &r.db.records[i]
			if rec.Key == key && slices.ContainsFunc(rec.Versions, func(f history.Entry) bool { return f.Tag.Dot == e.Tag.Dot }) {
				return true
			}
		}
	}
	return false
}

// showEffects are what a transaction did, for the trace.
type showEffects []effect

func (effects showEffects) String() string {
	text := ""
	for _, e := range effects {
		text += fmt.Sprintf(" %s%s", e.key, showImage(e.image))
	}
	return text
}
