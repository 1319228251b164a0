package mysql

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
)

// deadlineSlack is by how much an earlier read deadline may stand in for a later one.
const deadlineSlack = time.Second

// coarseConn is a connection whose read deadline moves in steps. The library moves it three times for each event, which
// takes as long as all else that it does: what it reads is in its buffer already.
type coarseConn struct {
	net.Conn
	deadline atomic.Int64 // the read deadline in force, in nanoseconds since the epoch; 0 without one
}

// coarseDeadlines is dial with coarse connections.
func coarseDeadlines(dial client.Dialer) client.Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &coarseConn{Conn: conn}, nil
	}
}

// SetReadDeadline sets the deadline, unless the one in force is earlier by less than deadlineSlack.
func (c *coarseConn) SetReadDeadline(t time.Time) error {
	var deadline int64
	if !t.IsZero() {
		deadline = t.UnixNano()
	}
	if old := c.deadline.Load(); old != 0 && old <= deadline && deadline-old < int64(deadlineSlack) {
		return nil
	}
	c.deadline.Store(deadline)
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline sets the read deadline, too.
func (c *coarseConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}
