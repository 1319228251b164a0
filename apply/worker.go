package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/internal/faultpoint"
	"bridge/visibility"
)

// worker applies batches on one session.
type worker struct {
	mends   bool // this is the region in which cases wait for merges and for people
	session Session
	fence   Fence
	history *history.Locked
	archive *Archive
	rules   *conflict.Rules
	report  *Report
	watch   *Watch

	awaiting func()        // is told of committed cases that await a merge; nil where nobody merges
	awaits   bool          // such a case was recorded since it was told
	unread   []history.Ref // what the last attempt couldn't read from a topic in time
}

// errYield ends a batch whose predecessor didn't commit.
var errYield = errors.New("the batch before this one did not commit")

// apply applies a batch of whole transactions and ends its ticket. On error nothing of it remains.
func (w *worker) apply(ctx context.Context, b *Batch, inOrder bool, t *ticket) error {
	err := w.attempt(ctx, b, inOrder, t)
	if err != nil {
		err = w.rollback(ctx, err)
		b.Reset()
	}
	t.end(err == nil)
	return w.catchUp(ctx, err)
}

// rollback rolls back after an error that the session survives.
func (w *worker) rollback(ctx context.Context, err error) error {
	if isOurs(err) {
		if rbErr := w.session.Rollback(ctx); rbErr != nil {
			return rbErr
		}
	}
	return err
}

// Rows that are locked are in the way of applications.
const (
	// batchWait is how long a batch holds them while capture reads up to a barrier, and while a topic is read again.
	batchWait = 2 * time.Second
	// pieceWait is the same for a piece of a large transaction. Its rows are held for long in any case; capture must
	// read past all that the pieces before it wrote, and to give up is to write those again, for ever on a busy machine.
	// But it's less than the 50 seconds after which InnoDB fails an application that waits for a row.
	pieceWait = 30 * time.Second
	// pingInterval is how often the database hears of a transaction that waits for something else.
	pingInterval = 5 * time.Second
)

// errBehind ends an attempt because capture is behind: a large local transaction is being read, or the broker is away.
var errBehind = fmt.Errorf("%w: capture is behind", ErrRetry)

// catchUp waits, with no row locked, for capture, if an attempt couldn't wait for it any longer. All lanes wait with it: each
// needs capture to commit anything.
func (w *worker) catchUp(ctx context.Context, err error) error {
	if errors.Is(err, errBehind) {
		if _, waitErr := w.fence.Raise(ctx, 0); waitErr != nil {
			return waitErr
		}
	}
	return err
}

// locked waits for f, which doesn't use the session, for as long as a batch or piece may hold rows meanwhile; then
// it fails with tooLong.
func (w *worker) locked(ctx context.Context, isPiece bool, tooLong error, f func(context.Context) error) error {
	if !isPiece { // too short for the database to miss a word
		ctx, cancel := context.WithTimeoutCause(ctx, batchWait, tooLong)
		defer cancel()
		return f(ctx)
	}
	return w.waiting(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, pieceWait, tooLong)
		defer cancel()
		return f(ctx)
	})
}

// waiting waits for f, which doesn't use the session, while its transaction stays open.
func (w *worker) waiting(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if err := w.session.Ping(ctx); err != nil {
				cancel(err)
				<-done
				return err
			}
		}
	}
}

// isOurs reports whether an error ends an attempt, and not the session.
func isOurs(err error) bool {
	if errors.Is(err, ErrRetry) || errors.Is(err, ErrRefused) || errors.Is(err, errYield) {
		return true
	}
	_, ofTopic := errors.AsType[*topicError](err)
	return ofTopic
}

func (w *worker) attempt(ctx context.Context, b *Batch, inOrder bool, t *ticket) error {
	how := AsSets
	if inOrder {
		how = InOrder
	}
	w.session.Begin(b.Marker, how)
	if err := w.write(ctx, b, inOrder); err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.Certified)
	if err := w.turn(ctx, t); err != nil {
		return err
	}
	if err := w.session.Commit(ctx); err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.Committed)
	return w.committed(b)
}

// turn waits until all batches before have committed.
func (w *worker) turn(ctx context.Context, t *ticket) error {
	if !t.isNext() {
		if err := w.waiting(ctx, t.wait); err != nil {
			return err
		}
	}
	if !t.prev.ok {
		return errYield
	}
	return nil
}

// maxLooks bounds how often a batch is decided within one transaction. Each look but the first follows a row
// that came or went unlocked meanwhile.
const maxLooks = 10

