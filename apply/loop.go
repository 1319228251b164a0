package apply

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/stream"
)

// Config is what a [Loop] works with.
type Config struct {
	Cluster string
	Self    change.Origin
	Peers   map[change.Origin]stream.Log
	Target  Target
	Fence   Fence
	History *history.Locked
	Rules   *conflict.Rules
	// Progress is where bridge.progress stands, and Issued the last sequence number that this region
	// has ever published: a peer can't have seen more.
	Progress map[change.Origin]loopguard.Marker
	Issued   func() uint64
	// Forgotten are transactions, up to a number of each origin, that history may lack although they weren't
	// stable, because they had expired from their topics when it was rebuilt. A peer's transaction that
	// hasn't seen them can't be decided.
	Forgotten change.Vector
	Workers   int
	// BatchTransactions and BatchBytes bound a batch; QueueBytes what is held of each peer's topic.
	BatchTransactions, BatchBytes, QueueBytes int
	// RetryStopped is how long after a stop an origin is tried again.
	RetryStopped time.Duration
	Report       *Report
	// Began is told in which record each applied transaction begins: the first of each batch.
	Began func(tag *change.Tag, offset int64)
	// Awaiting is told when a case was committed that awaits a merge in this region; it doesn't block. It may be nil.
	Awaiting func()
	// Watch knows what constraints hide; nil is nothing.
	Watch *Watch
	// Archive is where operations of large transactions are read again.
	Archive *Archive
	Log     *slog.Logger
}

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.Workers, 4)
	def(&c.BatchTransactions, 1000)
	def(&c.BatchBytes, 1<<20)
	def(&c.QueueBytes, 4<<20)
	if c.RetryStopped == 0 {
		c.RetryStopped = 15 * time.Second
	}
	return c
}

// Loop applies all peers' transactions.
type Loop struct {
	Config
	lanes []*lane
	wake  chan struct{}

	mu      sync.Mutex // guards what follows
	stopped map[change.Origin]*[2]error
	waiting map[change.Origin]wait
}

// wait is a lane's whose next transaction had seen one of another origin that isn't here.
type wait struct {
	on    change.Origin
	since time.Time
}

// waitIsLong is how long a lane may wait for another before it's told: the others are rarely here at the same moment.
const waitIsLong = 5 * time.Second

// An origin stops for one of two causes, each with its own cure.
const (
	reading  = iota // its topic
	applying        // its transactions
)

// lane is one origin's way through the loop.
type lane struct {
	origin  change.Origin
	queue   *queue
	taken   int              // items at the queue's front that are in flight
	singly  int              // transactions still to be applied one by one, in their order
	settle  int              // transactions still to be settled
	marker  loopguard.Marker // the last that was written
	retryAt time.Time
	waits   change.Origin // as the loop's waiting has it
}

// NewLoop prepares a loop; [Loop.Run] starts it.
func NewLoop(c Config) *Loop {
	l := &Loop{Config: c.WithDefaults(), wake: make(chan struct{}, 1), stopped: map[change.Origin]*[2]error{}, waiting: map[change.Origin]wait{}}
	if l.Watch == nil {
		l.Watch = emptyWatch(l.Self)
	}
	l.Report.begin()
	for origin := range l.Peers {
		l.stopped[origin] = &[2]error{}
		q := newQueue(l.QueueBytes, l.nudge)
		l.lanes = append(l.lanes, &lane{origin: origin, queue: q, marker: l.Progress[origin]})
	}
	l.Watch.tell(l.nudge)
	return l
}

func (l *Loop) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run applies until ctx ends or the database can't be trusted any more. A peer whose stream can't go on
// is stopped alone, and told by [Loop.Status]; it's tried again now and then.
func (l *Loop) Run(ctx context.Context) error {
	d, err := newDispatcher(ctx, l)
	if err != nil {
		return err
	}
	defer d.close()
	group, ctx := errgroup.WithContext(ctx)
	for _, ln := range l.lanes {
		group.Go(func() error { return l.feed(ctx, ln) })
	}
	group.Go(func() error { return d.run(ctx) })
	return group.Wait()
}

