package apply

import (
	"context"
	"fmt"
	"math"

	"bridge/change"
	"bridge/history"
	"bridge/stream"
)

// Archive reads operations of large transactions again, of which history holds only which rows they wrote.
type Archive struct {
	Cluster string
	Logs    map[change.Origin]stream.Log // every region's topic, this one's too
	// From gives the offset of a record at or before that in which a transaction begins.
	From func(dot change.Dot) int64
	// Local takes what is read into the form that history has.
	Local Localizer
}

// recalled are a transaction's operations on rows that were asked for.
type recalled struct {
	operations []change.Operation
	order      []uint32
}

// Fill adds to history what refs name. Of the transaction that's being applied only the operations before the
// piece at hand count. A local transaction may not be in the topic yet: it's waited for.
func (a *Archive) Fill(ctx context.Context, h *history.Locked, refs []history.Ref, piece *change.Transaction) error {
	byDot := map[change.Dot]map[change.Key]*recalled{}
	for _, ref := range refs {
		if byDot[ref.Dot] == nil {
			byDot[ref.Dot] = map[change.Key]*recalled{}
		}
		byDot[ref.Dot][ref.Key] = &recalled{}
	}
	for dot, rows := range byDot {
		limit := uint32(math.MaxUint32)
		if dot == piece.Dot {
			limit = piece.Before
		}
		if err := a.read(ctx, dot, rows, limit); err != nil {
			return fmt.Errorf("read transaction %s again, to decide a conflict: %w", dot, err)
		}
	}
	h.Do(func(h *history.History) {
		for _, ref := range refs {
			r := byDot[ref.Dot][ref.Key]
			h.Fill(ref, r.operations, r.order)
		}
	})
	return nil
}

func (a *Archive) read(ctx context.Context, dot change.Dot, rows map[change.Key]*recalled, limit uint32) error {
	log := a.Logs[dot.Origin]
	replay := NewReplay(log, a.Cluster, a.From(dot), math.MaxInt64)
	for {
		rec, offset, err := replay.Next(ctx)
		if err != nil {
			return err
		}
		for i := range rec.Transactions {
			tx := &rec.Transactions[i]
			if tx.Dot.Seq > dot.Seq {
				return fmt.Errorf("topic %s holds %s at offset %d, and not all of it before", log.Name(), tx.Dot, offset)
			}
			if tx.Dot != dot {
				continue
			}
			if err := a.Local.Localize(ctx, tx); err != nil {
				return err
			}
			recall(tx, limit, rows)
			if tx.Last || tx.Before+uint32(len(tx.Operations)) >= limit {
				return nil
			}
		}
	}
}

// recall keeps a piece's operations on the rows, of those before the limit.
func recall(tx *change.Transaction, limit uint32, rows map[change.Key]*recalled) {
	for i := range tx.Operations {
		op, order := &tx.Operations[i], tx.Before+uint32(i)
		if order >= limit || op.Kind == change.Truncate {
			continue // history holds truncates
		}
		for _, key := range []change.Key{op.Key, {Table: op.Key.Table}} {
			if r := rows[key]; r != nil {
				r.operations, r.order = append(r.operations, *op), append(r.order, order)
			}
		}
	}
}
