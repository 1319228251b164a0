package apply

import (
	"context"
	"errors"
	"fmt"

	"bridge/change"
	"bridge/history"
	"bridge/internal/faultpoint"
	"bridge/loopguard"
)

var (
	// errConcerns says that a batch can't be applied without a look at what constraints hide.
	errConcerns = fmt.Errorf("%w: rows that constraints hide are concerned", ErrRefused)
	// errMisfit ends an attempt to settle which found a row that the database doesn't take.
	errMisfit = fmt.Errorf("%w: a row doesn't fit", ErrRetry)
	// errChanged ends one whose rows changed while they were decided.
	errChanged = fmt.Errorf("%w: rows that constraints concern keep changing", ErrRetry)
)

// MustSettle reports whether an error of applying a batch says that it must be settled.
func MustSettle(err error) bool {
	return errors.Is(err, errConcerns) || errors.Is(err, ErrCollides) || errors.Is(err, ErrUnfit)
}

// settle applies a batch alone, with a look at what constraints hide.
func (w *worker) settle(ctx context.Context, b *Batch, t *ticket) error {
	s, _ := w.watch.Settlement(ctx, b, w.rules)
	err := w.settleUntil(ctx, s, b.Marker, AsSets)
	if err == nil {
		w.report.settled()
		err = w.committed(b)
	} else {
		b.Reset()
		w.watch.abandon()
	}
	t.end(err == nil)
	return w.catchUp(ctx, err)
}

// upkeep looks at parked rows that what was written since concerns. m is the last marker that was written.
func (w *worker) upkeep(ctx context.Context, m loopguard.Marker, t *ticket) error {
	s, due := w.watch.Settlement(ctx, nil, w.rules)
	err := w.settleUntil(ctx, s, m, Upkeep)
	if err != nil {
		w.watch.Give(due)
	} else {
		w.report.upkept(s.recorded)
		w.tell()
	}
	t.end(err == nil)
	return w.catchUp(ctx, err)
}

// maxSettles bounds how often a settlement begins anew at once; after it others get their turn.
const maxSettles = 5

// settleUntil settles, from the beginning as often as rows are found not to fit, or change meanwhile.
func (w *worker) settleUntil(ctx context.Context, s *Settlement, m loopguard.Marker, how Manner) error {
	var err error
	for attempt := range maxSettles {
		// A row that upkeep can't show, by a constraint that isn't known, must not hold up all that comes from other regions.
		s.blames = how == Upkeep && attempt > maxSettles/2
		if err = w.settleOnce(ctx, s, m, how); err == nil {
			return nil
		}
		if rbErr := w.rollback(ctx, err); !isOurs(rbErr) {
			return rbErr
		}
		again := errors.Is(err, errMisfit) || errors.Is(err, errChanged) || errors.Is(err, ErrCollides)
		if !again {
			return err
		}
		s.Again()
	}
	return err
}

func (w *worker) settleOnce(ctx context.Context, s *Settlement, m loopguard.Marker, how Manner) error {
	w.session.Begin(m, how)
	if locks := s.Locks(); len(locks) > 0 {
		if _, err := w.session.Write(ctx, locks); err != nil {
			return err
		}
	}
	if err := w.decide(ctx, s, m); err != nil {
		return err
	}
	steps := s.Steps()
	if how == Upkeep && s.IsIdle(steps) {
		w.watch.Settled(s) // what's in the way is known now
		return w.session.Rollback(ctx)
	}
	if err := w.show(ctx, s, steps); err != nil {
		return err
	}
	if s.Fresh() {
		if err := w.confirm(ctx, s, m, steps); err != nil {
			return err
		}
	}
	put, away := s.Moves()
	if err := w.session.Park(ctx, put, away); err != nil {
		return err
	}
	s.recorded = w.await(s.Records())
	if len(s.recorded) > 0 {
		if err := w.session.Record(ctx, s.recorded); err != nil {
			return err
		}
	}
	if s.batch != nil {
		s.batch.settled = s.recorded
	}
	faultpoint.Hit(faultpoint.Certified)
	if err := w.session.Commit(ctx); err != nil {
		return err
	}
	w.watch.Settled(s)
	return nil
}

