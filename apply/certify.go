package apply

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// Verdict is what certification says must still be done before a batch may commit.
type Verdict struct {
	// Writes are to be written in the same database transaction, over what was written so far.
	Writes []Write
	// Locks says that the writes lock rows which weren't locked before: another barrier, and another
	// look, must follow.
	Locks bool

	rows []*row // one for each of the writes that locks a row; nil for the others
}

// Missing notes that writes found no row, by their index: what they wanted to lock isn't.
func (v *Verdict) Missing(indexes []int) {
	for _, i := range indexes {
		if r := v.rows[i]; r != nil {
			r.missing = true
		}
	}
}

func (v *Verdict) add(r *row, w Write) {
	v.Writes = append(v.Writes, w)
	v.rows = append(v.rows, r)
}

// Certify looks every row of the batch up in history, once the fence has said that every local write
// which could have touched the locked rows is known. asOf is the place in the log of the barrier that
// was raised for missing rows (any, when none are missing).
//
// It changes no history: the caller adds the batch's operations when it has committed, or, of a piece of
// a large transaction, before it looks at the next piece. The error wraps [ErrRefused]: the log told too little
// of a row for its rule.
func (b *Batch) Certify(h *history.History, rules *conflict.Rules, asOf uint64) (v Verdict, err error) {
	for _, r := range b.rows {
		switch {
		case r.key.Row == "":
			err = b.certifyTruncate(r, h, rules, &v)
		case r.contested(h):
			err = r.certify(h, rules, asOf, &v)
		}
		if err != nil {
			return Verdict{}, err
		}
	}
	return v, nil
}

// Lacks tells which operations history must be given before it can certify the batch: of large transactions
// it holds only which rows they wrote. asOf is as for Certify.
func (b *Batch) Lacks(h *history.History, asOf uint64) []history.Ref {
	if h.Whole() {
		return nil
	}
	var refs []history.Ref
	for _, r := range b.rows {
		switch {
		case r.key.Row == "":
			refs = append(refs, h.Lacks(r.key, ^uint64(0))...)
		case r.contested(h):
			refs = append(refs, h.Lacks(r.key, r.asOf(asOf))...)
		}
	}
	return refs
}

// contested reports whether a row may have to be decided. Its first operation has seen the least: if nothing
// is concurrent with that, nothing is with any.
func (r *row) contested(h *history.History) bool {
	return r.missing || r.decided || h.Concurrent(r.key, r.ops[0].tag)
}

// asOf is the place in the log up to which local operations count: all of those on a locked row are known,
// and none can be added.
func (r *row) asOf(barrier uint64) uint64 {
	if r.missing {
		return barrier
	}
	return ^uint64(0)
}

// certify decides one row that may be in conflict, and adds what must be written.
func (r *row) certify(h *history.History, rules *conflict.Rules, asOf uint64, v *Verdict) error {
	asOf = r.asOf(asOf)
	ops := h.Row(r.key, asOf)
	rule := rules.For(r.key.Table, ops)
	_, present := rule.Exists(ops)
	if r.missing && present {
		before := rule.Decide(ops, &ops[len(ops)-1])
		if before.Image.Complete() {
			// A transaction can be in the log, and read from it, before others see it (while it waits for a
			// synchronous standby, for example): only an insert waits for it.
			r.claim(before.Table, before.Image, v)
			return nil
		}
	}
	appeared := present && writtenSince(ops, r.looked)
	r.looked = asOf
	ops, rec := r.replay(ops, rules, present)
	last := r.ops[len(r.ops)-1].entry()
	rule = rec.Rule
	switch {
	case rec.Versions != nil:
	case r.claimed:
		r.rewrite(outcomeWrite(r.key, rule.Decide(ops, &last)), false, v)
		return nil
	default:
		r.uncontested(rule, ops, v)
		return nil
	}
	if err := cmp.Or(lacking(rule, ops), errBase(rule, ops, &last)); err != nil {
		return err
	}
	if r.missing && rule.LocksMissing() {
		if table, image := anyImage(ops); image != nil {
			r.claim(table, image, v)
			return nil
		}
	}
	rec.Outcome = rule.Decide(ops, &last)
	r.records = []conflict.Record{rec}
	r.decided = true
	r.rewrite(outcomeWrite(r.key, rec.Outcome), appeared, v)
	return nil
}

