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

// watchedConn is a connection that tells when more is about to be read from it, and whose read deadline moves in steps. The library moves it three
// times for each event, which takes as long as all else that it does: what it reads is in its buffer already.
type watchedConn struct {
	net.Conn
	before   func() error // called before each Read; its error is Read's
	deadline atomic.Int64 // the read deadline in force, in nanoseconds since the epoch; 0 without one
}

// watchedReads is dial with watched connections.
func watchedReads(dial client.Dialer, before func() error) client.Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &watchedConn{Conn: conn, before: before}, nil
	}
}

// Read reads from the connection. The time that before takes isn't the server's.
func (c *watchedConn) Read(p []byte) (int, error) {
	began := time.Now()
	if err := c.before(); err != nil {
		return 0, err
	}
	if deadline := c.deadline.Load(); deadline != 0 {
		if err := c.SetReadDeadline(time.Unix(0, deadline).Add(time.Since(began))); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// SetReadDeadline sets the deadline, unless the one in force is earlier by less than deadlineSlack.
func (c *watchedConn) SetReadDeadline(t time.Time) error {
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
func (c *watchedConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}