// decide decides what's shown, with all rows that it writes locked if they're there, as of a barrier after that. The barrier lifts later
// local timestamps, for rows that aren't there can't be locked.
func (w *worker) decide(ctx context.Context, s *Settlement, m loopguard.Marker) error {
	barrier, isAsOf := ^uint64(0), false
	for range 100 {
		complete, err := w.lookAt(ctx, s, barrier)
		if err != nil {
			return err
		}
		lookups := s.Lookups()
		switch {
		case complete && isAsOf:
			if !w.doubts(s) {
				return nil
			}
			if err := w.seen(ctx); err != nil {
				return err
			}
		case complete:
			if barrier, err = w.raise(ctx, false, m.Time); err != nil {
				return err
			}
			isAsOf = true
		case len(lookups) > 0:
			isAsOf = false
		}
		for i := range lookups {
			rows, err := w.session.Find(ctx, &lookups[i])
			if err != nil {
				return err
			}
			s.Found(&lookups[i], rows)
		}
	}
	return errChanged
}

func (w *worker) doubts(s *Settlement) (doubts bool) {
	w.history.Do(func(h *history.History) { doubts = s.Doubts(h) })
	return doubts
}

// lookAt decides with what history knows as of a barrier.
func (w *worker) lookAt(ctx context.Context, s *Settlement, barrier uint64) (complete bool, err error) {
	for {
		var lacks []history.Ref
		w.history.Do(func(h *history.History) {
			if lacks = s.Lacks(h, barrier); len(lacks) == 0 {
				err = s.Decide(h, barrier)
			}
		})
		switch {
		case err != nil:
			return false, err
		case len(lacks) == 0:
			return s.Look()
		}
		if err := w.refill(ctx, lacks, false, &change.Transaction{}); err != nil {
			return false, err
		}
	}
}

// show does the steps. Where the database doesn't take a row it's found out which, and noted for the next attempt.
func (w *worker) show(ctx context.Context, s *Settlement, steps [][]Write) error {
	for _, writes := range steps {
		if err := w.session.Savepoint(ctx); err != nil {
			return err
		}
		_, err := w.session.Write(ctx, writes)
		switch {
		case err == nil:
		case errors.Is(err, ErrUnfit) || errors.Is(err, ErrCollides) && s.blames:
			return w.blame(ctx, s, writes)
		default:
			return err
		}
	}
	return nil
}

// blame writes one by one what the database didn't take together, to find those rows. It always fails.
func (w *worker) blame(ctx context.Context, s *Settlement, writes []Write) error {
	if err := w.session.RollbackTo(ctx); err != nil {
		return err
	}
	for i := range writes {
		_, err := w.session.Write(ctx, writes[i:i+1])
		switch {
		case err == nil:
			if err := w.session.Savepoint(ctx); err != nil {
				return err
			}
			continue
		case errors.Is(err, ErrUnfit) || errors.Is(err, ErrCollides) && s.blames:
			if !s.Refuse(writes[i].Key, constraintOf(err)) {
				return err // it was known not to fit, and is written all the same: to lock its key, or to take it away
			}
		case !errors.Is(err, ErrCollides):
			return err
		}
		if err := w.session.RollbackTo(ctx); err != nil {
			return err
		}
	}
	return errMisfit
}

// constraintOf is the name of the constraint that an error tells.
func constraintOf(err error) string {
	if named, ok := errors.AsType[interface {
		error
		Constraint() string
	}](err); ok {
		return named.Constraint()
	}
	return "unknown"
}

// confirm decides again, now that rows are locked which weren't there.
func (w *worker) confirm(ctx context.Context, s *Settlement, m loopguard.Marker, steps [][]Write) error {
	barrier, err := w.raise(ctx, false, m.Time)
	if err != nil {
		return err
	}
	complete, err := w.lookAt(ctx, s, barrier)
	if err != nil {
		return err
	}
	if !complete || !s.Stands(steps) || w.doubts(s) {
		return errChanged
	}
	return nil
}

// Stands reports whether steps are still what is to be done, now that it was decided again.
func (s *Settlement) Stands(steps [][]Write) bool {
	return sameSteps(steps, s.Steps())
}

func sameSteps(a, b [][]Write) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			return false
		}
		for j := range a[i] {
			if a[i][j].Key != b[i][j].Key || !a[i][j].same(&b[i][j]) {
				return false
			}
		}
	}
	return true
}
