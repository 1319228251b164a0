package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bridge/capture"
	"bridge/internal/mysql"
)

// commits tells which transactions of the log have been committed in the storage engine. With lossless semi-synchronous
// replication (AFTER_SYNC) a transaction is in the log while it still waits for a replica: nobody sees it, and if the
// server is lost then, the replica that takes over may lack it. Without that it's a moment that nothing can come of.
type commits struct {
	server  *catalog // of its own: another goroutine asks than the one that reads the log
	mariadb bool
	looked  time.Time
	wait    atomic.Bool // commits waited for replicas at the last look

	mu      sync.Mutex
	pending []commit // given out and not yet known to be committed, in the log's order
}

// commit is a transaction whose commit is awaited.
type commit struct {
	xid  uint32
	gtid gtid
	at   mysql.BinlogPosition // inside of its group, or its end
}

// lookEvery is how often it's looked up whether commits wait for replicas: an operator may change that at any time.
const lookEvery = 10 * time.Second

// look notes whether commits wait for replicas, from time to time. It's the log's reader that looks.
func (c *commits) look(ctx context.Context, from *catalog) error {
	now := time.Now()
	if now.Sub(c.looked) < lookEvery {
		return nil
	}
	rows, err := from.query(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('rpl_semi_sync_source_enabled', 'rpl_semi_sync_source_wait_point', "+
		"'rpl_semi_sync_master_enabled', 'rpl_semi_sync_master_wait_point')") // the plugin's present name, and its earlier one
	if err != nil {
		return fmt.Errorf("ask whether commits wait for replicas: %w", err)
	}
	has := func(value string) bool {
		return slices.ContainsFunc(rows, func(r []string) bool { return strings.EqualFold(r[1], value) })
	}
	c.looked = now
	c.wait.Store(has("ON") && has("AFTER_SYNC"))
	return nil
}

// given notes a transaction that is given out.
func (c *commits) given(e *capture.Event, name gtid, at place) {
	if e.Kind != capture.Local || !e.First || !c.wait.Load() {
		return
	}
	c.mu.Lock()
	c.pending = append(c.pending, commit{e.Xid, name, mysql.BinlogPosition{File: at.number, Offset: at.offset}})
	c.mu.Unlock()
}

// upTo are the pending transactions up to one.
func (c *commits) upTo(xid uint32) []commit {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := slices.IndexFunc(c.pending, func(p commit) bool { return p.xid == xid }) + 1
	return c.pending[:n:n]
}

// forget drops the first n that are pending.
func (c *commits) forget(n int) {
	c.mu.Lock()
	c.pending = slices.Clone(c.pending[n:])
	c.mu.Unlock()
}

// Visible is [capture.Source]'s.
func (s *Source) Visible(ctx context.Context, xids []uint32) (bool, error) {
	c := &s.commits
	if len(xids) == 0 {
		return true, nil
	}
	asked := c.upTo(xids[len(xids)-1])
	if c.wait.Load() && len(asked) > 0 {
		committed, err := c.committed(ctx, asked)
		if err != nil {
			return false, fmt.Errorf("ask whether transactions in the log are committed yet: %w", err)
		}
		if !committed {
			return false, nil
		}
	}
	if len(asked) > 0 {
		c.forget(len(asked))
	}
	return true, nil
}

// committed reports whether all of these are. MySQL notes a group as executed right after it has committed it; one
// without a GTID can't be asked for, and counts as committed.
func (c *commits) committed(ctx context.Context, all []commit) (bool, error) {
	if c.mariadb {
		upTo, err := c.server.committed(ctx)
		return err == nil && all[len(all)-1].at.Compare(upTo) <= 0, err
	}
	set := &uuidSet{}
	for _, t := range all {
		set.add(t.gtid)
	}
	row, err := c.server.one(ctx, "SELECT GTID_SUBSET("+mysql.Literal(set.String())+", @@GLOBAL.gtid_executed)")
	return err == nil && row[0] == "1", err
}
