package sim

import (
	"context"
	"fmt"
	"slices"

	"bridge/apply"
	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/visibility"
)

// phase is what a flight does next.
type phase uint8

const (
	writing    phase = iota // the optimistic write, row by row
	fencing                 // all is written: is capture far enough?
	waiting                 // a barrier was raised: has capture read it?
	rewriting               // what certification asked for
	checking                // do the rows that go leave children behind?
	written                 // this piece is done
	committing              // all is done; waits for its turn to commit
	landing                 // committed, and nobody has been told
	landed
)

// flight is one apply transaction on its way: a batch of whole transactions, or a large one in pieces. It
// takes the steps of DESIGN.md §3, 6 to 9, each when told to.
type flight struct {
	region  *region
	lane    *lane
	items   int // of the lane's queue
	seq     uint64
	batches []*apply.Batch // one, or one per piece
	inOrder bool           // rows are written one by one, as after a refusal, not as sets
	piece   int

	session *session
	phase   phase
	writes  []apply.Write
	order   []int         // of the writes
	next    int           // the place in order of the write to do
	missing []int         // writes that found no row
	verdict apply.Verdict // of the last look
	looks   int
	witness int // capture must have read up to here for certainty without a barrier
	barrier int // the place after the barrier that is awaited
	records []conflict.Record
	// remembered says that history holds pieces of the transaction, which isn't committed.
	remembered bool
	settling   *settling             // of a batch that's settled, and of upkeep
	gathered   []*change.Transaction // the pieces of a large transaction that's settled as a whole
}

func (f *flight) batch() *apply.Batch { return f.batches[f.piece] }

func (f *flight) begin() {
	f.session = f.region.db.begin()
	if f.settling != nil {
		f.settling.begin()
		return
	}
	f.piece, f.records = 0, nil
	f.inOrder = len(f.batches) == 1 && f.region.world.rng.IntN(8) == 0
	f.beginPiece()
	f.region.world.trace("%s begins %s up to seq %d, %d transactions, %d pieces", f.region, f.lane.peer, f.seq, f.items, len(f.batches))
}

func (f *flight) beginPiece() {
	if len(f.batches) > 1 && f.isConcerned() {
		f.collide()
		return
	}
	f.phase, f.looks = writing, 0
	f.toWrite(f.batch().Writes())
}

// toWrite sets what is to be written: truncates, deletes, updates and upserts as sets, or in the batch's
// own order.
func (f *flight) toWrite(writes []apply.Write) {
	f.writes, f.order, f.next, f.missing = writes, f.order[:0], 0, nil
	for i := range writes {
		f.order = append(f.order, i)
	}
	if !f.inOrder {
		slices.SortStableFunc(f.order, func(i, j int) int { return setOrder[writes[i].Kind] - setOrder[writes[j].Kind] })
	}
}

var setOrder = [...]int{apply.Truncate: 0, apply.Delete: 1, apply.Update: 2, apply.Upsert: 3}

// step takes one step and reports whether it could.
func (f *flight) step() bool {
	if f.settling != nil && f.phase != committing && f.phase != landing && f.phase != landed {
		return f.settling.step()
	}
	switch f.phase {
	case writing, rewriting:
		return f.write()
	case fencing:
		return f.fence()
	case waiting:
		if f.region.pos < f.barrier {
			return false
		}
		return f.certify(uint64(f.barrier))
	case checking:
		return f.childless()
	case written:
		f.endPiece()
	case committing:
		if f.region.flights[0] != f || f.parkingWaits() {
			return false
		}
		f.commit()
	case landing:
		f.land()
	case landed:
		return false
	}
	return true
}

