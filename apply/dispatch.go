package apply

import (
	"context"
	"errors"
	"sync"
	"time"

	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
)

// dispatcher hands batches to workers, in one order for all origins, in which they also commit: so a
// transaction is in the database after everything that was dispatched before it (I5).
type dispatcher struct {
	*Loop
	idle     []*worker
	inflight []*flight
	results  chan *flight
	last     *ticket
	// applied is what has committed, dispatched what will have when all in flight has.
	applied, dispatched change.Vector
	careful             int    // batches to apply one at a time, after one lost a race
	next                int    // the lane to look at first
	keep                pause  // of upkeep
	turned              string // the rules to which the region has turned, as far as that was asked for
	// recollected tells what was read again for whom. reading are those who read.
	recollected chan recollection
	reading     sync.WaitGroup
}

// flight is a batch on its way.
type flight struct {
	lane   *lane
	items  int
	batch  *Batch // nil of a large transaction
	seq    uint64
	settle bool // with a look at what constraints hide
	worker *worker
	pieces *pieceReader // of a large transaction
	err    error
	unread []history.Ref // what it couldn't read from topics in time
}

func newDispatcher(ctx context.Context, l *Loop) (*dispatcher, error) {
	d := &dispatcher{Loop: l, results: make(chan *flight, l.Workers), last: firstTicket(), recollected: make(chan recollection, len(l.lanes)+1)}
	for o, m := range l.Progress {
		d.applied = d.applied.With(o, m.Seq)
	}
	d.dispatched = d.applied
	for i := range l.Workers {
		s, err := l.Target.Open(ctx, i)
		if err != nil {
			d.close()
			return nil, err
		}
		d.idle = append(d.idle, &worker{mends: l.mends(), session: s, fence: l.Fence, history: l.History, archive: l.Archive, rules: l.Rules, report: l.Report, watch: l.Watch, awaiting: l.Awaiting})
	}
	return d, nil
}

// close ends the sessions; those in flight, and whoever reads a topic again, are ended by their context.
func (d *dispatcher) close() {
	d.reading.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for range d.inflight {
		d.idle = append(d.idle, (<-d.results).worker)
	}
	for _, w := range d.idle {
		w.session.Close(ctx) //nolint:errcheck // the connection is given up either way
	}
}

func (d *dispatcher) run(ctx context.Context) error {
	for {
		dispatched, err := d.dispatch(ctx)
		if err != nil {
			return err
		}
		if dispatched {
			continue
		}
		timer, stopTimer := d.retryTimer()
		select {
		case f := <-d.results:
			if err := d.finished(ctx, f); err != nil {
				stopTimer()
				return err
			}
		case r := <-d.recollected:
			d.resume(r)
		case <-d.wake:
		case <-timer:
		case <-ctx.Done():
			stopTimer()
			return context.Cause(ctx)
		}
		stopTimer()
	}
}

// retryTimer fires when a stopped lane, or upkeep, is to be tried again.
func (d *dispatcher) retryTimer() (<-chan time.Time, func()) {
	var first time.Time
	for _, p := range d.pauses() {
		if !p.until.IsZero() && (first.IsZero() || p.until.Before(first)) {
			first = p.until
		}
	}
	if first.IsZero() {
		return nil, func() {}
	}
	t := time.NewTimer(time.Until(first))
	return t.C, func() { t.Stop() }
}

// dispatch sends off one batch if a lane has one ready and a worker is free.
func (d *dispatcher) dispatch(ctx context.Context) (bool, error) {
	now := time.Now()
	for _, p := range d.pauses() {
		p.elapse(now)
	}
	if len(d.idle) == 0 || d.careful > 0 && len(d.inflight) > 0 {
		return false, nil
	}
	if d.Watch.Due() {
		if len(d.inflight) > 0 || d.keep.holds() {
			return false, nil
		}
		return true, d.upkeep(ctx)
	}
	for i := range d.lanes {
		ln := d.lanes[(d.next+i)%len(d.lanes)]
		if ln.pause.holds() {
			continue
		}
		f, err := d.take(ctx, ln)
		if err != nil {
			return false, err
		}
		if f == nil {
			continue
		}
		if may, err := d.follow(ctx, ln); !may {
			return false, err
		}
		d.next = (d.next + i + 1) % len(d.lanes)
		d.send(ctx, f)
		return true, nil
	}
	return false, nil
}