// replay adds the batch's operations on the row to those that are known. The record has versions if there's a conflict.
func (r *row) replay(ops history.Row, rules *conflict.Rules, present bool) (history.Row, conflict.Record) {
	rec := conflict.Record{Key: r.key}
	for _, in := range r.ops {
		if rec.Versions == nil && ops.ConcurrentWith(in.tag) {
			rec.Type = conflict.TypeOf(in.op.Kind, present)
			rec.Incoming = in.tag.Dot
			rec.Versions = concurrent(ops, in.tag)
			if rule := rules.For(r.key.Table, ops); rule.Computes() {
				rec.Met = rule.Decide(ops, &ops[len(ops)-1])
			}
		}
		e := in.entry()
		ops = ops.Insert(e)
		if rec.Versions != nil {
			rec.Versions = rec.Versions.Insert(e)
			rec.Arrived = append(rec.Arrived, e)
		}
	}
	rec.Rule = rules.For(r.key.Table, ops)
	return ops, rec
}

// claim asks for a row that wasn't found to be there with some image, which locks its key. The next look decides
// what becomes of it.
func (r *row) claim(table *change.Table, image change.Image, v *Verdict) {
	r.written = Write{Kind: Upsert, Table: table, Key: r.key, Image: image}
	r.missing, r.decided, r.claimed, v.Locks = false, true, true, true
	v.add(r, r.written)
}

// anyImage is the latest complete image of a row.
func anyImage(ops history.Row) (*change.Table, change.Image) {
	for i := len(ops) - 1; i >= 0; i-- {
		for _, image := range [...]change.Image{ops[i].Image, ops[i].Old} {
			if image != nil && image.Complete() {
				return ops[i].Table, image
			}
		}
	}
	return nil, nil
}

// lacking tells of an operation whose images are less than the rule needs.
func lacking(rule *conflict.Rule, ops history.Row) error {
	if e := rule.Lacking(ops); e != nil {
		return fmt.Errorf("%w: %s of %s by transaction %s lacks columns that the rule %s needs (%s): its region's log must carry whole rows "+
			"(ALTER TABLE … REPLICA IDENTITY FULL; binlog_row_image=FULL), and this one can be decided by last_write_wins only",
			ErrRefused, e.Kind, e.Table, e.Tag.Dot, rule, lackedColumns(e))
	}
	return nil
}

// errBase is [errConcerns] of a truncate that loses rows under a rule by columns: these are as they were, which the log doesn't tell, so it must
// be settled.
func errBase(rule *conflict.Rule, ops history.Row, in *history.Entry) error {
	if _, exists := rule.Exists(ops); exists && in.Kind == change.Truncate && rule.Columns != nil {
		return errConcerns
	}
	return nil
}

// lackedColumns are what an operation doesn't tell of the row before it or, of an insert, after it.
func lackedColumns(e *history.Entry) string {
	image := e.Old
	if e.Kind == change.Insert {
		image = e.Image
	}
	var names []string
	for c := range e.Table.Columns {
		if image == nil || image[c].IsAbsent() {
			names = append(names, e.Table.Columns[c].Name)
		}
	}
	return strings.Join(names, ", ")
}