// write does one write of those to do. A real session sends them at once, but they take their locks one
// after another.
func (f *flight) write() bool {
	if f.next < len(f.order) {
		i := f.order[f.next]
		if f.leavesUnclaimed(&f.writes[i]) {
			f.next++
			return true
		}
		found, wait, refused := f.session.write(&f.writes[i])
		if wait {
			return false
		}
		if refused != accepted {
			f.collide()
			return true
		}
		if !found {
			f.missing = append(f.missing, i)
		}
		f.next++
		return true
	}
	f.region.world.trace("%s wrote %s up to seq %d, missing %d", f.region, f.lane.peer, f.seq, len(f.missing))
	switch {
	case f.phase == writing:
		f.batch().Missing(f.missing)
	case !f.verdict.Locks || f.region.world.fault == NoSecondBarrier:
		f.phase = checking // only rows that were locked, and certified, were written again
		return true
	default:
		f.verdict.Missing(f.missing)
	}
	f.witness = f.region.db.finished // in the round trip of the writes
	f.phase = fencing
	return true
}

// leavesUnclaimed is the fault NoClaim.
func (f *flight) leavesUnclaimed(w *apply.Write) bool {
	return f.region.world.fault == NoClaim && f.phase == rewriting && f.verdict.Locks && w.Kind == apply.Upsert && f.session.row(w.Key) == nil
}

// fence makes sure that capture has read all that could have touched the rows that are locked now.
func (f *flight) fence() bool {
	r := f.region
	b := f.batch()
	switch {
	case r.world.fault == NoBarrier:
		return f.certify(uint64(r.pos))
	case b.AnyMissing():
		floor := f.time()
		if r.world.fault == NoFloor {
			floor = 0
		}
		f.barrier = r.db.raise(floor)
		r.world.stats.Floors++
		f.phase = waiting
	case r.pos >= f.witness:
		return f.certify(0)
	default:
		f.barrier = r.db.raise(0)
		r.world.stats.Barriers++
		f.phase = waiting
	}
	return true
}

// time is the highest timestamp of the batch.
func (f *flight) time() change.Timestamp {
	return f.region.world.asWritten(f.batch().Marker.Time)
}

// certify reports whether history had all that it takes.
func (f *flight) certify(asOf uint64) bool {
	r := f.region
	if r.world.fault == DecideFresh {
		asOf = ^uint64(0)
	}
	if !f.recollect(func() []history.Ref { return f.batch().Lacks(r.history, asOf) }, f.batch().Transactions[0]) {
		return f.phase == landed
	}
	if f.looks++; f.looks > 50 {
		r.world.fail("I9 progress", "%s looks at %s up to seq %d for ever", r, f.lane.peer, f.seq)
	}
	refs, err := r.watch.References(context.Background(), f.batch())
	if err != nil {
		r.world.fail("I9 progress", "%s: %v", r, err)
	}
	if refs.Dangle(r.history) && r.world.fault != NoDangle && !(r.world.fault == NoSettledTruncate && f.truncates()) {
		f.collide()
		return true
	}
	f.verdict, err = f.batch().Certify(r.history, r.rules(), asOf)
	if apply.MustSettle(err) {
		f.collide()
		return true
	}
	if err != nil {
		r.world.fail("I9 progress", "%s can't decide %s up to seq %d: %v", r, f.lane.peer, f.seq, err)
	}
	r.world.trace("%s certifies %s up to seq %d as of %d: %d writes, locks %t", r, f.lane.peer, f.seq, asOf, len(f.verdict.Writes), f.verdict.Locks)
	if len(f.verdict.Writes) == 0 {
		f.phase = checking
		return true
	}
	f.phase = rewriting
	f.toWrite(f.verdict.Writes)
	return true
}

// childless makes sure that what the batch takes away leaves no children behind.
func (f *flight) childless() bool {
	waits := false
	leaves, err := f.region.watch.Leaves(context.Background(), f.batch(), func(l *visibility.Lookup) (rows []visibility.Row, err error) {
		if l.Held && f.region.world.fault == NoHolding {
			return nil, nil
		}
		rows, wait := f.session.find(l)
		waits = waits || wait
		return rows, nil
	})
	if waits {
		return false
	}
	if err != nil {
		f.region.world.fail("I9 progress", "%s: %v", f.region, err)
	}
	if leaves && f.region.world.fault != NoChildren {
		f.collide()
		return true
	}
	f.phase = written
	return true
}

func (f *flight) String() string {
	if f.lane == nil {
		return "upkeep"
	}
	return fmt.Sprintf("%s up to seq %d", f.lane.peer, f.seq)
}