// write writes a batch, or a piece, and certifies it: after it, only the commit is left to do.
func (w *worker) write(ctx context.Context, b *Batch, inOrder bool) error {
	out, err := w.writeFirst(ctx, b, inOrder)
	if err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.Written)
	for looks := 0; ; looks++ {
		if looks == maxLooks {
			return fmt.Errorf("%w: rows keep changing while they're decided", ErrRetry)
		}
		v, err := w.look(ctx, b, out.Witness)
		if err != nil {
			return err
		}
		if len(v.Writes) == 0 {
			break
		}
		if out, err = w.session.Write(ctx, v.Writes); err != nil {
			return err
		}
		if !v.Locks {
			break // only rows that were locked, and certified, were written again
		}
		v.Missing(out.Missing)
	}
	if err := w.childless(ctx, b); err != nil {
		return err
	}
	records := w.await(b.Records())
	if len(records) == 0 {
		return nil
	}
	return w.session.Record(ctx, records)
}

// childless makes sure that no child is left without its parent.
func (w *worker) childless(ctx context.Context, b *Batch) error {
	leaves, err := w.watch.Leaves(ctx, b, func(l *visibility.Lookup) ([]visibility.Row, error) { return w.session.Find(ctx, l) })
	if leaves {
		return errConcerns
	}
	return err
}

// await notes in records what they still wait for in this region.
func (w *worker) await(records []conflict.Record) []conflict.Record {
	for i := range records {
		if w.mends {
			records[i].Awaits = records[i].Awaited()
		}
		w.awaits = w.awaits || records[i].Awaits.Merge()
	}
	return records
}

// writeFirst does the optimistic write: net effects as sets, or the operations themselves in their order.
func (w *worker) writeFirst(ctx context.Context, b *Batch, inOrder bool) (Written, error) {
	if inOrder {
		steps, rows := b.Steps()
		out, err := w.session.Write(ctx, steps)
		if err == nil {
			b.MissingSteps(out.Missing, rows)
		}
		return out, err
	}
	out, err := w.session.Write(ctx, b.Writes())
	if err == nil {
		b.Missing(out.Missing)
	}
	return out, err
}

// look waits until all that could matter to the batch's rows is known, and certifies it.
func (w *worker) look(ctx context.Context, b *Batch, witness any) (v Verdict, err error) {
	var asOf uint64
	switch {
	case b.AnyMissing():
		asOf, err = w.raise(ctx, b.isPiece(), b.Marker.Time)
	case !w.fence.Certain(witness):
		asOf, err = w.raise(ctx, b.isPiece(), 0)
	}
	if err != nil {
		return v, fmt.Errorf("barrier before applying %s: %w", change.Dot{Origin: b.Marker.Origin, Seq: b.Marker.Seq}, err)
	}
	return w.certify(ctx, b, asOf)
}

func (w *worker) raise(ctx context.Context, isPiece bool, floor change.Timestamp) (asOf uint64, err error) {
	w.report.barrier()
	err = w.locked(ctx, isPiece, errBehind, func(ctx context.Context) (err error) {
		asOf, err = w.fence.Raise(ctx, floor)
		return err
	})
	return asOf, err
}

// certify certifies a batch as soon as history holds all that it takes.
func (w *worker) certify(ctx context.Context, b *Batch, asOf uint64) (v Verdict, err error) {
	refs, err := w.watch.References(ctx, b)
	if err != nil {
		return v, err
	}
	for {
		var lacks []history.Ref
		w.history.Do(func(h *history.History) {
			if refs.Dangle(h) {
				err = errConcerns
			} else if lacks = b.Lacks(h, asOf); len(lacks) == 0 {
				v, err = b.Certify(h, w.rules, asOf)
			}
		})
		if len(lacks) == 0 {
			return v, err
		}
		if err := w.recall(ctx, b, lacks); err != nil {
			return v, err
		}
	}
}

// committed adds what was applied to history. The records told what their origin had seen, and that
// counts from now on.
func (w *worker) committed(b *Batch) error {
	err := w.remember(b, true)
	w.report.committed(b)
	w.tell()
	return err
}

// tell tells that cases await a merge.
func (w *worker) tell() {
	if w.awaits && w.awaiting != nil {
		w.awaiting()
	}
	w.awaits = false
}

func (w *worker) remember(b *Batch, learn bool) (err error) {
	w.history.Do(func(h *history.History) {
		for _, tx := range b.Transactions {
			add := h.AddTransaction
			if b.large {
				add = func(tx *change.Transaction, at uint64) error { return h.AddBulk(&tx.Tag, tx.Operations, 0, at) }
			}
			if addErr := add(tx, 0); addErr != nil && err == nil {
				err = addErr
			}
		}
		if learn {
			h.Learn(b.Marker.Origin, b.Transactions[len(b.Transactions)-1].Seen())
			h.Prune()
		}
	})
	return err
}
