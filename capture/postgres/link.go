package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// link is the replication connection. One goroutine reads it, another tells the server what is
// confirmed. Both use the connection's pgproto3.Frontend at the same time, which is sound: Receive
// touches only its reading side, SendUnbufferedEncodedCopyData only its writing side.
type link struct {
	conn      *pgconn.PgConn
	confirmed atomic.Uint64
	asked     chan struct{} // the server wants a status now
	stop      context.CancelFunc
	done      sync.WaitGroup

	broken  bool            // reading has failed
	watched <-chan struct{} // the Done channel whose closing ends a read
	unwatch func()
}

const (
	// statusInterval is how often the server hears what is confirmed, and that this side lives. It's
	// shortened for a server that wouldn't wait so long.
	statusInterval = time.Second
	// replyInterval limits how often its questions are answered. A server that shuts down asks again
	// as soon as it has an answer, until all is confirmed.
	replyInterval = 10 * time.Millisecond
)

// newLink takes over a connection on which replication has started.
func newLink(conn *pgconn.PgConn, start pglogrepl.LSN, timeout time.Duration) *link {
	ctx, cancel := context.WithCancel(context.Background())
	l := &link{conn: conn, asked: make(chan struct{}, 1), stop: cancel}
	l.confirmed.Store(uint64(start))
	interval := statusInterval
	if timeout > 0 {
		interval = min(interval, timeout/4)
	}
	l.done.Go(func() { l.report(ctx, interval) })
	return l
}

// report sends the status again and again. When the connection fails it gives up: the reader learns
// the reason.
func (l *link) report(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		sent := time.Now()
		if err := l.sendStatus(); err != nil {
			return
		}
		select {
		case <-ticker.C:
			continue
		case <-ctx.Done():
			return
		case <-l.asked:
		}
		pause := time.NewTimer(replyInterval - time.Since(sent))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

// sendStatus reports the confirmed position as received and flushed alike. A position received but not
// confirmed is of no use to the server, and would keep it from telling of idle log.
func (l *link) sendStatus() error {
	at := pglogrepl.LSN(l.confirmed.Load())
	return pglogrepl.SendStandbyStatusUpdate(context.Background(), l.conn, pglogrepl.StandbyStatusUpdate{WALWritePosition: at})
}

// reply makes report answer the server.
func (l *link) reply() {
	select {
	case l.asked <- struct{}{}:
	default:
	}
}

// confirm raises the position that report sends.
func (l *link) confirm(to uint64) {
	for {
		at := l.confirmed.Load()
		if to <= at || l.confirmed.CompareAndSwap(at, to) {
			return
		}
	}
}

// watch lets the end of ctx end a read. It stays so until another context comes: contexts rarely
// change from one read to the next, and registering costs more than decoding a row.
func (l *link) watch(ctx context.Context) {
	if l.watched == ctx.Done() {
		return
	}
	if l.unwatch != nil {
		l.unwatch()
		l.unwatch = nil
	}
	l.watched = ctx.Done()
	if l.watched == nil {
		return
	}
	netConn, ran := l.conn.Conn(), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		netConn.SetReadDeadline(time.Unix(1, 0))
		close(ran)
	})
	l.unwatch = func() {
		if !stop() {
			<-ran
			netConn.SetReadDeadline(time.Time{})
		}
	}
}

// receive waits for the payload of the next CopyData message, valid until the next call.
func (l *link) receive(ctx context.Context) ([]byte, error) {
	for {
		message, err := l.conn.Frontend().Receive()
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			l.broken = true
			return nil, fmt.Errorf("read the log: %w", err)
		}
		switch m := message.(type) {
		case *pgproto3.CopyData:
			return m.Data, nil
		case *pgproto3.ErrorResponse:
			l.broken = true
			return nil, fmt.Errorf("read the log: %w", pgconn.ErrorResponseToPgError(m))
		case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus:
		case *pgproto3.CopyDone, *pgproto3.CommandComplete, *pgproto3.ReadyForQuery:
			l.broken = true
			return nil, fmt.Errorf("read the log: the server has ended the stream, as it does when it shuts down: %w", io.EOF)
		default:
			return nil, badLog("unexpected answer %T from the server", m)
		}
	}
}

// close says what is confirmed a last time and waits for the server to close its side: then the slot
// is free. It must not be called while receive runs.
func (l *link) close(ctx context.Context) error {
	l.watch(context.Background())
	l.stop()
	netConn := l.conn.Conn()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(10 * time.Second)
	}
	netConn.SetDeadline(deadline)
	defer context.AfterFunc(ctx, func() { netConn.SetDeadline(time.Unix(1, 0)) })()
	l.done.Wait()
	if l.broken {
		return netConn.Close()
	}
	err := l.sendStatus()
	if err == nil {
		l.conn.Frontend().Send(&pgproto3.Terminate{})
		err = l.conn.Frontend().Flush()
	}
	if err == nil {
		_, err = io.Copy(io.Discard, netConn)
	}
	return errors.Join(err, netConn.Close())
}
