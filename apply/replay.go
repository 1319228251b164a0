package apply

import (
	"context"
	"fmt"

	"bridge/stream"
	"bridge/wire"
)

// Replay reads a part of one origin's topic again, record by record. It begins in a record at or before that in
// which the first transaction of interest begins. What it gives is as the origin logged it: see [Localizer].
type Replay struct {
	log     stream.Log
	decoder *wire.Decoder
	at, end int64
	records []stream.Record // that were read and aren't decoded yet
	pieces  Pieces
}

// NewReplay begins at offset from and ends before offset end.
func NewReplay(log stream.Log, cluster string, from, end int64) *Replay {
	return &Replay{log: log, decoder: wire.NewDecoder(cluster), at: from, end: end}
}

// Next is the next record and its offset, nil after the last. Of its transactions it has what the records
// before it hadn't: see [Pieces]. It waits for records that aren't in the topic yet. Each is decoded when it's
// due: what was read with it is many times larger decoded.
func (r *Replay) Next(ctx context.Context) (rec *wire.Record, offset int64, err error) {
	if len(r.records) == 0 && r.at < r.end {
		if r.records, err = r.log.Read(ctx, r.at); err != nil {
			return nil, 0, err
		}
	}
	if len(r.records) == 0 || r.records[0].Offset >= r.end {
		return nil, 0, nil
	}
	raw := r.records[0]
	r.records[0] = stream.Record{} // to be freed
	r.records, r.at = r.records[1:], raw.Offset+1
	if rec, err = r.decoder.Decode(raw.Value); err != nil {
		return nil, 0, fmt.Errorf("topic %s offset %d: %w", r.log.Name(), raw.Offset, err)
	}
	fresh := rec.Transactions[:0]
	for i := range rec.Transactions {
		if tx := r.pieces.Take(&rec.Transactions[i]); tx != nil {
			fresh = append(fresh, *tx)
		}
	}
	rec.Transactions = fresh
	return rec, raw.Offset, nil
}

// await waits until there's something to read.
func (r *Replay) await(ctx context.Context) error {
	if len(r.records) > 0 || r.at >= r.end {
		return nil
	}
	_, err := r.log.Read(ctx, r.at)
	return err
}
