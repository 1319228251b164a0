package sim

import (
	"slices"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/wire"
)

// cluster is the name in all records.
const cluster = "sim"

// region is a database with its application, and the bridge process beside it.
type region struct {
	world  *world
	index  int
	origin change.Origin
	db     *database
	topic  topic
	open   []*open
	asleep int      // the step until which the process is down
	late   [][]byte // what dead processes had on their way to the topic

	turnover turnover
	mending  *mending // nil in most regions

	process
}

// process is what is lost when the bridge dies.
type process struct {
	clock   *loopguard.Clock
	history *history.History
	kept    []kept // what was added to history, for the fault that rebuilds it
	pos     int    // records of the log that capture has read
	outbox  []outgoing
	confirm int // place in the log up to which all is published, to be confirmed
	told    loopguard.State
	builder *wire.Builder

	succession *conflict.Succession
	turned     bool // the log says so, or this process has it say so

	watch   *apply.Watch
	lanes   []*lane
	flights []*flight     // in the order in which they commit
	sent    change.Vector // what will be applied when all flights have landed
	next    int           // the lane to look at first
	careful int           // flights to go one at a time
}

// outgoing is a transaction, or a piece, that is to be published.
type outgoing struct {
	tx            *change.Transaction
	before, after loopguard.State
	at            int // its record's place in the log
}

type kept struct {
	tag        *change.Tag
	operations []change.Operation
	first      uint32
	at         uint64
}

func (r *region) String() string { return r.origin.Region() }

// capture reads one record of the log and reports whether there was one.
func (r *region) capture() bool {
	w := r.world
	if r.pos >= r.db.flushed {
		return false
	}
	if r.pos < r.db.released {
		w.fail("I2 no silent loss", "%s: log %d is to be read and is gone: released up to %d", r, r.pos, r.db.released)
		return false
	}
	l := &r.db.log[r.pos]
	r.pos++
	switch {
	case l.kind == capture.Local:
		r.tag(l, l.operations)
	case l.kind == capture.Echo && w.fault == NoMarker:
		var all []change.Operation
		for _, tx := range l.applied {
			all = append(all, tx.Operations...)
		}
		r.tag(l, all)
	case l.kind == capture.Echo:
		if err := r.clock.Echo(l.marker); err != nil {
			w.fail("I8 loud", "%s: capture at log %d: %v", r, r.pos-1, err)
		}
		r.learn(r.origin, r.clock.State().Vector)
		w.trace("%s sees the echo of %s:%d", r, l.marker.Origin, l.marker.Seq)
	case l.kind == capture.Barrier:
		if r.clock.Turn(l.barrier.Turn); l.barrier.Turn.Is {
			r.watch.Turned()
		}
		r.clock.Floor(l.barrier.Floor)
		w.trace("%s sees the barrier at log %d, floor %d", r, r.pos-1, l.barrier.Floor)
	}
	if w.fault == ConfirmEarly {
		r.db.released = max(r.db.released, r.pos)
	}
	return true
}

// tag gives a local transaction its name and hands it to history and to the outbox, whole or in pieces.
func (r *region) tag(l *logged, operations []change.Operation) {
	w := r.world
	before := r.clock.State()
	tag := r.clock.Local(l.commit)
	after := r.clock.State()
	w.born(r, &tag, l, operations)
	w.trace("%s reads %s time %d deps %s:%s", r, tag.Dot, tag.Time, tag.Deps, described(operations))
	for first := 0; ; {
		n := len(operations) - first
		if n > 2 && w.rng.IntN(3) == 0 {
			n = 1 + w.rng.IntN(n-1)
		}
		tx := &change.Transaction{
			Tag: tag, Position: change.Position{Offset: uint64(r.pos)}, CommitTime: l.commit,
			Before: uint32(first), Last: first+n == len(operations), Operations: operations[first : first+n],
		}
		r.remember(tx, &tx.Tag, uint64(r.pos))
		r.notice(tx)
		r.outbox = append(r.outbox, outgoing{tx, before, after, r.pos - 1})
		first += n
		if tx.Last {
			return
		}
	}
}

// notice lets the watch know of a local transaction or piece.
func (r *region) notice(piece *change.Transaction) {
	tx := *piece
	switch r.world.fault {
	case NoRecheck:
		return
	case NoTruncateRecheck:
		tx.Operations = slices.DeleteFunc(slices.Clone(tx.Operations), func(op change.Operation) bool { return op.Kind == change.Truncate })
	}
	r.watch.Local(&tx, r.history)
}

// publish appends one record of what is in the outbox, now and then twice, as after a lost
// acknowledgement. What it appended is confirmed by the next call: a crash in between repeats it.
func (r *region) publish() bool {
	w := r.world
	r.db.released = max(r.db.released, r.confirm)
	if done := len(r.outbox) == 0 && r.pos == len(r.db.log); len(r.late) > 0 && (done || w.rng.IntN(4) == 0) {
		w.trace("%s: what was under way when bridge died comes to its topic", r)
		r.topic.append(r.late[0])
		r.late = r.late[1:]
		return true
	}
	if len(r.outbox) == 0 {
		return false
	}
	record, n, state, at := r.pack()
	if n == 0 {
		return false
	}
	r.topic.append(record)
	if w.rng.IntN(12) == 0 {
		r.topic.append(record)
		w.stats.Duplicates++
	}
	r.outbox = r.outbox[n:]
	r.confirm, r.told = at, state
	return true
}

// unseen is the place in the log of the first local transaction that others don't see yet.
func (r *region) unseen() int {
	place := len(r.db.log)
	for _, o := range r.open {
		if o.logged {
			place = min(place, o.session.place-1)
		}
	}
	return place
}

