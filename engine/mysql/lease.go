package mysql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bridge/internal/mysql"
	"bridge/node"
)

// lockName names the lock of the server's bridge. Locks are the server's, and end with their connection.
const lockName = "bridge leader"

// How the two sides of a lease learn that the other is gone. The server ends the connection, and the lock, when it hears
// nothing for leaseLimit; the leader gives up before that: it asks every leaseAsk and waits leaseAnswer for an
// answer.
const (
	leaseLimit  = 30 * time.Second
	leaseAsk    = 5 * time.Second
	leaseAnswer = 10 * time.Second
)

// lease is the leader's lock and the connection that holds it.
type lease struct {
	conn   *mysql.Conn
	lost   chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}
}

// Lead is [node.Engine]'s: the lock is had by one connection, and the others wait for it. Whoever gets it raises the
// epoch. That waits for what an earlier leader has under way (it may be alive, and cut off; the server ends its
// transactions when it's silent for long), and nothing that it begins later is committed.
func (e *Engine) Lead(ctx context.Context, standby func()) (node.Lease, error) {
	conn, err := e.Server.Connect(ctx, mysql.Session{Name: e.name("leader")}) // no limits: a standby waits for as long as it takes
	if err != nil {
		return nil, err
	}
	if err := e.acquire(ctx, conn, standby); err != nil {
		conn.Close()
		return nil, err
	}
	watch, cancel := context.WithCancel(context.Background())
	l := &lease{conn: conn, lost: make(chan struct{}), cancel: cancel, ended: make(chan struct{})}
	go l.watch(watch)
	return l, nil
}

func (e *Engine) acquire(ctx context.Context, conn *mysql.Conn, standby func()) error {
	mine, err := tryLock(ctx, conn, 0)
	if err == nil && !mine {
		standby()
	}
	for err == nil && !mine {
		mine, err = tryLock(ctx, conn, time.Minute) // again and again: MariaDB knows no endless wait
	}
	if err != nil {
		return fmt.Errorf("wait for the region's lock: %w", err)
	}
	epoch, err := mysql.RaiseEpoch(ctx, conn)
	if err != nil {
		return err
	}
	if _, err := conn.One(ctx, fmt.Sprintf("SET SESSION wait_timeout = %d", int(leaseLimit.Seconds()))); err != nil {
		return fmt.Errorf("take the region's lock: %w", err)
	}
	e.epoch.Store(epoch)
	return nil
}

// tryLock waits for the lock for at most wait, in whole seconds.
func tryLock(ctx context.Context, conn *mysql.Conn, wait time.Duration) (bool, error) {
	row, err := conn.Text(ctx, fmt.Sprintf("SELECT GET_LOCK(%s, %d)", mysql.Literal(lockName), int(wait.Seconds())))
	if err != nil {
		return false, err
	}
	switch row[0] {
	case "1":
		return true, nil
	case "0":
		return false, nil
	}
	return false, errors.New("GET_LOCK gave NULL: the server is out of memory, or somebody ended the wait")
}

// watch asks the server now and then. It learns of a connection that was closed by the next question.
func (l *lease) watch(ctx context.Context) {
	defer close(l.ended)
	tick := time.NewTicker(leaseAsk)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.ask(ctx); err != nil && ctx.Err() == nil {
			close(l.lost)
			return
		}
	}
}

// ask asks whether the lock is still this connection's.
func (l *lease) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseAnswer)
	defer cancel()
	row, err := l.conn.Text(ctx, fmt.Sprintf("SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", mysql.Literal(lockName)))
	if err == nil && row[0] != "1" {
		err = errors.New("the region's lock was released")
	}
	return err
}

// Lost is [node.Lease]'s.
func (l *lease) Lost() <-chan struct{} { return l.lost }

// Close is [node.Lease]'s.
func (l *lease) Close(context.Context) error {
	l.cancel()
	<-l.ended
	l.conn.Close()
	return nil
}

// Led reports whether a bridge leads the server's region now.
func Led(ctx context.Context, conn *mysql.Conn) (bool, error) {
	row, err := conn.Text(ctx, "SELECT IS_USED_LOCK("+mysql.Literal(lockName)+") IS NOT NULL")
	if err != nil {
		return false, fmt.Errorf("look at the region's lock: %w", err)
	}
	return row[0] == "1", nil
}
