package capture

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"bridge/change"
	"bridge/internal/faultpoint"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// publisher ships what the loop has tagged to the region's topic, in order, one append at a time. While one
// is under way the next gathers. When many transactions come, it lets them gather for longer: an append, and
// the batch that applies its records, cost much more than a transaction in them.
type publisher struct {
	log     stream.Log
	limits  Limits
	confirm func(change.Position) // called after the topic has everything before the position
	now     func() time.Time
	report  *Report
	began   func(tag *change.Tag, offset int64)
	visible func(ctx context.Context, xids []uint32) error // waits; nil where there's nothing to wait for

	next  int64 // no record may come to lie before this offset
	count int   // transactions since since
	since time.Time
	rate  float64 // of transactions per second, lately: what was counted last, or what's left of a higher one

	mu     sync.Mutex
	packer *wire.Packer
	bytes  int // taken from the packer and not acknowledged
	room   chan struct{}
	work   chan struct{}
	full   chan struct{} // a record's worth is waiting
	added  int           // transactions since the last append, as gather counts them
	xids   []uint32      // of the transactions that began since the last append

	published tail // what the topic's last record tells
	wall      time.Time
}

// tail is a state of the clock with its place in the log.
type tail struct {
	state    loopguard.State
	position change.Position
}

// Limits bound records and buffers, in bytes.
type Limits struct {
	Record  int           // a record is cut when it has grown to this
	Message int           // no record exceeds this: what the topic takes; a row that's larger stops the region
	Pending int           // capture waits while so much isn't acknowledged
	Idle    time.Duration // at least so often the topic has a record, so that peers see the region live
	Settle  time.Duration // so long after others' transactions came, what has been seen is told to them
}

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	if l.Record == 0 {
		l.Record = 256 << 10
	}
	if l.Message == 0 {
		l.Message = 8 << 20
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

// add takes in a tagged transaction or piece, of transaction xid in the log; state is the clock after it.
func (p *publisher) add(ctx context.Context, tx *change.Transaction, xid uint32, state loopguard.State) error {
	for {
		p.mu.Lock()
		if p.bytes+p.packer.Size() < p.limits.Pending {
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
	if err := p.packer.Add(tx, state); err != nil {
		return err
	}
	p.added += 1 + len(tx.Operations)/gatherRows
	if tx.Before == 0 && p.visible != nil {
		p.xids = append(p.xids, xid)
	}
	signal(p.work)
	if p.packer.Size() >= p.limits.Record {
		signal(p.full)
	}
	return nil
}

// stand notes where the clock and the log stand, after something that isn't published by itself.
func (p *publisher) stand(state loopguard.State, position change.Position) error {
	p.mu.Lock()
	err := p.packer.Advance(state, position)
	settled := state.Rules == p.published.state.Rules && state.Vector.Covers(p.published.state.Vector) && p.published.state.Vector.Covers(state.Vector)
	p.mu.Unlock()
	if !settled {
		signal(p.work)
	}
	return err
}

// announce has records say from now on that the region is ready to go over to other rules, the first of them at once.
func (p *publisher) announce(rules string) {
	p.mu.Lock()
	p.packer.Announce(rules)
	p.wall = time.Time{}
	p.mu.Unlock()
	signal(p.work)
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
			if err := p.gather(ctx); err != nil {
				return err
			}
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// An append, with the fetch and the batch that follow from it, takes about 2 ms of processor time, a small
// transaction in it 50 us. So at high rates they gather: the delay grows from nothing below gatherFrom to
// gatherMost at gatherFull.
const (
	gatherRows = 10   // so many operations count as one more transaction
	gatherFrom = 2000 // transactions per second
	gatherFull = 8000
	gatherMost = 10 * time.Millisecond
)

// gather waits for more transactions to come, as long as their rate is worth it, or until there's a record's
// worth.
func (p *publisher) gather(ctx context.Context) error {
	rate := p.rate
	if rate < gatherFrom {
		return nil
	}
	timer := time.NewTimer(time.Duration(min(1, rate/gatherFull) * float64(gatherMost)))
	defer timer.Stop()
	select {
	case <-p.full:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// rateOver is how long transactions are counted for their rate: two that happen to come together are no backlog.
const rateOver = 20 * time.Millisecond

// rateHalves is how soon a rate that was is forgotten by half: a busy server's transactions come in bursts, with pauses of tens of
// milliseconds in which other processes run.
const rateHalves = 60 * time.Millisecond

// measure notes that n transactions came since the last call.
func (p *publisher) measure(n int, now time.Time) {
	p.count += n
	if elapsed := now.Sub(p.since); elapsed >= rateOver {
		measured := float64(p.count) / elapsed.Seconds()
		p.rate = max(measured, p.rate*math.Exp2(-float64(elapsed)/float64(rateHalves)))
		p.count, p.since = 0, now
	}
}

// Step publishes all that is pending, or a heartbeat if one is due.
func (p *publisher) Step(ctx context.Context) error {
	packed, xids, err := p.take()
	if err != nil {
		return err
	}
	if len(packed) == 0 {
		return p.heartbeat(ctx)
	}
	if len(xids) > 0 {
		if err := p.visible(ctx, xids); err != nil {
			return err
		}
	}
	records := make([][]byte, len(packed))
	for i := range packed {
		records[i] = packed[i].Record
	}
	offset, err := p.append(ctx, records)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", p.log.Name(), err)
	}
	faultpoint.Hit(faultpoint.Published)
	last := &packed[len(packed)-1]
	if last.Open {
		faultpoint.Hit(faultpoint.PiecePublish)
	}
	for i := range packed {
		if packed[i].Begins != nil {
			p.began(packed[i].Begins, offset+int64(i))
		}
	}
	p.acknowledged(tail{last.State, last.Position}, packed)
	return nil
}

// take is what's to be published next, and the transactions in the log that begin in it.
func (p *publisher) take() (packed []wire.Packed, xids []uint32, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	packed, err = p.packer.Take()
	xids, p.xids = p.xids, nil
	p.measure(p.added, p.now())
	p.added = 0
	select {
	case <-p.full:
	default:
	}
	for i := range packed {
		p.bytes += len(packed[i].Record)
	}
	return packed, xids, err
}

// append appends records and checks that they come after all that this process knows of. If they don't, the topic
// was made anew, and what it held is lost to the peers that hadn't read it.
func (p *publisher) append(ctx context.Context, records [][]byte) (offset int64, err error) {
	offset, err = p.log.Append(ctx, records)
	if err != nil {
		return 0, err
	}
	if offset < p.next {
		return 0, fmt.Errorf("records came to lie at offset %d, although the topic had reached %d: it was made anew or lost its end; "+
			"restore it, or, if regions stop with a gap, see \"The stream has a gap\" in docs/operations.md", offset, p.next)
	}
	p.next = offset + int64(len(records))
	return offset, nil
}

func (p *publisher) acknowledged(t tail, packed []wire.Packed) {
	p.mu.Lock()
	for i := range packed {
		p.bytes -= len(packed[i].Record)
	}
	p.published, p.wall = t, p.now()
	p.mu.Unlock()
	signal(p.room)
	p.report.published(t, len(packed))
	p.confirm(t.position)
	faultpoint.Hit(faultpoint.Confirmed)
}

// untilHeartbeat is how long the topic may stay as it is.
func (p *publisher) untilHeartbeat() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := p.limits.Idle
	if state, _ := p.packer.State(); !p.published.state.Vector.Covers(state.Vector) || p.published.state.Rules != state.Rules {
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
	var t tail
	t.state, t.position = p.packer.State()
	pending := p.packer.Size() > 0
	p.mu.Unlock()
	if pending || t.state.Seq != p.published.state.Seq {
		return nil // the next step publishes that
	}
	record := p.packer.Heartbeat(t.state, t.position, change.TimestampOf(p.now()))
	if _, err := p.append(ctx, [][]byte{record}); err != nil {
		return fmt.Errorf("publish a heartbeat to %s: %w", p.log.Name(), err)
	}
	p.acknowledged(t, nil)
	return nil
}
