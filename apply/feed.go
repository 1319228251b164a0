package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bridge/change"
	"bridge/internal/faultpoint"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// feed reads one origin's topic into its queue.
type feed struct {
	origin  change.Origin
	log     stream.Log
	decoder *wire.Decoder
	inbox   *Inbox
	queue   *queue
	local   Localizer
	applied loopguard.Marker // where the database stands
	// forgotten is [Config.Forgotten].
	forgotten change.Vector
	rules     []string // fingerprints of those that may decide here
	heard     func(change.Origin, *wire.Header)
	checked   bool // the record of the last applied transaction was found where it should be
	started   bool
	next      int64
	large     *item // the large transaction whose pieces are coming
}

func newFeed(origin change.Origin, log stream.Log, cluster string, applied loopguard.Marker, forgotten change.Vector, q *queue, local Localizer) *feed {
	return &feed{
		origin: origin, log: log, decoder: wire.NewDecoder(cluster), queue: q, local: local,
		inbox: NewInbox(origin, applied.Seq), applied: applied, forgotten: forgotten, checked: applied.Seq == 0, rules: []string{""},
	}
}

// start finds where to read: the record that held the last applied transaction, so that its presence
// can be checked, or the oldest record.
func (f *feed) start(ctx context.Context) error {
	oldest, next, err := f.log.Bounds(ctx)
	if err != nil {
		return err
	}
	f.next, f.started = f.applied.Offset, true
	switch {
	case f.applied.Seq == 0:
		f.next = oldest
	case f.applied.Offset < oldest: // expired: what's left must follow without a gap
		f.next, f.checked = oldest, true
	case f.applied.Offset >= next:
		f.started = false
		return &GapError{f.origin, f.applied.Seq, 0, next,
			fmt.Sprintf("topic %s ends before offset %d, where the last applied transaction was: it was made anew or lost its tail", f.log.Name(), f.applied.Offset)}
	}
	return nil
}

// Step reads what is there next, waiting for it. After an error it may be called again: it goes on at the
// record that it failed at.
func (f *feed) Step(ctx context.Context) error {
	if !f.started {
		if err := f.start(ctx); err != nil {
			return err
		}
	}
	records, err := f.log.Read(ctx, f.next)
	if errors.Is(err, stream.ErrOutOfRange) {
		return &GapError{f.origin, f.inbox.Seq() + 1, 0, f.next, err.Error()}
	}
	if err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.Delivered)
	for i := range records {
		inbox, large := *f.inbox, f.large
		items, err := f.record(ctx, &records[i])
		if err != nil {
			*f.inbox, f.large = inbox, large
			return err
		}
		f.next = records[i].Offset + 1
		if len(items) == 0 {
			continue
		}
		items[len(items)-1].bytes = len(records[i].Value)
		if err := f.queue.push(ctx, items); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) record(ctx context.Context, r *stream.Record) ([]item, error) {
	rec, err := f.decoder.Decode(r.Value)
	if err != nil {
		return nil, fmt.Errorf("topic %s offset %d: %w", f.log.Name(), r.Offset, err)
	}
	if rec.Origin != f.origin && rec.Origin.Region() == f.origin.Region() {
		return nil, fmt.Errorf("topic %s offset %d was written by %s, and %s is expected: the region was set up anew with its old topic, or its incarnation was raised, "+
			"which isn't supported yet; see \"A record is of another incarnation\" in docs/operations.md", f.log.Name(), r.Offset, rec.Origin, f.origin)
	}
	if rec.Origin != f.origin {
		return nil, fmt.Errorf("topic %s offset %d holds a record of %s: only region %s's own bridge may write there (check kafka.topic_prefix, cluster and region names)",
			f.log.Name(), r.Offset, rec.Origin, f.origin.Region())
	}
	if !f.checked {
		if err := f.check(rec, r.Offset); err != nil {
			return nil, err
		}
		f.checked = true
	}
	if f.heard != nil {
		f.heard(f.origin, &rec.Header)
	}
	if rec.Kind == wire.HeartbeatMessage {
		if err := f.inbox.At(rec.State.Seq, r.Offset); err != nil {
			return nil, err
		}
		if rec.State.Seq < f.inbox.Seq() {
			return nil, nil
		}
		return []item{{seen: rec.State.Vector.With(f.origin, rec.State.Seq), seq: rec.State.Seq, offset: r.Offset}}, nil
	}
	return f.transactions(ctx, rec, r.Offset)
}

// RulesError says that a peer's transactions were written under other conflict rules than this region's: the two
// would decide differently.
type RulesError struct {
	Origin change.Origin
	Offset int64 // of the first record that was
}

