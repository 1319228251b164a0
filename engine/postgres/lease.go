package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/internal/postgres"
	"bridge/node"
)

// lockName names the advisory locks of one database's bridge. Session-level advisory locks are local to a
// database, and end with their connection.
const lockName = "bridge leader"

// lease is the leader's advisory lock and the connection that holds it.
type lease struct {
	conn   *pgx.Conn
	lost   chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}
}

// Lead is [node.Engine]'s: the lock is had by one connection, and the others wait for it. What an earlier
// leader left connected (it may be alive, and cut off) is ended before the lease begins: connections of
// this role under bridge's names for this region.
func (e *Engine) Lead(ctx context.Context, standby func()) (node.Lease, error) {
	config, err := e.Server.Config(postgres.Session{Name: e.name("leader")}) // no limits: a standby waits for as long as it takes
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["tcp_keepalives_idle"] = "10"
	config.RuntimeParams["tcp_keepalives_interval"] = "5"
	config.RuntimeParams["tcp_keepalives_count"] = "3"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if err := e.acquire(ctx, conn, standby); err != nil {
		conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the first error tells more
		return nil, err
	}
	watch, cancel := context.WithCancel(context.Background())
	l := &lease{conn: conn, lost: make(chan struct{}), cancel: cancel, ended: make(chan struct{})}
	go l.watch(watch)
	return l, nil
}

func (e *Engine) acquire(ctx context.Context, conn *pgx.Conn, standby func()) error {
	var mine bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, lockName).Scan(&mine); err != nil {
		return fmt.Errorf("take the region's lock: %w", err)
	}
	if !mine {
		standby()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtextextended($1, 0))`, lockName); err != nil {
			return fmt.Errorf("wait for the region's lock: %w", err)
		}
	}
	return e.expel(ctx, conn)
}

// expel ends the connections of an earlier leader and waits until they're gone.
func (e *Engine) expel(ctx context.Context, conn *pgx.Conn) error {
	const others = `FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user
		AND pid <> pg_backend_pid() AND application_name = ANY($1)`
	names := []string{e.name("capture"), e.name("barrier")}
	for i := range 64 {
		names = append(names, e.name(fmt.Sprintf("apply %d", i)))
	}
	for {
		var left int
		if err := conn.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) `+others, names).Scan(&left); err != nil {
			return fmt.Errorf("end the connections of this region's earlier bridge: %w", err)
		}
		if left == 0 {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watch waits on the connection, on which nothing ever comes, until it breaks. Now and then it asks the
// server, so that a peer that vanished without a word is noticed.
func (l *lease) watch(ctx context.Context) {
	defer close(l.ended)
	for {
		wait, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := l.conn.WaitForNotification(wait)
		quiet := wait.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil && !quiet || l.ping(ctx) != nil {
			close(l.lost)
			return
		}
	}
}

func (l *lease) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return l.conn.Ping(ctx)
}

// Lost is [node.Lease]'s.
func (l *lease) Lost() <-chan struct{} { return l.lost }

// Close is [node.Lease]'s.
func (l *lease) Close(ctx context.Context) error {
	l.cancel()
	<-l.ended
	return l.conn.Close(ctx)
}
