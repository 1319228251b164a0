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

// What is read ahead of the consumer at most; one event can be larger, up to the server's limit of 1 GiB.
const (
	aheadEvents = 256
	aheadBytes  = 4 << 20
)

// link is the connection that the log comes through: go-mysql's syncer, in raw mode. The syncer doesn't
// reconnect: that's the caller's, from its own checkpoint.
type link struct {
	syncer *replication.BinlogSyncer
	events chan event
	room   *semaphore.Weighted
	held   int64 // of the event given out last
	stop   context.CancelFunc
	ctx    context.Context
	ended  chan struct{} // closed after err is set
	err    error
}

// linkConfig is how to connect, and from where to read: a GTID set, or else a file position.
type linkConfig struct {
	syncer replication.BinlogSyncerConfig
	gtids  mysql.GTIDSet
	file   mysql.Position
}

func openLink(c linkConfig) (*link, error) {
	l := &link{events: make(chan event, aheadEvents), room: semaphore.NewWeighted(aheadBytes), ended: make(chan struct{})}
	l.ctx, l.stop = context.WithCancel(context.Background())
	c.syncer.RawModeEnabled = true // what bridge needs is parsed by the consumer, and nothing of an echo
	c.syncer.DisableRetrySync = true
	c.syncer.SynchronousEventHandler = l
	c.syncer.Dialer = coarseDeadlines(c.syncer.Dialer)
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
		_, l.err = streamer.GetEvent(l.ctx)
		close(l.ended)
	}()
	return l, nil
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
	if err := l.room.Acquire(l.ctx, weight(out)); err != nil {
		return err
	}
	select {
	case l.events <- out:
		return nil
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
}

func weight(e event) int64 { return min(int64(e.size), aheadBytes) }

// receive waits for the next event. Its body stays valid.
func (l *link) receive(ctx context.Context) (event, error) {
	l.room.Release(l.held)
	l.held = 0
	select {
	case e := <-l.events:
		l.held = weight(e)
		return e, nil
	default:
	}
	select {
	case e := <-l.events:
		l.held = weight(e)
		return e, nil
	case <-ctx.Done():
		return event{}, ctx.Err()
	case <-l.ended:
	}
	select {
	case e := <-l.events: // handed over before the end
		l.held = weight(e)
		return e, nil
	default:
		return event{}, readError(l.err)
	}
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
func (l *link) behind() bool { return len(l.events) > 0 }