// follow has the region turn to the rules under which a lane's next transaction was published, unless it has. It reports whether
// that may be applied now: not before all that's in flight is committed.
func (d *dispatcher) follow(ctx context.Context, ln *lane) (may bool, err error) {
	rules := ln.queue.from(ln.taken, 1)[0].tx.Rules
	if d.Turn == nil || rules == d.Rules.Fingerprint || rules == d.turned {
		return true, nil
	}
	if len(d.inflight) > 0 {
		return false, nil
	}
	if err := d.Turn(ctx, rules); err != nil {
		return false, err
	}
	d.turned = rules
	return !d.Watch.Due(), nil // rows are shown by the new policies first
}

// worthwhile is how many transactions must be waiting for a batch to begin beside so many others. Batches commit
// one after another, so a small one gains little by an early start, and costs as much as a large one.
var worthwhile = [...]int{1, 4, 100}

// take makes a batch of what a lane has ready.
func (d *dispatcher) take(ctx context.Context, ln *lane) (*flight, error) {
	limit := d.BatchTransactions
	if alone := ln.singly > 0 || ln.settle > 0; alone && len(d.inflight) > 0 || len(d.inflight) > 0 && d.inflight[0].settle {
		return nil, nil
	}
	switch {
	case ln.singly > 0:
		limit = 1
	case ln.settle > 0:
		limit = ln.settle
	}
	f, err := d.gather(ln, limit)
	if f == nil || err != nil {
		return f, err
	}
	if f.settle = ln.settle > 0; f.batch == nil {
		return f, nil
	}
	if !f.settle {
		f.settle, err = d.Watch.Concerns(ctx, f.batch)
	}
	if f.settle && len(d.inflight) > 0 {
		return nil, err
	}
	return f, err
}

// gather makes a batch of up to so many transactions that a lane has ready.
func (d *dispatcher) gather(ln *lane, limit int) (*flight, error) {
	items := ln.queue.from(ln.taken, limit)
	for len(items) > 0 && items[0].tx == nil { // a heartbeat counts once all before it is applied
		if ln.taken > 0 {
			return nil, nil
		}
		d.learn(ln.origin, items[0].seen)
		ln.queue.pop(1)
		items = ln.queue.from(0, limit)
	}
	if len(items) < min(limit, worthwhile[min(len(d.inflight), len(worthwhile)-1)]) {
		return nil, nil
	}
	if items[0].large != nil && len(d.inflight) > 0 {
		return nil, nil // it runs alone
	}
	f := &flight{lane: ln}
	for i := range items {
		it := &items[i]
		if it.tx == nil || it.large != nil && i > 0 {
			break
		}
		if missing, err := d.missing(it.tx); err != nil || missing.Seq > 0 {
			if ln.taken == 0 && i == 0 {
				d.waits(ln, missing.Origin)
			}
			return d.nonEmpty(f), err
		}
		if it.large != nil {
			f.items, f.seq = 1, it.seq
			return f, nil
		}
		if i > 0 && it.tx.Rules != items[0].tx.Rules || d.overlaps(it.tx) || f.batch != nil && (f.batch.Len() >= d.BatchTransactions || !f.batch.Add(it.tx, it.offset)) {
			break
		}
		if f.batch == nil {
			f.batch = NewBatch(it.tx, it.offset)
		}
		f.items++
		f.seq = it.seq
	}
	return d.nonEmpty(f), nil
}

func (d *dispatcher) nonEmpty(f *flight) *flight {
	if f.items == 0 {
		return nil
	}
	return f
}

// missing is something that tx had seen and that's neither here nor on its way before it (causal delivery); its
// zero when there's none.
func (d *dispatcher) missing(tx *change.Transaction) (dep change.Seen, err error) {
	for _, dep := range tx.Deps {
		if dep.Origin == d.Self {
			if issued := d.Issued(); dep.Seq > issued {
				return dep, &LostHistoryError{tx.Dot.Origin, tx.Dot, dep.Seq, issued}
			}
		} else if dep.Origin != tx.Dot.Origin && d.dispatched.Get(dep.Origin) < dep.Seq {
			return dep, nil
		}
	}
	return change.Seen{}, nil
}

