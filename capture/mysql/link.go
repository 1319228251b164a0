package mysql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
	"golang.org/x/sync/semaphore"
)

// event is one event of the log: its header, and its body without a checksum.
type event struct {
	typ    replication.EventType
	time   uint32 // seconds since the epoch
	server uint32 // server_id
	size   uint32 // as in the file, but for a checksum
	end    uint32 // where it ends in the file, modulo 2^32; 0 if the log doesn't tell
	flags  uint16
	body   []byte
	rotate *replication.RotateEvent // what a ROTATE_EVENT says
}

// What is read ahead of the consumer at most, beside what isn't handed over yet; one event can be larger, up to the
// server's limit of 1 GiB.
const (
	aheadHandfuls = 8
	aheadBytes    = 4 << 20
)

// What is handed over at once at most, but for one event that's larger.
const (
	handfulEvents = 64
	handfulBytes  = 64 << 10
)

// link is the connection that the log comes through: go-mysql's syncer, in raw mode. The syncer doesn't
// reconnect: that's the caller's, from its own checkpoint.
//
// Events are handed over by handfuls: as many as the syncer takes from its buffer before it reads from the connection again. A channel and a
// semaphore for each event took a sixth of what it costs to read single-row transactions.
type link struct {
	syncer *replication.BinlogSyncer
	full   chan handful
	spent  chan []event // for the next handfuls
	room   *semaphore.Weighted
	stop   context.CancelFunc
	ctx    context.Context
	ended  chan struct{} // closed after err is set
	err    error

	gathered handful // the syncer's
	taken    handful // the consumer's
	next     int     // of taken
}

// handful is events that are handed over at once.
type handful struct {
	events []event
	bytes  int64 // their sizes in the log
}

// linkConfig is how to connect, and from where to read: a GTID set, or else a file position.
type linkConfig struct {
	syncer replication.BinlogSyncerConfig
	gtids  mysql.GTIDSet
	file   mysql.Position
}

func newLink() *link {
	l := &link{full: make(chan handful, aheadHandfuls), spent: make(chan []event, aheadHandfuls), room: semaphore.NewWeighted(aheadBytes), ended: make(chan struct{})}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

func openLink(c linkConfig) (*link, error) {
	l := newLink()
	c.syncer.RawModeEnabled = true // what bridge needs is parsed by the consumer, and nothing of an echo
	c.syncer.DisableRetrySync = true
	c.syncer.SynchronousEventHandler = l
	c.syncer.Dialer = watchedReads(c.syncer.Dialer, l.handOver)
	c.syncer.Logger = slog.New(slog.DiscardHandler) // errors are returned
	c.syncer.Option = patientWriter
	l.syncer = replication.NewBinlogSyncer(c.syncer)
	var streamer *replication.BinlogStreamer
	var err error
	if c.gtids != nil {
		streamer, err = l.syncer.StartSyncGTID(c.gtids)
	} else {
		streamer, err = l.syncer.StartSync(c.file)
	}
	if err != nil {
		l.stop()
		l.syncer.Close()
		return nil, fmt.Errorf("ask for the log: %w", err)
	}
	go func() { // the syncer gives events to HandleEvent, and here only the error that ends it
		_, err := streamer.GetEvent(l.ctx)
		l.end(err)
	}()
	return l, nil
}

// end notes what ended the syncer, after all that it had given. If the link was closed the syncer may still be at it.
func (l *link) end(err error) {
	if l.ctx.Err() == nil {
		_ = l.handOver() // fails if the link is closed meanwhile
	}
	l.err = err
	close(l.ended)
}

// patientWriter makes the server wait for a consumer that's busy for long (Kafka is away), where it
// would give up after a minute. A connection that's dead is found by TCP.
func patientWriter(conn *client.Conn) error {
	_, err := conn.Execute("SET SESSION net_write_timeout = 31536000, net_read_timeout = 31536000, wait_timeout = 31536000")
	return err
}

// HandleEvent is called by the syncer. It waits while the consumer is behind.
func (l *link) HandleEvent(e *replication.BinlogEvent) error {
	h := e.Header
	out := event{typ: h.EventType, time: h.Timestamp, server: h.ServerID, size: h.EventSize, end: h.LogPos, flags: h.Flags}
	switch parsed := e.Event.(type) {
	case *replication.GenericEvent:
		out.body = parsed.Data
	case *replication.RotateEvent:
		out.rotate = parsed
	}
	g := &l.gathered
	if g.events == nil {
		g.events = l.empty()
	}
	g.events = append(g.events, out)
	g.bytes += int64(out.size)
	if len(g.events) >= handfulEvents || g.bytes >= handfulBytes {
		return l.handOver()
	}
	return nil
}

// empty is a slice for the next handful.
func (l *link) empty() []event {
	select {
	case events := <-l.spent:
		return events
	default:
		return make([]event, 0, handfulEvents)
	}
}

// handOver gives the consumer what is gathered. It waits while the consumer is behind. Its error is that the link was closed.
func (l *link) handOver() error {
	if len(l.gathered.events) == 0 {
		return nil
	}
	if err := l.room.Acquire(l.ctx, l.gathered.weight()); err != nil {
		return err
	}
	select {
	case l.full <- l.gathered:
		l.gathered = handful{}
		return nil
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
}

func (h *handful) weight() int64 { return min(h.bytes, aheadBytes) }

// receive waits for the next event. Its body stays valid.
func (l *link) receive(ctx context.Context) (event, error) {
	if l.next == len(l.taken.events) {
		if err := l.take(ctx); err != nil {
			return event{}, err
		}
	}
	e := l.taken.events[l.next]
	l.next++
	return e, nil
}

// take waits for the next handful.
func (l *link) take(ctx context.Context) error {
	l.giveBack()
	select {
	case l.taken = <-l.full:
		return nil
	default:
	}
	select {
	case l.taken = <-l.full:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-l.ended:
	}
	select {
	case l.taken = <-l.full: // handed over before the end
		return nil
	default:
		return readError(l.err)
	}
}

// giveBack lets the syncer go on: all that was taken is consumed.
func (l *link) giveBack() {
	if l.taken.events == nil {
		return
	}
	l.room.Release(l.taken.weight())
	clear(l.taken.events)
	select {
	case l.spent <- l.taken.events[:0]:
	default:
	}
	l.taken, l.next = handful{}, 0
}

// readError makes the end of the stream an error that says so.
func readError(err error) error {
	_, network := errors.AsType[net.Error](err)
	if _, told := errors.AsType[*mysql.MyError](err); !told && !network && !errors.Is(err, io.EOF) && !errors.Is(err, mysql.ErrBadConn) {
		return fmt.Errorf("read the log: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrStream, err)
}

// close ends the connection.
func (l *link) close() {
	l.stop()
	l.syncer.Close()
	<-l.ended
}

// behind reports whether events wait to be received.
func (l *link) behind() bool { return l.next < len(l.taken.events) || len(l.full) > 0 }
