package apply

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// recover puts everything in flight back after a batch failed, to be applied more carefully.
func (d *dispatcher) recover(ctx context.Context, failed *flight) error {
	for len(d.inflight) > 0 { // all that come after it yield; those before it end on their own
		select {
		case f := <-d.results:
			if err := d.finished(ctx, f); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for _, ln := range d.lanes {
		ln.taken = 0
	}
	d.dispatched, d.last = d.applied, firstTicket()
	ln := failed.lane
	if errors.Is(failed.err, errUnread) {
		d.Report.retry()
		d.recollect(ctx, failed)
		return nil
	}
	if errors.Is(failed.err, ErrRetry) {
		d.Report.retry()
		d.careful = max(d.careful, 2*d.Workers)
		ln.pause.until = time.Now().Add(20 * time.Millisecond) // let the other side of the race finish
		return nil
	}
	if constrained(failed) {
		ln.settle = failed.items
		return nil
	}
	if ln.singly == 0 && failed.batch != nil {
		ln.singly = failed.items // find the row, and write in the order in which the origin did
		return nil
	}
	if failed.settle && errors.Is(failed.err, ErrCollides) { // by a constraint that wasn't there before, perhaps
		if err := d.Watch.reload(ctx); err != nil {
			return err
		}
	}
	d.stopLane(ln, failed.err)
	return nil
}

// stopLane stops a lane, which is tried again later.
func (d *dispatcher) stopLane(ln *lane, err error) {
	d.stop(ln.origin, applying, err)
	ln.pause.until = time.Now().Add(d.RetryStopped)
}

// constrained reports whether a batch failed for rows that must be settled.
func constrained(f *flight) bool { return !f.settle && MustSettle(f.err) }

// upkeep has what's due looked at, under the constraints that there are now, while nothing is in flight.
func (d *dispatcher) upkeep(ctx context.Context) error {
	if err := d.Watch.Renew(ctx); err != nil {
		return err
	}
	var last *lane
	for _, ln := range d.lanes {
		if ln.marker.Seq > 0 && (last == nil || ln.marker.Time > last.marker.Time) {
			last = ln
		}
	}
	if last == nil { // nothing was ever applied
		d.Watch.take()
		return nil
	}
	w := d.idle[len(d.idle)-1]
	d.idle = d.idle[:len(d.idle)-1]
	f := &flight{worker: w, settle: true}
	d.inflight = append(d.inflight, f)
	t := newTicket(d.last)
	d.last = t
	m := last.marker
	go func() {
		f.err = w.upkeep(ctx, m, t)
		f.unread, w.unread = w.unread, nil
		d.results <- f
	}()
	return nil
}

// Upkeep that came to nothing is tried again after a moment, for all lanes wait for it.
const (
	upkeepRace    = 200 * time.Millisecond // it lost a race: let the other side finish
	upkeepRefused = time.Second            // somebody must do something about it
)

// kept deals with an upkeep that has ended.
func (d *dispatcher) kept(ctx context.Context, f *flight) error {
	switch {
	case f.err == nil:
		d.released()
		return nil
	case !isOurs(f.err):
		return f.err
	}
	d.dispatched, d.last = d.applied, firstTicket()
	switch {
	case errors.Is(f.err, errUnread):
		d.heldUp(fmt.Errorf("topic %s can't be read, which has operations that they are decided with", d.topics(f)))
		d.recollect(ctx, f)
	case errors.Is(f.err, ErrRetry):
		d.heldUp(f.err)
		d.keep.until = time.Now().Add(upkeepRace)
	default:
		d.heldUp(f.err)
		d.keep.until = time.Now().Add(upkeepRefused)
	}
	return nil
}

// pause is why a lane, or upkeep, isn't tried again yet.
type pause struct {
	until time.Time // zero is for no time
	reads bool      // until a topic was read again
}

func (p *pause) holds() bool { return p.reads || !p.until.IsZero() }

// elapse ends what time ends: from then on it's tried whenever something happens, not by the timer.
func (p *pause) elapse(now time.Time) {
	if !p.until.IsZero() && !now.Before(p.until) {
		p.until = time.Time{}
	}
}

// pauseOf is a lane's pause, or that of upkeep, which has none.
func (d *dispatcher) pauseOf(ln *lane) *pause {
	if ln == nil {
		return &d.keep
	}
	return &ln.pause
}

// pauses are all of them.
func (d *dispatcher) pauses() []*pause {
	all := []*pause{&d.keep}
	for _, ln := range d.lanes {
		all = append(all, &ln.pause)
	}
	return all
}