// feed keeps a lane's feed going: a stream that can't go on stops its lane, and is looked at again later.
func (l *Loop) feed(ctx context.Context, ln *lane) error {
	f := newFeed(ln.origin, l.Peers[ln.origin], l.Cluster, l.Progress[ln.origin], l.Forgotten, ln.queue, l.Target)
	f.rules = l.Rules.Fingerprint
	for {
		err := f.Step(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			l.resumed(ln.origin, reading)
			continue
		}
		l.stop(ln.origin, reading, err)
		select {
		case <-time.After(l.RetryStopped):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stop notes that an origin can't go on, and says so when it's news.
func (l *Loop) stop(o change.Origin, cause int, err error) {
	l.mu.Lock()
	had := l.stopped[o][cause]
	l.stopped[o][cause] = err
	l.mu.Unlock()
	if had == nil || had.Error() != err.Error() {
		l.Log.Error("region stopped", "peer", o.Region(), "error", err)
	}
}

func (l *Loop) resumed(o change.Origin, cause int) {
	l.mu.Lock()
	had := l.stopped[o][cause]
	l.stopped[o][cause] = nil
	l.mu.Unlock()
	if had != nil {
		l.Log.Info("region goes on", "peer", o.Region())
	}
}

// waits notes which origin a lane waits for; "" is none.
func (l *Loop) waits(ln *lane, on change.Origin) {
	if ln.waits == on {
		return
	}
	ln.waits = on
	l.mu.Lock()
	defer l.mu.Unlock()
	if delete(l.waiting, ln.origin); on != "" {
		l.waiting[ln.origin] = wait{on, time.Now()}
	}
}

// isStopped reports whether an origin can't go on; l.mu is held. An origin may be no peer's any more.
func (l *Loop) isStopped(o change.Origin) bool {
	causes := l.stopped[o]
	return causes != nil && (causes[reading] != nil || causes[applying] != nil)
}

// PeerStatus is one origin's state in the loop.
type PeerStatus struct {
	Origin       change.Origin
	Queued       int       // transactions read and not yet applied
	QueuedBytes  int       // the records they came in
	OldestQueued time.Time // when the first of them was committed at its origin; zero when there's none
	Stopped      error     // why it can't go on, nil if it can
	// WaitsFor is another origin, which is stopped or has been behind for a while: its next transaction had seen one
	// of that origin's that isn't here yet. Empty when it's not so.
	WaitsFor     change.Origin
	LastMarker   loopguard.Marker
	HistoryKnown change.Vector // what it's known to have seen
}

// Status tells of every peer.
func (l *Loop) Status() []PeerStatus {
	out := make([]PeerStatus, len(l.lanes))
	for i, ln := range l.lanes {
		n, bytes, oldest := ln.queue.state()
		out[i] = PeerStatus{Origin: ln.origin, Queued: n, QueuedBytes: bytes, OldestQueued: oldest, LastMarker: l.Progress[ln.origin]}
		out[i].LastMarker.Seq = max(out[i].LastMarker.Seq, l.Report.Applied(ln.origin))
		l.mu.Lock()
		out[i].Stopped = errors.Join(l.stopped[ln.origin][:]...)
		if w := l.waiting[ln.origin]; w.on != "" && (l.isStopped(w.on) || time.Since(w.since) >= waitIsLong) {
			out[i].WaitsFor = w.on
		}
		l.mu.Unlock()
		l.History.Do(func(h *history.History) { out[i].HistoryKnown = h.Known(ln.origin) })
	}
	return out
}

// LostHistoryError says that a peer has seen transactions of this region that the region doesn't have.
type LostHistoryError struct {
	Peer         change.Origin
	Dot          change.Dot
	Seen, Issued uint64
}

func (e *LostHistoryError) Error() string {
	return fmt.Sprintf("%s of region %s has seen transaction %d of this region, whose own history ends at %d: this database was restored from an older copy, or its topic was made anew; see \"Begin anew\" in docs/operations.md",
		e.Dot, e.Peer.Region(), e.Seen, e.Issued)
}
