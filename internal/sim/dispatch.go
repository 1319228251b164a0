package sim

import (
	"slices"

	"bridge/apply"
	"bridge/change"
)

// add adds a whole transaction and reports whether it fitted.
func (f *flight) add(it item) bool {
	w := f.region.world
	tx := *it.pieces[0]
	tx.Tag = *w.asOrdered(f.region, &tx.Tag)
	if f.items == 0 {
		f.batches = []*apply.Batch{apply.NewBatch(&tx, it.offset)}
	} else if !f.batches[0].Add(&tx, it.offset) {
		return false
	}
	f.items++
	f.seq = it.seq
	return true
}

func (f *flight) addPieces(it item) {
	for _, piece := range it.pieces {
		tx := *piece
		tx.Tag = *f.region.world.asOrdered(f.region, &tx.Tag)
		f.batches = append(f.batches, apply.NewBatch(&tx, it.offset))
	}
	f.items, f.seq = 1, it.seq
}

// overlaps reports whether tx writes a row that another flight writes, which may be waiting for it.
func (f *flight) overlaps(tx *change.Transaction) bool {
	for _, other := range f.region.flights {
		if len(other.batches) > 1 {
			return true
		}
		if other.truncates() || f.region.watch.Related(other.batches[0], tx) {
			return true
		}
		for i := range tx.Operations {
			if op := &tx.Operations[i]; op.Kind == change.Truncate || other.batches[0].Touches(op.Key) {
				return true
			}
		}
	}
	return false
}

func (f *flight) truncates() bool {
	for _, tx := range f.batches[0].Transactions {
		for i := range tx.Operations {
			if tx.Operations[i].Kind == change.Truncate {
				return true
			}
		}
	}
	return false
}

// dispatch sends off one flight if a lane has one ready and a worker is free.
func (r *region) dispatch() bool {
	if r.watch.Due() || len(r.flights) > 0 && r.flights[0].settling != nil {
		return r.keepUp()
	}
	if r.careful > 0 && len(r.flights) > 0 {
		return false
	}
	if len(r.flights) >= r.world.plan.workers || len(r.flights) > 0 && len(r.flights[0].batches) > 1 {
		return false
	}
	for i := range r.lanes {
		l := r.lanes[(r.next+i)%len(r.lanes)]
		if f := l.take(); f != nil {
			r.next = (r.next + i + 1) % len(r.lanes)
			l.taken += f.items
			r.sent = r.sent.With(l.peer.origin, f.seq)
			r.flights = append(r.flights, f)
			r.watch.Begin(f.batchInFlight())
			f.begin()
			return true
		}
	}
	return false
}

// cancel ends a flight and all that come after it, as a deadlock or a lock timeout does. They begin again
// from the start, the first of them with the same batch.
func (r *region) cancel(i int) {
	f := r.flights[i]
	if f.phase == landing {
		return
	}
	if f.lane == nil {
		r.watch.Give(f.settling.due)
		f.session.end()
		r.flights = nil
		return
	}
	f.forget()
	r.world.trace("%s cancels %s up to seq %d", r, f.lane.peer, f.seq)
	r.world.stats.Retries++
	r.takeBack(i)
	if r.world.rng.IntN(2) == 0 || f.settling != nil {
		return
	}
	for _, b := range f.batches {
		b.Reset()
	}
	f.lane.taken += f.items
	r.sent = r.sent.With(f.lane.peer.origin, f.seq)
	r.flights = append(r.flights, f)
	r.watch.Begin(f.batchInFlight())
	f.begin()
}

// collide ends a flight, and all that come after it, because constraints concern its rows: they're to be settled.
func (f *flight) collide() {
	r := f.region
	f.forget()
	r.world.trace("%s: %s collides", r, f)
	r.takeBack(slices.Index(r.flights, f))
	f.lane.settle = f.items
}

// forget has history forget the pieces of a flight that's given up.
func (f *flight) forget() {
	if f.remembered && f.region.world.fault != KeepCancelled {
		f.region.history.Cancel(f.batch().Transactions[0].Dot)
	}
}

// takeBack ends flights without effect, from one on.
func (r *region) takeBack(i int) {
	for _, f := range r.flights[i:] {
		f.session.end()
		f.lane.taken -= f.items
		f.phase = landed
		r.watch.End(f.batchInFlight())
	}
	r.flights = r.flights[:i]
	r.sent = r.db.seen()
	for _, earlier := range r.flights {
		r.sent = r.sent.With(earlier.lane.peer.origin, earlier.seq)
	}
}
