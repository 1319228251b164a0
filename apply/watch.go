package apply

import (
	"context"
	"maps"
	"slices"
	"sync"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/visibility"
)

// Watch notices what concerns parked rows, and children whose parents go: what this region's applications write, as capture
// reads it, and what comes from others. It's safe for concurrent use.
//
// What's noticed must be looked at before anything else is applied, and before anything counts as seen by others: as long as
// it waits nothing becomes stable here, so that it's still known after a restart. So while a look fails nothing is applied ([Loop.Held]
// tells why): what the lanes bring says what others have seen, by which history would forget the write that the look is due to, and the
// claims that it's decided by.
type Watch struct {
	self    change.Origin
	foreign bool // there are foreign keys
	forms   visibility.Forms
	notify  func()
	// Read reads the constraints anew, with the policies that count by then; nil never does. It's set before the watch is used.
	Read func(ctx context.Context) (visibility.Catalog, error)

	// Orphans is told when a settlement has left rows parked for want of a parent, and the foreign key's policy has one region do something about
	// it (package mend); it doesn't block. It may be nil, and is set before the watch is used.
	Orphans func()

	mu      sync.Mutex
	catalog visibility.Catalog
	parking *visibility.Parking
	due     Due
	// stale says that the constraints, or their policies, are others since they were read.
	stale bool
	// flying counts the batches in flight whose rows name parents in a table: history doesn't have them yet.
	flying map[change.TableName]int
	// settling says that a settlement is under way, which doesn't know of writes to the noted rows.
	settling bool
	noted    []change.Key
}

// Due is what is to be looked at.
type Due struct {
	Parked   map[change.Key]bool
	Orphaned []Orphaned
	// Truncated are tables of parents that this region's applications truncated: children that were written elsewhere meanwhile may name them in vain.
	Truncated map[change.TableName]bool
	// Again says that rows are to be tried which the database had refused.
	Again bool
}

// Orphaned are values of a parent's columns that children may name in vain.
type Orphaned struct {
	Parent change.TableName
	Refers int // in the parent's Referred
	Values []change.Value
}

func (d *Due) any() bool { return d.len() > 0 }

func (d *Due) len() int { return len(d.Parked) + len(d.Orphaned) + len(d.Truncated) }

func (d *Due) truncated(t change.TableName) {
	if d.Truncated == nil {
		d.Truncated = map[change.TableName]bool{}
	}
	d.Truncated[t] = true
}

func (d *Due) add(keys []change.Key) {
	if d.Parked == nil {
		d.Parked = map[change.Key]bool{}
	}
	for _, k := range keys {
		d.Parked[k] = true
	}
}

// NewWatch makes a watch over what's parked. All of it is due to be looked at.
func NewWatch(ctx context.Context, self change.Origin, catalog visibility.Catalog, parked []visibility.Parked, forms visibility.Forms) (*Watch, error) {
	w := &Watch{self: self, forms: forms, notify: func() {}}
	parking, err := w.park(ctx, catalog, parked)
	if err != nil {
		return nil, err
	}
	w.under(catalog, parking, parking.Keys())
	return w, nil
}

// emptyWatch is of a database without constraints that matter.
func emptyWatch(self change.Origin) *Watch {
	return &Watch{self: self, notify: func() {}, parking: visibility.NewParking()}
}

// Resume looks through what history knows from before a restart: parents that this region's applications took away.
func (w *Watch) Resume(h *history.History) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, t := range w.catalog {
		if len(t.Referred) == 0 {
			continue
		}
		if h.AnyOf(change.Key{Table: name}, &change.Tag{}, func(e *history.Entry) bool { return e.Tag.Dot.Origin == w.self }) {
			w.due.truncated(name)
		}
		h.Each(name, func(key change.Key, e *history.Entry) {
			if e.Image == nil && e.Kind == change.Delete && e.Tag.Dot.Origin == w.self {
				op := change.Operation{Kind: e.Kind, Table: e.Table, Key: key, Old: e.Old}
				w.due.Orphaned = append(w.due.Orphaned, w.orphans(t, &op, e.Tag, h)...)
			}
		})
	}
}

// tell has notify called, which doesn't wait, when something becomes due.
func (w *Watch) tell(notify func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notify = notify
}

// Settlement is of a batch; of none it looks at what's due, which it takes: [Watch.Give] gives it back if that came to nothing.
func (w *Watch) Settlement(ctx context.Context, b *Batch, rules *conflict.Rules) (*Settlement, Due) {
	s := newSettlement(w.self, b, rules, w.catalog, w.parking, w.mark(ctx))
	w.mu.Lock()
	w.settling, w.noted = true, nil
	w.mu.Unlock()
	if b != nil {
		for _, r := range b.rows {
			for _, key := range w.parking.Watching(r.key) {
				s.suspects[key] = true
			}
		}
		return s, Due{}
	}
	due := w.take()
	s.suspect(due)
	return s, due
}

