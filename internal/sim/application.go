package sim

import (
	"fmt"
	"slices"
	"strconv"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
)

// open is a local transaction that an application hasn't finished.
type open struct {
	session    *session
	operations []change.Operation
	logged     bool
}

// local runs an application's transaction: at once, or leaving it open.
func (r *region) local() {
	w := r.world
	o := &open{session: r.db.begin()}
	for n := 1 + w.rng.IntN(w.plan.large); n > 0; n-- {
		r.operation(o)
	}
	if len(o.operations) == 0 || w.rng.IntN(15) == 0 { // rolled back
		o.session.end()
		return
	}
	r.open = append(r.open, o)
	if !w.plan.split || w.rng.IntN(3) > 0 {
		for r.proceed(o) {
		}
	}
}

// proceed takes an open transaction one step on: its record in the log, then what others see of it.
func (r *region) proceed(o *open) bool {
	w := r.world
	if !o.logged {
		o.logged = true
		o.session.commit(r.localRecord(o))
		w.trace("%s commits at log %d: %s", r, o.session.place-1, described(o.operations))
		if w.rng.IntN(10) < 7 { // synchronous commit
			r.db.flushed = len(r.db.log)
		}
		return !w.plan.lingers
	}
	o.session.finish()
	for i := range r.open {
		if r.open[i] == o {
			r.open = append(r.open[:i:i], r.open[i+1:]...)
			break
		}
	}
	return false
}

// localRecord is what the log has of a local transaction.
func (r *region) localRecord(o *open) logged {
	return logged{kind: capture.Local, commit: r.commitTime(), operations: o.operations}
}

// commitTime is the database's clock: skewed, coarse, and stepping back now and then.
func (r *region) commitTime() change.Timestamp {
	w := r.world
	t := 1000 + w.now + w.plan.skew[r.index]
	if w.rng.IntN(8) == 0 {
		t -= change.Timestamp(w.rng.IntN(30))
	}
	return t - t%w.plan.granularity
}

// operation adds one operation to an open transaction, unless it would have to wait for a lock.
func (r *region) operation(o *open) {
	w := r.world
	t := w.tables[w.rng.IntN(len(w.tables))]
	key := keyOf(t, w.rng.IntN(w.plan.keys))
	if missed := r.missed(); missed != nil && w.plan.chase && w.rng.IntN(2) == 0 {
		t, key = missed.Table, missed.Key
	}
	s := o.session
	if w.plan.truncates && w.rng.IntN(12) == 0 {
		r.truncate(o, t)
		return
	}
	if !s.mayLock(key) {
		return
	}
	row := s.row(key)
	switch {
	case row == nil:
		image := change.Image{change.Text(idOf(key)), r.value(), r.value(), r.fitting(r.count(change.Null))}
		for len(image) < len(t.Columns) {
			image = append(image, change.Null)
		}
		r.constrain(o, key, image, true)
		r.change(o, t, change.Insert, key, nil, image)
	case w.rng.IntN(w.plan.deletes) == 0:
		r.deletes(o, t, key, row)
	case w.rng.IntN(10) == 0 && len(w.plan.constraints.foreign) == 0:
		r.rename(o, t, key, row)
	default:
		image := append(change.Image(nil), row...)
		r.constrain(o, key, image, false)
		for c := 1; c <= countColumn; c++ {
			switch {
			case w.rng.IntN(2) == 0:
			case c == countColumn:
				image[c] = r.fitting(r.count(row[c]))
			default:
				image[c] = r.value()
			}
		}
		r.change(o, t, change.Update, key, row, image)
	}
}

