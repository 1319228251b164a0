package node

import (
	"context"
	"errors"
	"fmt"

	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// tail is what the end of the region's own topic says: where the clock stands and where capture goes on.
type tail struct {
	state    loopguard.State
	position change.Position
	next     int64 // offset after the last record
	empty    bool
}

// readTail reads the last record of a region's own topic. began says that the region has published before:
// then an empty topic has lost what was in it.
func readTail(ctx context.Context, log stream.Log, cluster string, self change.Origin, began bool) (tail, error) {
	oldest, next, err := log.Bounds(ctx)
	if err != nil {
		return tail{}, err
	}
	if next == oldest {
		if began || next > 0 {
			return tail{}, fmt.Errorf("topic %s of this region is empty but was published to before: its records expired or it was made anew; "+
				"peers that haven't read them all can't go on. Restore the topic, or load the region anew", log.Name())
		}
		return tail{empty: true}, nil
	}
	records, err := log.Read(ctx, next-1)
	if err != nil {
		return tail{}, fmt.Errorf("read the last record of topic %s: %w", log.Name(), err)
	}
	last := records[len(records)-1]
	h, err := wire.Peek(last.Value)
	if err != nil {
		return tail{}, fmt.Errorf("topic %s offset %d: %w", log.Name(), last.Offset, err)
	}
	if h.Origin != self || h.Cluster != cluster {
		return tail{}, fmt.Errorf("topic %s offset %d was written by %s of cluster %s: this region is %s of cluster %s; two regions must not share a topic",
			log.Name(), last.Offset, h.Origin, h.Cluster, self, cluster)
	}
	return tail{state: h.State, position: h.Position, next: last.Offset + 1}, nil
}

// rebuild adds an origin's transactions from the horizon to seq to the history, as they're in its topic, and
// learns what the origin had seen. end is the offset to stop at.
func rebuild(ctx context.Context, h *history.Locked, log stream.Log, cluster string, o change.Origin, from Horizon, seq uint64, end int64) error {
	oldest, next, err := log.Bounds(ctx)
	if err != nil {
		return err
	}
	at, end := max(from.Offset, oldest), min(end, next)
	r := rebuilder{origin: o, seq: seq, decoder: wire.NewDecoder(cluster)}
	for at < end {
		records, err := log.Read(ctx, at)
		if err != nil {
			return fmt.Errorf("rebuild history from topic %s: %w", log.Name(), err)
		}
		for i := range records {
			if records[i].Offset >= end {
				return nil
			}
			if err := r.record(h, &records[i]); err != nil {
				return fmt.Errorf("rebuild history from topic %s offset %d: %w", log.Name(), records[i].Offset, err)
			}
			at = records[i].Offset + 1
		}
	}
	return nil
}

type rebuilder struct {
	origin  change.Origin
	seq     uint64 // the last transaction that counts
	decoder *wire.Decoder
	piece   uint32 // the next piece of the large transaction that is being read
	order   uint32 // operations in its earlier pieces
	large   uint64 // its seq
}

func (r *rebuilder) record(h *history.Locked, raw *stream.Record) error {
	rec, err := r.decoder.Decode(raw.Value)
	if err != nil {
		return err
	}
	if rec.Origin != r.origin {
		return fmt.Errorf("it's of %s, not of %s", rec.Origin, r.origin)
	}
	var errs []error
	h.Do(func(h *history.History) {
		for i := range rec.Transactions {
			tx := &rec.Transactions[i]
			if tx.Dot.Seq <= r.seq && r.takes(tx) {
				errs = append(errs, h.Add(&tx.Tag, tx.Operations, r.order, 0))
				r.order += uint32(len(tx.Operations))
				if tx.Last {
					h.Learn(r.origin, tx.Seen())
				}
			}
		}
		if rec.Kind == wire.HeartbeatMessage && rec.State.Seq <= r.seq {
			h.Learn(r.origin, rec.State.Vector.With(r.origin, rec.State.Seq))
		}
	})
	return errors.Join(errs...)
}

// takes reports whether a piece is the next one of its transaction; repeated ones aren't.
func (r *rebuilder) takes(tx *change.Transaction) bool {
	if tx.Piece == 0 {
		r.large, r.piece, r.order = tx.Dot.Seq, 1, 0
		return true
	}
	if tx.Dot.Seq != r.large || tx.Piece != r.piece {
		return false
	}
	r.piece++
	return true
}