// mark is for [Settlement].
func (w *Watch) mark(ctx context.Context) visibility.Marker {
	return func(t *visibility.Table, r *visibility.Row) (visibility.Marks, error) {
		return visibility.Mark(ctx, w.forms, t, r)
	}
}

// Local is told of a transaction, or piece of one, that this region's applications wrote, when history has it.
func (w *Watch) Local(tx *change.Transaction, h *history.History) {
	w.mu.Lock()
	before := w.due.len()
	for i := range tx.Operations {
		op := &tx.Operations[i]
		if w.parking.Len() > 0 {
			w.due.add(w.parking.Concerned(op.Key))
		}
		if w.settling {
			w.noted = append(w.noted, op.Key)
		}
		if t := w.catalog[op.Key.Table]; t == nil || len(t.Referred) == 0 {
			continue
		} else if op.Kind == change.Truncate {
			w.due.truncated(op.Key.Table)
		} else {
			w.due.Orphaned = append(w.due.Orphaned, w.orphans(t, op, &tx.Tag, h)...)
		}
	}
	more := w.due.len() > before
	notify := w.notify
	w.mu.Unlock()
	if more {
		notify()
	}
}

// Due reports whether something is to be looked at.
func (w *Watch) Due() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stale || w.due.any()
}

func (w *Watch) take() Due {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.due
	w.due = Due{}
	return d
}

// Give gives back what couldn't be looked at.
func (w *Watch) Give(d Due) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due.add(slices.Collect(maps.Keys(d.Parked)))
	w.due.Orphaned = append(w.due.Orphaned, d.Orphaned...)
	for t := range d.Truncated {
		w.due.truncated(t)
	}
	w.due.Again = w.due.Again || d.Again
	w.settling, w.noted = false, nil
}

// Settled takes over what a settlement has moved, once it's committed.
func (w *Watch) Settled(s *Settlement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.committed()
	if w.Orphans != nil && s.leavesOrphans() {
		w.Orphans()
	}
	for _, key := range w.noted {
		w.due.add(w.parking.Concerned(key))
	}
	w.settling, w.noted = false, nil
}

// Begin notes that a batch is in flight, End that it isn't any more and, if it was applied, that history has it. A large transaction is nil.
func (w *Watch) Begin(b *Batch) { w.fly(b, 1) }

// End is said once of each batch that began.
func (w *Watch) End(b *Batch) { w.fly(b, -1) }

func (w *Watch) fly(b *Batch, n int) {
	if !w.foreign {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.flying == nil {
		w.flying = map[change.TableName]int{}
	}
	if b == nil {
		for name, t := range w.catalog {
			if len(t.Referred) > 0 {
				w.flying[name] += n
			}
		}
		return
	}
	if b.kin == nil {
		b.kin = w.kinOf(b.Transactions)
	}
	for t := range b.kin.names {
		w.flying[t] += n
	}
}

// abandon ends a settlement that came to nothing.
func (w *Watch) abandon() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settling, w.noted = false, nil
}

// Retry has all parked rows looked at again, those that the database refused too.
func (w *Watch) Retry() {
	w.mu.Lock()
	w.due.add(w.parking.Keys())
	w.due.Again = w.due.any()
	notify := w.notify
	w.mu.Unlock()
	notify()
}

// Parked counts the parked rows.
func (w *Watch) Parked() map[ParkedLabel]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[ParkedLabel]int{}
	for _, key := range w.parking.Keys() {
		out[ParkedLabel{key.Table, w.parking.Get(key).Reason}]++
	}
	return out
}

// ParkedLabel is how parked rows are counted.
type ParkedLabel struct {
	Table  change.TableName
	Reason visibility.Reason
}

// Concerns reports whether a batch can't be applied without a look at what's parked. Nothing is being settled meanwhile: what's
// parked stays as it is, so it's read without a lock, which capture would wait for while the database is asked for forms.
func (w *Watch) Concerns(ctx context.Context, b *Batch) (bool, error) {
	if w.parking.Len() == 0 {
		return false, nil
	}
	for _, r := range b.rows {
		if len(w.parking.Concerned(r.key)) > 0 {
			return true, nil
		}
		t := w.catalog[r.key.Table]
		if t == nil || !w.parking.Meets(t) {
			continue
		}
		for _, in := range r.ops {
			if in.op.New == nil {
				continue
			}
			m, err := visibility.Mark(ctx, w.forms, t, &visibility.Row{Key: r.key, Table: in.op.Table, Image: in.op.New})
			if err != nil {
				return false, err
			}
			for _, v := range slices.Concat(m.Holds, m.Names, m.Offers) {
				if v.Has() && len(w.parking.With(v)) > 0 {
					return true, nil
				}
			}
		}
	}
	return false, nil
}