// truncate empties a table, and where others name its rows, those as well: unless they're empty, now and then.
func (r *region) truncate(o *open, t *change.Table) {
	w := r.world
	all := []*change.Table{t}
	if len(w.plan.constraints.foreign) > 0 && !(w.rng.IntN(2) == 0 && r.unnamed(o, t)) {
		all = w.families(t)
		w.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	if slices.ContainsFunc(all, func(t *change.Table) bool { return !o.session.mayTruncate(t.TableName) }) {
		return
	}
	for _, t := range all {
		o.session.truncate(t.TableName)
		o.operations = append(o.operations, change.Operation{Kind: change.Truncate, Table: t, Key: change.Key{Table: t.TableName}})
	}
}

// missed is a write of a flight that found no row, if there's one: nothing is locked, so an application that
// comes now can make the row.
func (r *region) missed() *apply.Write {
	if len(r.flights) == 0 {
		return nil
	}
	f := r.flights[r.world.rng.IntN(len(r.flights))]
	if len(f.missing) == 0 {
		return nil
	}
	return &f.writes[f.missing[r.world.rng.IntN(len(f.missing))]]
}

// rename updates a row's key, which is a delete and an insert.
func (r *region) rename(o *open, t *change.Table, key change.Key, row change.Image) {
	to := keyOf(t, r.world.rng.IntN(r.world.plan.keys))
	if !o.session.mayLock(to) || o.session.row(to) != nil {
		return
	}
	image := append(change.Image{change.Text(idOf(to))}, row[1:]...)
	if _, wait := o.session.mayHold(to, image); wait {
		return
	}
	r.change(o, t, change.Delete, key, row, nil)
	r.change(o, t, change.Insert, to, nil, image)
}

func (r *region) change(o *open, t *change.Table, kind change.Kind, key change.Key, old, image change.Image) {
	o.session.set(key, image)
	op := change.Operation{Kind: kind, Table: t, Key: key, New: image}
	if t.Full {
		op.Old = old
	} else if kind == change.Update {
		op.New = append(change.Image(nil), image...)
		for c := range op.New {
			if op.New[c] == old[c] && isLarge(op.New[c]) {
				op.New[c] = change.Absent
			}
		}
	}
	o.operations = append(o.operations, op)
}

// value is a new value, different from all others; NULL now and then. Its text begins with L when it's
// large: stored out of line, so that the log leaves it out while it doesn't change.
func (r *region) value() change.Value {
	w := r.world
	if w.rng.IntN(12) == 0 {
		return change.Null
	}
	w.values++
	size := "L"
	if w.rng.IntN(2) == 0 {
		size = "s"
	}
	return change.Text(fmt.Sprintf("%s%d.%d", size, r.index, w.values))
}

// count is a number that's counted up or down, or set.
func (r *region) count(old change.Value) change.Value {
	rng := r.world.rng
	text, ok := old.Text()
	n, err := strconv.Atoi(text)
	switch {
	case !ok || err != nil || rng.IntN(8) == 0:
		return change.Text(strconv.Itoa(rng.IntN(3)))
	case rng.IntN(20) == 0:
		return change.Null
	}
	return change.Text(strconv.Itoa(n + rng.IntN(9) - 4))
}

// fitting is a number, or zero where a check doesn't allow that.
func (r *region) fitting(n change.Value) change.Value {
	if r.world.plan.constraints.fits(change.Image{countColumn: n}) {
		return n
	}
	return change.Text("0")
}

func isLarge(v change.Value) bool {
	text, ok := v.Text()
	return ok && text[0] == 'L'
}

func idOf(key change.Key) string {
	v, _ := key.Values()
	return v[0]
}

// described is a transaction for the trace.
type described []change.Operation

func (operations described) String() string {
	text := ""
	for i := range operations {
		op := &operations[i]
		text += fmt.Sprintf(" %s %s%s", op.Kind, op.Key, showImage(op.New))
	}
	return text
}

func showImage(image change.Image) string {
	if image == nil {
		return ""
	}
	text := ""
	for _, v := range image[1:] {
		switch t, ok := v.Text(); {
		case ok:
			text += " " + t
		case v.IsNull():
			text += " NULL"
		default:
			text += " -"
		}
	}
	return "[" + text + " ]"
}
