package apply

import (
	"context"
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
	"bridge/wire"
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
	// Heard is told what each record says that was read of a peer's topic. It doesn't block, and may be nil.
	Heard func(change.Origin, *wire.Header)
	// Turn has what comes later in this region's log published under the rules of a peer's transaction: it's called before a region applies the first one
	// that was published under others than its own, when all before that is committed. Then what has seen a transaction is never of an older epoch
	// than it, and the rules before need not make sense of what those after them decided. It may be nil where rules don't change.
	Turn func(ctx context.Context, rules string) error
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
	topics  map[change.Origin]TopicWait
	held    held
}

// An origin stops for one of two causes, each with its own cure.
const (
	reading  = iota // its topic
	applying        // its transactions
)

// lane is one origin's way through the loop.
type lane struct {
	origin change.Origin
	queue  *queue
	taken  int              // items at the queue's front that are in flight
	singly int              // transactions still to be applied one by one, in their order
	settle int              // transactions still to be settled
	marker loopguard.Marker // the last that was written
	pause  pause            // why it isn't tried yet
	waits  change.Origin    // as the loop's waiting has it
}

// NewLoop prepares a loop; [Loop.Run] starts it.
func NewLoop(c Config) *Loop {
	l := &Loop{Config: c.WithDefaults(), wake: make(chan struct{}, 1), stopped: map[change.Origin]*[2]error{}, waiting: map[change.Origin]wait{}, topics: map[change.Origin]TopicWait{}}
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
	f.rules, f.heard = l.Rules.Known(), l.Heard
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
