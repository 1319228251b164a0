package apply

import (
	"context"
	"errors"
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
	if errors.Is(failed.err, ErrRetry) {
		d.Report.retry()
		d.careful = max(d.careful, 2*d.Workers)
		ln.retryAt = time.Now().Add(20 * time.Millisecond) // let the other side of the race finish
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
	d.stop(ln.origin, applying, failed.err)
	ln.retryAt = time.Now().Add(d.RetryStopped)
	return nil
}

// constrained reports whether a batch failed for rows that must be settled.
func constrained(f *flight) bool {
	if f.settle || f.batch != nil && f.batch.truncates {
		return false
	}
	return errors.Is(f.err, errConcerns) || errors.Is(f.err, ErrCollides) || errors.Is(f.err, ErrUnfit)
}

// upkeep has what's due looked at, while nothing is in flight.
func (d *dispatcher) upkeep(ctx context.Context) error {
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
		d.results <- f
	}()
	return nil
}

// kept deals with an upkeep that has ended. One that lost a race is tried again a moment later.
func (d *dispatcher) kept(ctx context.Context, f *flight) error {
	if f.err != nil && !isOurs(f.err) {
		return f.err
	}
	if f.err == nil {
		return nil
	}
	d.dispatched, d.last = d.applied, firstTicket()
	d.Log.Warn("rows that constraints hide can't be looked at", "error", f.err)
	select {
	case <-time.After(200 * time.Millisecond):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
