package sim

import (
	"context"
	"slices"

	"bridge/apply"
	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
	"bridge/visibility"
)

// settling is a flight's way through a settlement: see [apply.Settlement].
type settling struct {
	flight     *flight
	settlement *apply.Settlement
	due        apply.Due        // of upkeep
	marker     loopguard.Marker // of upkeep
	does       func() bool
	lookups    []visibility.Lookup
	barrier    int // the place after the last one
	asOf       uint64
	isAsOf     bool // nothing was locked since the barrier
	steps      [][]apply.Write
	writes     []apply.Write // those that are left
	restarts   int
}

// constrained makes a flight one that's settled if it must be; nil if it must wait for others for that.
func (f *flight) constrained() *flight {
	r := f.region
	must := f.lane.settle > 0
	if !must && len(f.batches) == 1 {
		must = f.isConcerned()
	}
	if !must {
		return f
	}
	if len(r.flights) > 0 {
		return nil
	}
	f.gather()
	f.settling = &settling{flight: f}
	f.settling.settlement, _ = r.watch.Settlement(context.Background(), f.batches[0], r.rules())
	return f
}

// isConcerned reports whether the batch, or piece, has to do with what's parked.
func (f *flight) isConcerned() bool {
	concerned, err := f.region.watch.Concerns(context.Background(), f.batch())
	if err != nil {
		f.region.world.fail("I9 progress", "%s: %v", f.region, err)
	}
	return concerned
}

// gather makes one batch of a large transaction's pieces.
func (f *flight) gather() {
	if len(f.batches) == 1 {
		return
	}
	whole := *f.batches[0].Transactions[0]
	whole.Last, whole.Operations = true, nil
	for _, b := range f.batches {
		f.gathered = append(f.gathered, b.Transactions[0])
		whole.Operations = append(whole.Operations, b.Transactions[0].Operations...)
	}
	f.batches = []*apply.Batch{apply.NewBatch(&whole, f.batches[0].Marker.Offset)}
}

// keepUp sends off a look at what's due, when nothing else is in flight.
func (r *region) keepUp() bool {
	if !r.watch.Due() || len(r.flights) > 0 {
		return false
	}
	r.renew()
	f := &flight{region: r}
	s := &settling{flight: f}
	f.settling = s
	for _, peer := range r.world.origins {
		if m := r.db.progress[peer]; m.Time > s.marker.Time {
			s.marker = m
		}
	}
	s.settlement, s.due = r.watch.Settlement(context.Background(), nil, r.rules())
	if s.marker.Seq == 0 { // nothing was ever applied
		return true
	}
	r.world.stats.Upkeep++
	r.world.trace("%s looks at %d parked rows and %d parents' values", r, len(s.due.Parked), len(s.due.Orphaned))
	r.flights = append(r.flights, f)
	f.begin()
	return true
}

func (s *settling) begin() {
	s.flight.records, s.lookups, s.isAsOf, s.asOf = nil, nil, false, ^uint64(0)
	s.does, s.writes = s.lock, s.settlement.Locks()
	if s.flight.lane != nil {
		s.flight.region.world.stats.Settled++
		s.flight.region.world.trace("%s settles %s", s.flight.region, s.flight)
	}
}

func (s *settling) step() bool { return s.does() }

// lock locks the tables that the batch truncates.
func (s *settling) lock() bool {
	if len(s.writes) > 0 {
		_, wait, _ := s.flight.session.write(&s.writes[0])
		if !wait {
			s.writes = s.writes[1:]
		}
		return !wait
	}
	s.does = s.look
	return true
}

// again begins anew, with nothing locked.
func (s *settling) again(why string) bool {
	f := s.flight
	f.region.world.trace("%s settles %s again: %s", f.region, f, why)
	if s.restarts++; s.restarts > 200 {
		f.region.world.fail("I9 progress", "%s settles %s for ever", f.region, f)
	}
	f.session.end()
	s.settlement.Again()
	f.begin()
	return true
}

// decide decides as of a barrier and reports whether it asks for nothing.
func (s *settling) decide() (complete bool) {
	r := s.flight.region
	err := s.settlement.Decide(r.history, s.asOf)
	if err == nil {
		complete, err = s.settlement.Look()
	}
	if err != nil {
		r.world.fail("I9 progress", "%s can't settle %s: %v", r, s.flight, err)
	}
	return complete
}

