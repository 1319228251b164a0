package sim

// settleLimit is how many turns the regions get to come to rest; sound schedules need a few dozen.
const settleLimit = 400

// settle stops the applications and lets everything come to rest. Then every region tells twice what it
// has seen, and nothing may be left in any history (I7), nor may anything but heartbeats appear (I6).
func (w *world) settle() {
	w.trace("applications stop, and all topics are there")
	for _, r := range w.regions {
		r.topic.absent = 0
		for len(r.open) > 0 {
			r.proceed(r.open[0])
		}
	}
	w.quiesce()
	w.settleRules()
	records, places := 0, 0
	for _, r := range w.regions {
		records += r.topic.data
		places += len(r.db.log)
	}
	for range 2 {
		for _, r := range w.regions {
			r.heartbeat()
		}
		w.quiesce()
	}
	for _, r := range w.regions {
		records -= r.topic.data
		places -= len(r.db.log)
	}
	if records != 0 || places != 0 {
		w.fail("I6 quiet", "%d data records and %d log records appeared after all had settled", -records, -places)
	}
}

// quiesce lets every region do what it can until none can do anything.
func (w *world) quiesce() {
	start := 0
	for _, r := range w.regions {
		start += r.topic.data
	}
	for range settleLimit {
		busy := false
		for _, i := range w.rng.Perm(len(w.regions)) {
			if w.violation != nil {
				return
			}
			w.step++
			busy = w.regions[i].turn() || busy
		}
		if !busy && !w.regions[0].mending.finish() {
			w.checkIdle()
			return
		}
	}
	data := -start
	for _, r := range w.regions {
		data += r.topic.data
	}
	w.fail("I6 quiet", "regions are still busy after %d turns; %d data records were published in them", settleLimit, data)
}

// turn does some of what a region can do, and reports whether there was anything.
func (r *region) turn() bool {
	busy := false
	do := func(f func() bool) {
		for n := 0; n < 8 && r.world.violation == nil && f(); n++ {
			busy = true
		}
	}
	r.db.flushed = len(r.db.log)
	do(r.capture)
	do(r.publish)
	for _, l := range r.lanes {
		do(l.read)
	}
	do(r.turnWithOthers)
	do(r.dispatch)
	for i := 0; i < len(r.flights); i++ {
		f := r.flights[i]
		do(func() bool { return f.phase != landing && f.step() })
	}
	for len(r.flights) > 0 && r.flights[0].phase == landing {
		r.flights[0].step()
		busy = true
	}
	if !busy && len(r.flights) > 1 { // one may wait for a value that another has taken, which waits for its turn: a lock timeout ends it
		r.careful = 2 * r.world.plan.workers
		r.cancel(0)
		return true
	}
	return busy
}

// checkIdle makes sure that a mesh at rest has nothing left to do (I9).
func (w *world) checkIdle() {
	for _, r := range w.regions {
		if r.pos != len(r.db.log) || len(r.outbox) > 0 || len(r.flights) > 0 {
			w.fail("I9 progress", "%s stands still at log %d of %d, %d to publish, %d flights",
				r, r.pos, len(r.db.log), len(r.outbox), len(r.flights))
		}
		for _, l := range r.lanes {
			if len(l.queue) > 0 || l.next < len(l.peer.topic.records) {
				w.fail("I9 progress", "%s stands still with %d transactions of %s not applied", r, len(l.queue), l.peer)
			}
		}
	}
}