func (e *RulesError) Error() string {
	return fmt.Sprintf("from offset %d of its topic on region %s decides conflicts by other rules than this region: make conflicts the same in every region's file, or what they become (conflicts.next), "+
		"and see \"Changing conflict rules\" in docs/operations.md", e.Offset, e.Origin.Region())
}

// check makes sure that the topic is the one whose transactions were applied.
func (f *feed) check(rec *wire.Record, offset int64) error {
	last := rec.State.Seq
	if rec.Open > 0 {
		last++
	}
	if rec.Kind == wire.Data && rec.First <= f.applied.Seq && f.applied.Seq <= last {
		return nil
	}
	return &GapError{f.origin, f.applied.Seq, rec.First, offset,
		fmt.Sprintf("this record of topic %s is not the one that was applied: the topic was made anew", f.log.Name())}
}

func (f *feed) transactions(ctx context.Context, rec *wire.Record, offset int64) ([]item, error) {
	items := make([]item, 0, len(rec.Transactions))
	for i := range rec.Transactions {
		tx, err := f.inbox.Take(&rec.Transactions[i], offset)
		if err != nil {
			return nil, fmt.Errorf("topic %s: %w", f.log.Name(), err)
		}
		if tx == nil {
			continue // it came before, perhaps under rules that were given up since
		}
		if !slices.Contains(f.rules, tx.Rules) {
			return nil, &RulesError{f.origin, offset}
		}
		if err := f.remembered(tx); err != nil {
			return nil, err
		}
		if tx.Whole() {
			if err := f.local.Localize(ctx, tx); err != nil {
				return nil, fmt.Errorf("%s: %w", tx.Dot, err)
			}
			items = append(items, item{tx: tx, seq: tx.Dot.Seq, offset: offset})
		} else if done := f.piece(tx, offset); done != nil {
			items = append(items, *done)
		}
	}
	return items, nil
}

// remembered refuses a transaction that history can't judge.
func (f *feed) remembered(tx *change.Transaction) error {
	for _, lost := range f.forgotten {
		if lost.Origin != f.origin && tx.Deps.Get(lost.Origin) < lost.Seq {
			return &ForgottenError{tx.Dot, tx.Deps.Get(lost.Origin), change.Dot(lost)}
		}
	}
	return nil
}

// ForgottenError says that a transaction may conflict with others that nobody knows any more.
type ForgottenError struct {
	Dot  change.Dot
	Seen uint64     // of the forgotten origin's
	Lost change.Dot // the last forgotten one
}

func (e *ForgottenError) Error() string {
	return fmt.Sprintf("%s of region %s was written after it had seen transaction %d of region %s and before %d, which have expired from that region's topic: "+
		"whether they conflict can't be told any more. See \"A region was away for long\" in docs/operations.md, and keep records longer than a region may be away (retention of the topics)",
		e.Dot, e.Dot.Origin.Region(), e.Seen, e.Lost.Origin.Region(), e.Lost.Seq)
}

// piece notes where a large transaction's pieces are, and gives the transaction when the last has come. The
// pieces themselves are read again when it's applied: they aren't held.
func (f *feed) piece(tx *change.Transaction, offset int64) *item {
	if tx.Before == 0 {
		head := *tx
		head.Operations = nil
		f.large = &item{tx: &head, seq: tx.Dot.Seq, large: &span{from: offset}}
	}
	if !tx.Last {
		return nil
	}
	f.large.large.to = offset
	f.large.offset = offset
	f.large.tx.Position = tx.Position
	return f.large
}

// pieceReader reads a large transaction's pieces again, as batches.
type pieceReader struct {
	replay *Replay
	local  Localizer
	it     *item
	queued []*Batch
}

func newPieceReader(log stream.Log, cluster string, it *item, local Localizer) *pieceReader {
	return &pieceReader{replay: NewReplay(log, cluster, it.large.from, it.large.to+1), local: local, it: it}
}

// next is the next piece, nil after the last.
func (p *pieceReader) next(ctx context.Context) (*Batch, error) {
	for len(p.queued) == 0 {
		rec, _, err := p.replay.Next(ctx)
		if rec == nil || err != nil {
			return nil, err
		}
		for i := range rec.Transactions {
			if tx := &rec.Transactions[i]; tx.Dot.Seq == p.it.seq {
				if err := p.local.Localize(ctx, tx); err != nil {
					return nil, err
				}
				p.queued = append(p.queued, NewBatch(tx, p.it.offset))
			}
		}
	}
	b := p.queued[0]
	p.queued = p.queued[1:]
	return b, nil
}

// await waits until the topic gives what comes next.
func (p *pieceReader) await(ctx context.Context) error { return p.replay.await(ctx) }