// pack makes a record of the first n in the outbox, of which all are to be seen; state and at are the clock's and the log's after it.
func (r *region) pack() (record []byte, n int, state loopguard.State, at int) {
	w := r.world
	n = 1 + w.rng.IntN(min(len(r.outbox), 4))
	r.builder.Reset()
	unseen := r.unseen()
	for i, out := range r.outbox[:n] {
		if out.at >= unseen || out.tx.Rules != r.outbox[0].tx.Rules {
			n = i
			break
		}
		if err := r.builder.Add(out.tx); err != nil {
			w.fail("wire", "%s: %v", r, err)
		}
	}
	if n == 0 {
		return nil, 0, state, 0
	}
	last := r.outbox[n-1]
	state, at = last.after, last.at+1
	if !last.tx.Last {
		state, at = last.before, last.at
	}
	record, err := r.builder.Finish(state, change.Position{Offset: uint64(at)})
	if err != nil {
		w.fail("wire", "%s: %v", r, err)
	}
	return record, n, state, at
}

// heartbeat tells what the region has seen when it has nothing else to say.
func (r *region) heartbeat() {
	r.saveCut()
	if len(r.outbox) > 0 {
		return
	}
	state := r.clock.State()
	r.topic.append(r.builder.Heartbeat(state, change.Position{Offset: uint64(r.pos)}, r.world.now))
	r.confirm, r.told = r.pos, state
	r.world.trace("%s beats %d %s", r, state.Seq, state.Vector)
}

// saveCut lets the database know from where history must be rebuilt.
func (r *region) saveCut() {
	r.db.cut = r.history.Cut()
	if r.world.fault == RebuildFromStable {
		r.db.cut.Since.Time = 1<<63 - 1
		for _, o := range r.world.origins {
			r.db.cut.Known = r.db.cut.Known.With(o, r.history.Stable(o))
		}
	}
}

// remember adds a transaction or piece to history, under the given tag and as the fault of the schedule has it.
func (r *region) remember(piece *change.Transaction, tag *change.Tag, at uint64) {
	tx := *piece
	tx.Tag = *r.world.asOrdered(r, tag)
	switch r.world.fault {
	case PruneOutOfOrder:
		r.kept = append(r.kept, kept{&tx.Tag, tx.Operations, tx.Before, at})
	case NoTruncateHistory:
		add := r.history.Add
		if !piece.Whole() {
			add = r.history.AddBulk
		}
		for i := range piece.Operations {
			if piece.Operations[i].Kind != change.Truncate {
				r.added(add(&tx.Tag, piece.Operations[i:i+1], piece.Before+uint32(i), at))
			}
		}
		return
	}
	r.added(r.history.AddTransaction(&tx, at))
}

func (r *region) added(err error) {
	if err != nil {
		r.world.fail("I8 loud", "%s: history: %v", r, err)
	}
}

// learn notes what a member has seen, and drops what has become stable.
func (r *region) learn(member change.Origin, seen change.Vector) {
	r.history.Learn(member, seen)
	switch r.world.fault {
	case PruneEarly:
		all := r.db.seen().With(r.origin, r.clock.State().Seq)
		for _, m := range r.world.origins {
			r.history.Learn(m, all)
		}
	case PruneSelfEarly:
		r.history.Learn(r.origin, r.db.seen())
	}
	r.history.Prune()
	if r.world.fault == PruneOutOfOrder {
		r.pruneOutOfOrder()
	}
}

// pruneOutOfOrder is what Prune must not be: a history that lacks every stable operation.
func (r *region) pruneOutOfOrder() {
	old := r.history
	r.history = history.New(r.origin, r.world.origins, 0)
	r.keepBefore()
	for _, m := range r.world.origins {
		r.history.Learn(m, old.Known(m))
	}
	left := r.kept[:0:0]
	for _, k := range r.kept {
		if k.tag.Dot.Seq > old.Stable(k.tag.Dot.Origin) {
			left = append(left, k)
			if err := r.history.Add(k.tag, k.operations, k.first, k.at); err != nil {
				panic(err)
			}
		}
	}
	r.kept = left
}

// cutOff lets the process that dies have one more record on its way to the topic, now and then. It comes there
// among those of the next one, which doesn't know of it.
func (r *region) cutOff() {
	if len(r.outbox) == 0 || r.world.rng.IntN(2) == 0 {
		return
	}
	record, n, _, _ := r.pack()
	if n == 0 {
		return
	}
	r.late = append(r.late, record)
	r.world.stats.Late++
}

// crash kills the process: its open transactions are rolled back, except that one whose commit was under
// way is committed. Then it starts anew.
func (r *region) crash() {
	w := r.world
	w.trace("%s: bridge dies", r)
	w.stats.Crashes++
	for _, f := range r.flights {
		if f.phase == landing {
			f.session.finish()
		} else if f.session != nil {
			f.session.end()
		}
	}
	r.cutOff()
	r.start()
}

// stop ends the process cleanly: what it has captured is published first, and what it has seen told.
func (r *region) stop() {
	for r.world.violation == nil && r.publish() {
	}
	r.heartbeat()
	r.crash()
}

// crashDatabase loses what the database had not flushed; the bridge starts anew with it.
func (r *region) crashDatabase() {
	w := r.world
	w.trace("%s: database dies, %d of %d log records lost", r, len(r.db.log)-r.db.flushed, len(r.db.log))
	w.stats.Crashes++
	w.stats.Lost += len(r.db.log) - r.db.flushed
	r.db.crash()
	r.open = nil
	r.cutOff()
	r.start()
}