// uncontested deals with a row that isn't in conflict by causality but wasn't found. A delete, or a net
// delete of a row born in the batch, is done; an update means that the regions' data differed from the
// start: with a complete image the row is made whole, and either way it's told.
func (r *row) uncontested(rule *conflict.Rule, ops history.Row, v *Verdict) {
	if r.missing && r.written.Kind == Delete && rule.LocksMissing() { // or a local insert might come, and not be the winner
		if table, image := anyImage(ops); image != nil {
			r.claim(table, image, v)
		}
		return
	}
	if !r.missing || r.written.Kind != Update {
		return
	}
	last := ops[len(ops)-1]
	rec := conflict.Record{
		Type: conflict.UpdateMissing, Key: r.key, Incoming: last.Tag.Dot, Versions: history.Row{last},
		Outcome: conflict.Outcome{Winner: last},
	}
	if r.written.Image.Complete() {
		rec.Outcome.Exists, rec.Outcome.Image, rec.Outcome.Table = true, r.written.Image, r.written.Table
		w := r.written
		w.Kind = Upsert
		r.rewrite(w, false, v)
	}
	r.records = []conflict.Record{rec}
}

// rewrite asks for w unless the row already is so. appeared says that a local operation may have brought a
// missing row into being between the last write and the barrier.
func (r *row) rewrite(w Write, appeared bool, v *Verdict) {
	if w.Kind == Delete {
		w.Image = reshaped(r.written.Image, r.written.Table, w.Table) // for the key's columns
	}
	if !r.missing {
		if !r.written.same(&w) {
			r.written = w
			v.add(nil, w)
		}
		return
	}
	r.written = w
	if w.Kind == Upsert || w.Kind == Delete && appeared {
		r.missing, v.Locks = false, true
		v.add(r, w)
	} // else nothing is there, and nothing is to be or could be made
}

// writtenSince reports whether a local operation after the place asOf in the log is among ops.
func writtenSince(ops history.Row, asOf uint64) bool {
	return slices.ContainsFunc(ops, func(e history.Entry) bool { return e.At > asOf })
}

// certifyTruncate brings back the rows of a truncated table that operations unseen by the truncate keep
// alive. The table is locked, so everything about it is known.
func (b *Batch) certifyTruncate(r *row, h *history.History, rules *conflict.Rules, v *Verdict) error {
	r.records = nil
	in := r.ops[len(r.ops)-1]
	entry := in.entry()
	for _, key := range h.Keys(r.key.Table, in.tag) {
		if b.byKey[key] != nil {
			continue // decided on its own, with this truncate among its operations
		}
		ops := h.Row(key, ^uint64(0))
		rec := conflict.Record{Type: conflict.Truncated, Key: key, Incoming: in.tag.Dot, Arrived: history.Row{entry}}
		rec.Versions = concurrent(ops, in.tag).Insert(entry)
		ops = ops.Insert(entry)
		rule := rules.For(key.Table, ops)
		rec.Rule = rule
		if err := cmp.Or(lacking(rule, ops), errBase(rule, ops, &entry)); err != nil {
			return err
		}
		rec.Outcome = rule.Decide(ops, &entry)
		r.records = append(r.records, rec)
		if rec.Outcome.Exists {
			v.add(nil, outcomeWrite(key, rec.Outcome))
		}
	}
	return nil
}

func (in *incoming) entry() history.Entry {
	return history.EntryOf(in.tag, in.op, in.order, 0)
}

// concurrent is a copy of those of ops that tag hadn't seen.
func concurrent(ops history.Row, tag *change.Tag) history.Row {
	var out history.Row
	for i := range ops {
		if !tag.Saw(ops[i].Tag.Dot) {
			out = append(out, ops[i])
		}
	}
	return out
}

// outcomeWrite is the write that makes a row be as decided. A decided image that lacks a column can only
// be of a row that is there.
func outcomeWrite(key change.Key, o conflict.Outcome) Write {
	switch {
	case !o.Exists:
		return Write{Kind: Delete, Table: o.Winner.Table, Key: key}
	case o.Image.Complete():
		return Write{Kind: Upsert, Table: o.Table, Key: key, Image: o.Image}
	default:
		return Write{Kind: Update, Table: o.Table, Key: key, Image: o.Image}
	}
}