func (s *settling) look() bool {
	if !s.recollect() {
		return s.flight.phase == landed
	}
	r := s.flight.region
	complete := s.decide()
	s.lookups = s.settlement.Lookups()
	switch {
	case complete && s.isAsOf && r.world.fault != NoDoubts && s.settlement.Doubts(r.history):
		if r.unseen() < r.pos {
			return s.again("rows aren't to be seen yet")
		}
	case complete && s.isAsOf:
		s.plan()
	case complete:
		s.raise(s.look)
	case len(s.lookups) > 0:
		s.isAsOf = false
		s.does = s.find
	}
	return true
}

func (s *settling) find() bool {
	if len(s.lookups) == 0 {
		s.does = s.look
		return true
	}
	rows, wait := s.flight.session.find(&s.lookups[0])
	if wait {
		return false
	}
	s.settlement.Found(&s.lookups[0], rows)
	s.lookups = s.lookups[1:]
	return true
}

// raise raises a barrier, and goes on when capture has read it.
func (s *settling) raise(next func() bool) {
	r := s.flight.region
	floor := s.marker.Time
	if s.flight.lane != nil {
		floor = s.flight.time()
	}
	s.barrier = r.db.raise(floor)
	r.world.stats.Floors++
	s.does = func() bool {
		if r.pos < s.barrier && r.world.fault != NoBarrier {
			return false
		}
		s.asOf, s.isAsOf = uint64(s.barrier), true
		s.does = next
		return true
	}
}

func (s *settling) plan() {
	s.steps = s.settlement.Steps()
	s.writes = nil
	for _, set := range s.steps {
		s.writes = append(s.writes, set...)
	}
	s.does = s.write
}

func (s *settling) write() bool {
	if len(s.writes) > 0 {
		w := &s.writes[0]
		s.checkLocked(w.Key)
		_, wait, refused := s.flight.session.write(w)
		if refused == unfit {
			s.settlement.Refuse(w.Key, checkName)
		}
		if refused != accepted {
			return s.again(w.Key.String() + showImage(w.Image) + " is " + string(refused))
		}
		if !wait {
			s.writes = s.writes[1:]
		}
		return !wait
	}
	if s.settlement.Fresh() && s.flight.region.world.fault != NoConfirm {
		s.raise(s.confirm)
		return true
	}
	return s.done()
}

// recollect gives history what it lacks, and reports whether it could.
func (s *settling) recollect() bool {
	r := s.flight.region
	return s.flight.recollect(func() []history.Ref { return s.settlement.Lacks(r.history, s.asOf) }, &change.Transaction{})
}

// checkLocked makes sure that a row which was found was decided with nobody else near it: one that was only looked at as a parent could
// have got children meanwhile.
func (s *settling) checkLocked(key change.Key) {
	if session := s.flight.session; session.kept[key] && !session.locked[key] && !session.exclusive[key.Table] {
		s.flight.region.world.fail("I1 converge", "%s writes %s, which it has locked only as a parent", s.flight.region, key)
	}
}

func (s *settling) confirm() bool {
	r := s.flight.region
	if !s.recollect() {
		return s.flight.phase == landed
	}
	if complete := s.decide(); !complete || !s.settlement.Stands(s.steps) || r.world.fault != NoDoubts && s.settlement.Doubts(r.history) {
		s.settlement.Lookups()
		return s.again("rows changed")
	}
	return s.done()
}

func (s *settling) done() bool {
	f := s.flight
	f.records = s.settlement.Records()
	if f.lane == nil && s.settlement.IsIdle(s.steps) { // nothing to change: what's in the way is known now
		f.session.end()
		f.region.watch.Settled(s.settlement)
		f.region.flights = nil
		f.phase = landed
		return true
	}
	f.phase = committing
	return true
}

// parkingWaits reports whether the mender has rows of bridge.parked locked which the settlement writes.
func (f *flight) parkingWaits() bool {
	if f.settling == nil {
		return false
	}
	put, away := f.settling.settlement.Moves()
	for _, o := range f.region.db.sessions {
		if slices.ContainsFunc(put, func(p visibility.Parked) bool { return slices.Contains(o.unparks, p.Key) }) ||
			slices.ContainsFunc(away, func(key change.Key) bool { return slices.Contains(o.unparks, key) }) {
			return true
		}
	}
	return false
}

// showParked are rows that get parked, for the trace.
type showParked []visibility.Parked

func (rows showParked) String() string {
	text := ""
	for i := range rows {
		p := &rows[i]
		text += p.Key.String() + showImage(p.Image) + " by " + string(p.Reason)
		if p.Shown != nil {
			text += " shown " + showImage(p.Shown)
		}
	}
	return text
}
