package capture

import (
	"context"
	"fmt"
	"sync"
	"time"

	"bridge/change"
	"bridge/internal/faultpoint"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// publisher ships what the loop has tagged to the region's topic, in order, one append at a time. While one
// is under way the next gathers: records are as large as the backlog, and there are no timers.
type publisher struct {
	cluster string
	log     stream.Log
	limits  Limits
	confirm func(change.Position) // called after the topic has everything before the position
	now     func() time.Time
	report  *Report
	began   func(origin change.Origin, seq uint64, offset int64)

	mu       sync.Mutex
	builder  *wire.Builder
	first    uint64   // the first transaction that begins in the record under construction; 0 is none
	open     bool     // it ends inside a large transaction
	complete tail     // after the last complete transaction added
	full     [][]byte // records cut from the builder
	bytes    int      // of full
	records  []sent   // what each of full holds
	room     chan struct{}
	work     chan struct{}

	published tail // what the topic's last record tells
	idle      tail // where the clock stands while nothing is pending
	wall      time.Time
}

// tail is a state of the clock with its place in the log.
type tail struct {
	state    loopguard.State
	position change.Position
}

// sent is what of a record is remembered until it's acknowledged.
type sent struct {
	tail
	bytes int
	first uint64 // the first transaction that begins in it; 0 if none does
	open  bool   // it ends inside a large transaction
}

// Limits bound records and buffers, in bytes.
type Limits struct {
	Record  int           // a record is cut when it has grown to this
	Pending int           // capture waits while so much isn't acknowledged
	Idle    time.Duration // at least so often the topic has a record, so that peers see the region live
	Settle  time.Duration // so long after others' transactions came, what has been seen is told to them
}

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	if l.Record == 0 {
		l.Record = 256 << 10
	}
	if l.Pending == 0 {
		l.Pending = 8 << 20
	}
	if l.Idle == 0 {
		l.Idle = 10 * time.Second
	}
	if l.Settle == 0 {
		l.Settle = 100 * time.Millisecond
	}
	return l
}

// add takes in a tagged transaction or piece; state is the clock after it.
func (p *publisher) add(ctx context.Context, tx *change.Transaction, state loopguard.State) error {
	for {
		p.mu.Lock()
		if p.bytes+p.builder.Size() < p.limits.Pending {
			break
		}
		p.mu.Unlock()
		select {
		case <-p.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	defer p.mu.Unlock()
	if err := p.builder.Add(tx); err != nil {
		return err
	}
	if tx.Piece == 0 && p.first == 0 {
		p.first = tx.Dot.Seq
	}
	p.open = !tx.Last
	if tx.Last {
		p.complete = tail{state, tx.Position}
		p.idle = p.complete
	}
	if p.builder.Size() >= p.limits.Record || !tx.Last {
		if err := p.cut(); err != nil {
			return err
		}
	}
	signal(p.work)
	return nil
}

// stand notes where the clock and the log stand, after something that isn't published by itself.
func (p *publisher) stand(state loopguard.State, position change.Position) {
	p.mu.Lock()
	p.idle = tail{state, position}
	settled := p.idle.state.Vector.Covers(p.published.state.Vector) && p.published.state.Vector.Covers(p.idle.state.Vector)
	p.mu.Unlock()
	if !settled {
		signal(p.work)
	}
}

// cut ends the record under construction. The caller holds mu.
func (p *publisher) cut() error {
	if p.builder.Count() == 0 {
		return nil
	}
	record, err := p.builder.Finish(p.complete.state, p.complete.position)
	if err != nil {
		return err
	}
	p.builder.Reset()
	p.full = append(p.full, record)
	p.records = append(p.records, sent{p.complete, len(record), p.first, p.open})
	p.first = 0
	p.bytes += len(record)
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run publishes until ctx ends; an error is one that the log couldn't retry.
func (p *publisher) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := p.Step(ctx); err != nil {
			return err
		}
		timer.Reset(p.untilHeartbeat())
		select {
		case <-p.work:
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Step publishes all that is pending, or a heartbeat if one is due.
func (p *publisher) Step(ctx context.Context) error {
	records, held, err := p.take()
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return p.heartbeat(ctx)
	}
	offset, err := p.log.Append(ctx, records)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", p.log.Name(), err)
	}
	faultpoint.Hit(faultpoint.Published)
	if held[len(held)-1].open {
		faultpoint.Hit(faultpoint.PiecePublish)
	}
	for i := range held {
		if held[i].first != 0 {
			p.began(p.builder.Origin(), held[i].first, offset+int64(i))
		}
	}
	p.acknowledged(held[len(held)-1].tail, held)
	return nil
}

func (p *publisher) take() ([][]byte, []sent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cut(); err != nil {
		return nil, nil, err
	}
	records, held := p.full, p.records
	p.full, p.records = nil, nil
	return records, held, nil
}

func (p *publisher) acknowledged(t tail, held []sent) {
	p.mu.Lock()
	for _, s := range held {
		p.bytes -= s.bytes
	}
	p.published, p.wall = t, p.now()
	p.mu.Unlock()
	signal(p.room)
	p.report.published(t, len(held))
	p.confirm(t.position)
	faultpoint.Hit(faultpoint.Confirmed)
}

// untilHeartbeat is how long the topic may stay as it is.
func (p *publisher) untilHeartbeat() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := p.limits.Idle
	if !p.published.state.Vector.Covers(p.idle.state.Vector) {
		wait = p.limits.Settle
	}
	return max(0, p.wall.Add(wait).Sub(p.now()))
}

// heartbeat tells the others where this region stands when nothing else does.
func (p *publisher) heartbeat(ctx context.Context) error {
	if p.untilHeartbeat() > 0 {
		return nil
	}
	p.mu.Lock()
	t := p.idle
	pending := p.builder.Count() > 0 || len(p.full) > 0
	p.mu.Unlock()
	if pending || t.state.Seq != p.published.state.Seq {
		return nil // the next step publishes that
	}
	record := wire.Heartbeat(p.cluster, p.builder.Origin(), t.state, t.position, change.TimestampOf(p.now()))
	if _, err := p.log.Append(ctx, [][]byte{record}); err != nil {
		return fmt.Errorf("publish a heartbeat to %s: %w", p.log.Name(), err)
	}
	p.acknowledged(t, nil)
	return nil
}
