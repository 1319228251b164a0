package chronicle

import (
	"slices"

	"bridge/change"
	"bridge/history"
)

// Window holds the operations of rows to which concurrent ones may still come. It takes each region's transactions in
// their order, and those of different regions in any.
type Window struct {
	give    func(change.Key, history.Row)
	regions map[string]*region
	tables  map[change.TableName]*table

	held  int // operations
	sweep int // as many are to be held before rows are looked through again
}

type region struct {
	seen     change.Vector // at the last that came of it
	finished bool
}

type table struct {
	rows      map[string]history.Row
	truncates history.Row
}

// sweepAt is how many operations are held before rows are looked through; later it's twice what was left.
const sweepAt = 4096

// NewWindow makes a window on the transactions of regions. give gets each row's operations, in their order and with the
// truncates of its table, when nothing concurrent with them can come any more: whole episodes, and the row's later ones in another call.
func NewWindow(regions []string, give func(change.Key, history.Row)) *Window {
	w := &Window{give: give, regions: map[string]*region{}, tables: map[change.TableName]*table{}, sweep: sweepAt}
	for _, name := range regions {
		w.regions[name] = &region{}
	}
	return w
}

// Take takes all of a passage.
func (w *Window) Take(p *Passage) {
	for i := range p.Transactions {
		w.Add(&p.Transactions[i])
	}
	if p.Last {
		w.Finish(p.Region)
	} else {
		w.Learn(p.Region, p.Seen)
	}
}

// Add takes a transaction or a piece of one.
func (w *Window) Add(tx *change.Transaction) {
	tag := tx.Tag
	for i := range tx.Operations {
		op := &tx.Operations[i]
		t := w.tables[op.Key.Table]
		if t == nil {
			t = &table{rows: map[string]history.Row{}}
			w.tables[op.Key.Table] = t
		}
		e := history.EntryOf(&tag, op, tx.Before+uint32(i), 0)
		if op.Kind == change.Truncate {
			t.truncates = t.truncates.Insert(e)
		} else {
			t.rows[op.Key.Row] = t.rows[op.Key.Row].Insert(e)
		}
		w.held++
	}
}

// Learn notes what a region had seen at the end of what was added of it.
func (w *Window) Learn(name string, seen change.Vector) {
	w.regions[name].seen = seen
	if w.held >= w.sweep {
		w.look()
		w.sweep = max(sweepAt, 2*w.held)
	}
}

// Finish says that nothing more comes of a region.
func (w *Window) Finish(name string) { w.regions[name].finished = true }

// Flush gives all that is left. More may come of these rows in the topics later on.
func (w *Window) Flush() {
	for name, t := range w.tables {
		for row := range t.rows {
			ops := t.all(row)
			w.part(name, t, row, ops, len(ops))
		}
		w.held -= len(t.truncates)
	}
	clear(w.tables)
}

// look gives what nothing concurrent can come to.
func (w *Window) look() {
	for name, t := range w.tables {
		for row, ops := range t.rows {
			if w.stable(&ops[0]) {
				all := t.all(row)
				w.part(name, t, row, all, w.settled(all))
			}
		}
		if len(t.rows) == 0 && !slices.ContainsFunc(t.truncates, func(e history.Entry) bool { return !w.stable(&e) }) {
			w.held -= len(t.truncates) // rows that come from now on have seen them
			delete(w.tables, name)
		}
	}
}

// all are a row's operations with the truncates of its table.
func (t *table) all(row string) history.Row {
	ops := slices.Clone(t.rows[row])
	for _, e := range t.truncates {
		ops = ops.Insert(e)
	}
	return ops
}

// settled is how many of a row's operations, from the first, are whole episodes whatever comes: all that comes has seen
// them, and so have those behind them.
func (w *Window) settled(ops history.Row) (n int) {
	for _, run := range runs(ops) {
		if slices.ContainsFunc(run, func(e history.Entry) bool { return !w.stable(&e) }) {
			break
		}
		n += len(run)
	}
	return n
}

// part gives the first n of a row's operations, and keeps the others.
func (w *Window) part(name change.TableName, t *table, row string, ops history.Row, n int) {
	rest := slices.DeleteFunc(slices.Clone(ops[n:]), func(e history.Entry) bool { return e.Kind == change.Truncate })
	given := len(t.rows[row]) - len(rest)
	if given == 0 {
		return
	}
	w.held -= given
	if t.rows[row] = rest; len(rest) == 0 {
		delete(t.rows, row)
	}
	w.give(change.Key{Table: name, Row: row}, ops[:n:n])
}

// stable reports whether all that comes from now on has seen an operation.
func (w *Window) stable(e *history.Entry) bool {
	for _, r := range w.regions {
		if !r.finished && !r.seen.Includes(e.Tag.Dot) {
			return false
		}
	}
	return true
}
