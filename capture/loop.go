package capture

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"bridge/change"
	"bridge/history"
	"bridge/internal/faultpoint"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// Witness is told of everything that capture has read, in order: apply's fence.
type Witness interface {
	// Captured tells of a transaction that was read whole and whose operations are in history. at is its
	// place in the log, as capture counts.
	Captured(ev *Event, at uint64)
}

// Config is what a [Loop] works with.
type Config struct {
	Cluster string
	Source  Source
	Log     stream.Log // this region's own topic
	Clock   *loopguard.Clock
	Start   change.Position // where the source begins, and the clock's state is of
	Next    int64           // the offset after the topic's last record
	History *history.Locked
	Witness Witness
	Limits  Limits
	Now     func() time.Time
	Report  *Report
	// Visible waits until transactions, named by Event.Xid, can be seen in the database by others than who
	// committed them: nothing of them is published before, though history and witness know them at once.
	// Else a peer could have deleted a row, and everybody have forgotten that, before the row appears here;
	// and peers would have what a failover to a synchronous standby loses. nil doesn't wait.
	Visible func(ctx context.Context, xids []uint32) error
	// Rules are the fingerprints of the conflict rules that this region knows. The log may say that transactions from some place on are
	// published under one of them.
	Rules []string
	// Turned is told when later transactions are published under the rules with a fingerprint, perhaps as they are already. It doesn't block; nil isn't told.
	Turned func(rules string)
	// Local is told of local operations as soon as history has them. It doesn't block.
	Local func(tx *change.Transaction, h *history.History)
	// Began is told in which record transactions of the region begin: the first of each record.
	Began func(tag *change.Tag, offset int64)
}

// Loop reads the source, tags what's local, lets history and witness know, and has it published.
type Loop struct {
	Config
	publisher *publisher
	at        uint64     // transactions read so far
	tag       change.Tag // of the local transaction that is being read in pieces
	before    uint32     // operations of its earlier pieces
	issued    atomic.Uint64
}

// NewLoop prepares a loop; [Loop.Run] starts it.
func NewLoop(c Config) *Loop {
	at := tail{c.Clock.State(), c.Start}
	l := &Loop{Config: c}
	l.issued.Store(at.state.Seq)
	l.Report.begin(at)
	limits := c.Limits.WithDefaults()
	l.publisher = &publisher{
		log: c.Log, limits: limits, confirm: c.Source.Confirm, now: c.Now, report: c.Report, began: c.Began, visible: c.Visible,
		packer:    wire.NewPacker(c.Cluster, c.Clock.Self(), limits.Record, limits.Message, at.state, at.position),
		published: at, next: c.Next, room: make(chan struct{}, 1), work: make(chan struct{}, 1), full: make(chan struct{}, 1),
	}
	return l
}

// Issued is the highest sequence number that was given to a local transaction.
func (l *Loop) Issued() uint64 { return l.issued.Load() }

// Run reads and publishes until ctx ends or the log can't be read on.
func (l *Loop) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.publisher.Run(ctx) })
	group.Go(func() error {
		for {
			if err := l.Step(ctx); err != nil {
				return err
			}
		}
	})
	return group.Wait()
}

// Step reads one event.
func (l *Loop) Step(ctx context.Context) error {
	ev, err := l.Source.Next(ctx)
	if err != nil {
		return err
	}
	l.Report.captured(&ev)
	switch ev.Kind {
	case Local:
		return l.local(ctx, &ev)
	case Echo:
		if err := l.Clock.Echo(ev.Marker); err != nil {
			return fmt.Errorf("at position %s: %w", ev.Position, err)
		}
		l.learn()
	case Barrier:
		if err := l.turn(&ev); err != nil {
			return err
		}
		l.Clock.Floor(ev.Barrier.Floor)
	case Empty:
	case Idle:
		return l.publisher.stand(l.Clock.State(), ev.Position)
	default:
		return fmt.Errorf("capture gave an event of unknown kind %d at position %s", ev.Kind, ev.Position)
	}
	l.at++
	l.Witness.Captured(&ev, l.at)
	return l.publisher.stand(l.Clock.State(), ev.Position)
}

// Announce has the topic say from now on that this region is ready to go over to other conflict rules.
func (l *Loop) Announce(rules string) { l.publisher.announce(rules) }

// turn has later transactions published under other rules, if a barrier is a turn.
func (l *Loop) turn(ev *Event) error {
	t := ev.Barrier.Turn
	if t.Is && !slices.Contains(l.Rules, t.Rules) {
		return fmt.Errorf("at position %s this region went over to conflict rules that its file doesn't have any more: put back what conflicts.next was "+
			"(or make it conflicts, if it's to stay so), in every region's file; see \"Changing conflict rules\" in docs/operations.md", ev.Position)
	}
	l.Clock.Turn(t)
	if t.Is && l.Turned != nil {
		l.Turned(t.Rules)
	}
	return nil
}

func (l *Loop) local(ctx context.Context, ev *Event) error {
	if ev.First {
		l.tag = l.Clock.Local(ev.CommitTime)
		l.before = 0
		l.issued.Store(l.tag.Dot.Seq)
	}
	tx := &change.Transaction{
		Tag: l.tag, Position: ev.Position, CommitTime: ev.CommitTime,
		Before: l.before, Last: ev.Last, Operations: ev.Operations,
	}
	var full error
	l.History.Do(func(h *history.History) {
		if full = h.AddTransaction(tx, l.at+1); l.Local != nil {
			l.Local(tx, h)
		}
	})
	if full != nil {
		return full
	}
	l.before += uint32(len(ev.Operations))
	if ev.Last {
		l.at++
		l.Witness.Captured(ev, l.at)
	}
	faultpoint.Hit(faultpoint.Captured)
	return l.publisher.add(ctx, tx, ev.Xid, l.Clock.State())
}

// learn lets history know what the log has shown this region to have seen.
func (l *Loop) learn() {
	l.History.Do(func(h *history.History) {
		h.Learn(l.Clock.Self(), l.Clock.State().Vector)
		h.Prune()
	})
}
