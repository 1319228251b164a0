package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bridge/change"
	"bridge/history"
)

// errUnread ends an attempt because a topic doesn't give in time what is needed from it: the broker is away, or a large
// local transaction isn't published yet.
var errUnread = fmt.Errorf("%w: a topic can't be read", ErrRetry)

// topicError ends an attempt because of what a topic holds, or doesn't hold any more.
type topicError struct{ error }

func (e *topicError) Unwrap() error { return e.error }

// ofTopic marks what went wrong with a topic that was read within ctx.
func ofTopic(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || isOurs(err) {
		return err
	}
	return &topicError{err}
}

// recall has operations read again that history lacks.
func (w *worker) recall(ctx context.Context, b *Batch, lacks []history.Ref) error {
	return w.refill(ctx, lacks, b.isPiece(), b.Transactions[0])
}

// refill is recall's, of a piece or of whole transactions.
func (w *worker) refill(ctx context.Context, lacks []history.Ref, isPiece bool, piece *change.Transaction) error {
	err := w.locked(ctx, isPiece, errUnread, func(ctx context.Context) error {
		return ofTopic(ctx, w.archive.Fill(ctx, w.history, lacks, piece))
	})
	if errors.Is(err, errUnread) {
		own := piece.Dot // its earlier pieces: history forgets them with this attempt
		w.unread = slices.DeleteFunc(lacks, func(r history.Ref) bool { return r.Dot == own })
	}
	return err
}

// recollection is the end of what a lane waited for: operations were read again, or can't be.
type recollection struct {
	lane *lane // nil: it was upkeep that waited
	err  error
}

// recollect has read again what a batch couldn't wait for, while its lane waits. Nothing of the lane is locked or in flight
// meanwhile, as if what it has queued hadn't come yet: so the other lanes go on, and what had seen the lane's transactions waits for
// them as ever.
func (d *dispatcher) recollect(ctx context.Context, f *flight) {
	p := d.pauseOf(f.lane)
	if p.reads { // for an earlier batch of the lane, which failed after this one
		return
	}
	p.reads = true
	if f.lane != nil {
		d.awaits(f.lane.origin, d.topics(f))
	}
	d.reading.Go(func() {
		err := d.Archive.Fill(ctx, d.History, f.unread, &change.Transaction{})
		if err == nil && f.pieces != nil {
			err = f.pieces.await(ctx)
		}
		d.recollected <- recollection{f.lane, err} // has room for all lanes
	})
}

// resume lets a lane, or upkeep, go on after what it waited for was read. An error stops it.
func (d *dispatcher) resume(r recollection) {
	d.pauseOf(r.lane).reads = false
	if r.lane != nil {
		d.came(r.lane.origin)
	}
	switch {
	case r.err == nil:
	case r.lane == nil:
		d.heldUp(r.err)
		d.keep.until = time.Now().Add(upkeepRefused)
	default:
		d.stopLane(r.lane, r.err)
	}
}

// topics are the names of the topics that a flight couldn't read.
func (d *dispatcher) topics(f *flight) string {
	var names []string
	for _, ref := range f.unread {
		names = append(names, d.Archive.Logs[ref.Dot.Origin].Name())
	}
	if len(names) == 0 && f.lane != nil {
		names = append(names, d.Peers[f.lane.origin].Name())
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}