// overlaps reports whether tx writes a row that a batch in flight writes: it must wait, or the two would
// wait for each other, one for the row and one for its turn to commit.
func (d *dispatcher) overlaps(tx *change.Transaction) bool {
	for _, f := range d.inflight {
		if f.batch == nil || f.batch.truncates || d.Watch.Related(f.batch, tx) {
			return true
		}
		for i := range tx.Operations {
			op := &tx.Operations[i]
			if op.Kind == change.Truncate || f.batch.Touches(op.Key) {
				return true
			}
		}
	}
	return false
}

func (d *dispatcher) send(ctx context.Context, f *flight) {
	w := d.idle[len(d.idle)-1]
	d.idle = d.idle[:len(d.idle)-1]
	f.worker = w
	first := f.lane.queue.from(f.lane.taken, 1)[0]
	f.lane.taken += f.items
	d.Watch.Begin(f.batch)
	d.inflight = append(d.inflight, f)
	d.waits(f.lane, "")
	d.dispatched = d.dispatched.With(f.lane.origin, f.seq)
	t := newTicket(d.last)
	d.last = t
	inOrder := f.lane.singly > 0
	if f.batch == nil {
		f.pieces = newPieceReader(d.Peers[f.lane.origin], d.Cluster, &first, d.Target)
	}
	go func() {
		f.err = w.fly(ctx, f, &first, inOrder, t)
		f.unread, w.unread = w.unread, nil
		d.results <- f
	}()
}

// fly applies a flight's batch, or its large transaction.
func (w *worker) fly(ctx context.Context, f *flight, first *item, inOrder bool, t *ticket) error {
	switch {
	case f.settle && f.pieces != nil:
		return w.settlePieces(ctx, NewBatch(first.tx, first.offset), f.pieces.next, t)
	case f.settle:
		return w.settle(ctx, f.batch, t)
	case f.pieces == nil:
		return w.apply(ctx, f.batch, inOrder, t)
	}
	err := w.applyPieces(ctx, NewBatch(first.tx, first.offset), f.pieces.next)
	t.end(err == nil)
	return err
}

// finished deals with a batch that has ended.
func (d *dispatcher) finished(ctx context.Context, f *flight) error {
	for i := range d.inflight {
		if d.inflight[i] == f {
			d.inflight = append(d.inflight[:i:i], d.inflight[i+1:]...)
			break
		}
	}
	d.idle = append(d.idle, f.worker)
	if f.lane == nil {
		return d.kept(ctx, f)
	}
	d.Watch.End(f.batch)
	ln := f.lane
	switch {
	case f.err == nil:
		first := &ln.queue.from(0, 1)[0]
		began := first.offset
		if first.large != nil {
			began = first.large.from
		}
		d.Began(&first.tx.Tag, began)
		ln.marker = f.marker(first)
		ln.queue.pop(f.items)
		ln.taken -= f.items
		d.applied = d.applied.With(ln.origin, f.seq)
		ln.singly, ln.settle = max(0, ln.singly-f.items), max(0, ln.settle-f.items)
		d.careful = max(0, d.careful-1)
		ln.pause = pause{}
		d.resumed(ln.origin, applying)
		return nil
	case errors.Is(f.err, errYield):
		return nil // its place in the queue is restored by the one that failed before it
	case !isOurs(f.err):
		return f.err
	}
	return d.recover(ctx, f)
}

// marker is what was written of a batch that has committed.
func (f *flight) marker(first *item) loopguard.Marker {
	if f.batch == nil {
		return NewBatch(first.tx, first.offset).Marker
	}
	return f.batch.Marker
}

func (d *dispatcher) learn(o change.Origin, seen change.Vector) {
	d.History.Do(func(h *history.History) {
		h.Learn(o, seen)
		h.Prune()
	})
}

// mends reports whether this region is the one in which cases wait (conflict.Record.Awaited): the first by name.
func (l *Loop) mends() bool {
	for peer := range l.Peers {
		if peer < l.Self {
			return false
		}
	}
	return true
}
