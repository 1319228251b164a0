package apply

import (
	"context"
	"errors"
	"fmt"

	"bridge/change"
	"bridge/history"
	"bridge/internal/faultpoint"
)

// nextPiece reads the next piece. Rows are locked by the ones before it, if there are any; in any case the other lanes wait.
func (w *worker) nextPiece(ctx context.Context, locked bool, next func(context.Context) (*Batch, error)) (b *Batch, err error) {
	read := func(ctx context.Context) (err error) {
		b, err = next(ctx)
		return ofTopic(ctx, err)
	}
	if locked {
		return b, w.locked(ctx, true, errUnread, read)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pieceWait, errUnread)
	defer cancel()
	return b, read(ctx)
}

// applyPieces applies one large transaction piece by piece, in one database transaction. It runs alone:
// no other batch is in flight. next returns nil after the last piece.
func (w *worker) applyPieces(ctx context.Context, marker *Batch, next func(context.Context) (*Batch, error)) (err error) {
	defer func() {
		if err == nil {
			return
		}
		w.history.Do(func(h *history.History) { h.Cancel(change.Dot{Origin: marker.Marker.Origin, Seq: marker.Marker.Seq}) })
		err = w.catchUp(ctx, w.rollback(ctx, err))
	}()
	w.session.Begin(marker.Marker, AsSets)
	var last *Batch
	for {
		b, err := w.nextPiece(ctx, last != nil, next)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if concerned, err := w.watch.Concerns(ctx, b); concerned || err != nil {
			return errors.Join(err, errConcerns)
		}
		if err := w.write(ctx, b, false); err != nil {
			return err
		}
		faultpoint.Hit(faultpoint.PieceWritten)
		if err := w.remember(b, false); err != nil {
			return err
		}
		last = b
	}
	if last == nil || !last.Transactions[0].Last {
		return &topicError{fmt.Errorf("the topic of region %s no longer has all pieces of transaction %s, which were there before",
			marker.Marker.Origin.Region(), change.Dot{Origin: marker.Marker.Origin, Seq: marker.Marker.Seq})}
	}
	if err := w.session.Commit(ctx); err != nil {
		return err
	}
	w.history.Do(func(h *history.History) {
		h.Learn(last.Marker.Origin, last.Transactions[0].Seen())
		h.Prune()
	})
	w.report.committed(last)
	w.tell()
	return nil
}

// maxSettled is how many operations of a large transaction can be settled: they're held in memory.
const maxSettled = 200_000

// settlePieces settles a large transaction as a whole. next returns nil after the last piece.
func (w *worker) settlePieces(ctx context.Context, marker *Batch, next func(context.Context) (*Batch, error), t *ticket) error {
	whole, err := gatherPieces(ctx, marker, next)
	if err != nil {
		t.end(false)
		return err
	}
	return w.settle(ctx, whole, t)
}

// gatherPieces makes one batch of a large transaction's pieces.
func gatherPieces(ctx context.Context, marker *Batch, next func(context.Context) (*Batch, error)) (*Batch, error) {
	tx := *marker.Transactions[0]
	tx.Before, tx.Last, tx.Operations = 0, true, nil
	for {
		b, err := next(ctx)
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		if tx.Operations = append(tx.Operations, b.Transactions[0].Operations...); len(tx.Operations) > maxSettled {
			return nil, fmt.Errorf("%w: constraints concern rows of transaction %s, which has more than %d operations: too many to be decided together. "+
				"Change the rows here that are in its way, and it goes on by itself", ErrRefused, tx.Dot, maxSettled)
		}
	}
	whole := NewBatch(&tx, marker.Marker.Offset)
	whole.large = true
	return whole, nil
}
