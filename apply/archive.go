package apply

import (
	"context"
	"fmt"

	"bridge/change"
	"bridge/history"
	"bridge/stream"
	"bridge/wire"
)

// Archive reads operations of large transactions again, of which history holds only which rows they wrote.
type Archive struct {
	Cluster string
	Logs    map[change.Origin]stream.Log // every region's topic, this one's too
	// From gives the offset of a record at or before that in which a transaction begins.
	From func(dot change.Dot) int64
}

// recalled are a transaction's operations on rows that were asked for.
type recalled struct {
	operations []change.Operation
	order      []uint32
}

// Fill adds to history what refs name. Of the transaction applying, which is being applied, only the
// operations before the place counts. A local transaction may not be in the topic yet: it's waited for.
func (a *Archive) Fill(ctx context.Context, h *history.Locked, refs []history.Ref, applying change.Dot, before uint32) error {
	byDot := map[change.Dot]map[change.Key]*recalled{}
	for _, ref := range refs {
		if byDot[ref.Dot] == nil {
			byDot[ref.Dot] = map[change.Key]*recalled{}
		}
		byDot[ref.Dot][ref.Key] = &recalled{}
	}
	for dot, rows := range byDot {
		limit := ^uint32(0)
		if dot == applying {
			limit = before
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
	log, decoder := a.Logs[dot.Origin], wire.NewDecoder(a.Cluster)
	var pieces Pieces
	for at := a.From(dot); ; {
		records, err := log.Read(ctx, at)
		if err != nil {
			return err
		}
		for i := range records {
			rec, err := decoder.Decode(records[i].Value)
			if err != nil {
				return fmt.Errorf("topic %s offset %d: %w", log.Name(), records[i].Offset, err)
			}
			for j := range rec.Transactions {
				tx := &rec.Transactions[j]
				if tx.Dot.Seq > dot.Seq {
					return fmt.Errorf("topic %s holds %s at offset %d, and not all of it before", log.Name(), tx.Dot, records[i].Offset)
				}
				first, fresh := pieces.Take(tx)
				if tx.Dot != dot || !fresh {
					continue
				}
				recall(tx, first, limit, rows)
				if tx.Last || pieces.count >= limit {
					return nil
				}
			}
			at = records[i].Offset + 1
		}
	}
}

// recall keeps a piece's operations on the rows.
func recall(tx *change.Transaction, first, limit uint32, rows map[change.Key]*recalled) {
	for i := range tx.Operations {
		op, order := &tx.Operations[i], first+uint32(i)
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
