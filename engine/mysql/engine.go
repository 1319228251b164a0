// Package mysql is node.Engine for MySQL and MariaDB: capture/mysql and apply/mysql over the same server,
// with bridge's own tables.
package mysql

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"bridge/apply"
	applymysql "bridge/apply/mysql"
	"bridge/capture"
	capturemysql "bridge/capture/mysql"
	"bridge/change"
	"bridge/history"
	"bridge/internal/mysql"
	"bridge/naming"
	"bridge/node"
	"bridge/value"
)

// Config says which server, and by which names.
type Config struct {
	Server          mysql.Server
	Cluster, Region string
	// ServerID is the server_id under which the log is read; 0 derives one from cluster and region.
	ServerID uint32
	// SpillDir is where what capture holds of prepared transactions goes beyond its memory.
	SpillDir string
	// StatementTimeout bounds each statement as far as the server can; LockTimeout is as for [applymysql.NewTarget], in
	// whole seconds. 0 is none.
	StatementTimeout, LockTimeout time.Duration
	// Selected says which tables are to be replicated, by local names; nil is all.
	Selected func(change.TableName) bool
	// Names are the names between the regions. Others and Policy are capture.Outward's and apply.Inward's.
	Names  naming.Names
	Others []value.Engine
	Policy func(table change.TableName, column string) value.Policy
}

func (c *Config) outward() capture.Outward {
	return capture.Outward{Names: c.Names, Others: c.Others, Policy: c.Policy}
}

func (c *Config) inward() apply.Inward { return apply.Inward{Names: c.Names, Policy: c.Policy} }

// Engine is a region's MySQL or MariaDB server.
type Engine struct {
	Config
	epoch          atomic.Uint64 // of the lease held last
	cascadesLooked atomic.Int64  // when none were found, in nanoseconds since 1970
}

var _ node.Engine = (*Engine)(nil)

// New makes an engine; nothing connects before it's used.
func New(c Config) *Engine { return &Engine{Config: c} }

func (e *Engine) name(role string) string { return "bridge/" + e.Region + "/" + role }

func (e *Engine) connect(ctx context.Context, role string) (*mysql.Conn, error) {
	return e.Server.Connect(ctx, mysql.Session{Name: e.name(role), Database: "bridge", StatementTimeout: e.StatementTimeout, LockTimeout: e.LockTimeout})
}

// with runs f on a connection of its own. Before "bridge init" there's no database bridge to connect to.
func (e *Engine) with(ctx context.Context, role string, f func(*mysql.Conn) error) error {
	conn, err := e.connect(ctx, role)
	if mysql.IsError(err, erNoDatabase) {
		return mysql.ErrNotInstalled
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(conn)
}

const erNoDatabase = 1049

// Origin is [node.Engine]'s.
func (e *Engine) Origin(ctx context.Context) (origin change.Origin, err error) {
	err = e.with(ctx, "start", func(conn *mysql.Conn) error {
		n, err := mysql.LoadNode(ctx, conn)
		if err != nil {
			return err
		}
		origin = change.NewOrigin(n.Region, n.Incarnation)
		if err := n.Match(e.Cluster, e.Region); err != nil {
			return err
		}
		return mysql.UpdateTables(ctx, conn)
	})
	return origin, err
}

// OpenSource is [node.Engine]'s.
func (e *Engine) OpenSource(ctx context.Context, from change.Position) (capture.Source, error) {
	if from == (change.Position{}) {
		var err error
		if from, err = e.start(ctx); err != nil {
			return nil, err
		}
	}
	if err := e.sameLog(ctx, from); err != nil {
		return nil, err
	}
	id := e.ServerID
	if id == 0 {
		id = capturemysql.DeriveServerID(e.Cluster + "/" + e.Region)
	}
	source, err := capturemysql.Open(ctx, capturemysql.Config{
		Server: e.Server, Name: e.name("capture"), ServerID: id, Selected: e.Selected, Start: from, SpillDir: e.SpillDir, Outward: e.outward(),
	})
	if err != nil {
		return nil, err // not a nil *Source, which isn't a nil Source
	}
	return source, nil
}

// start is where capture begins when nothing is published yet.
func (e *Engine) start(ctx context.Context) (p change.Position, err error) {
	err = e.with(ctx, "start", func(conn *mysql.Conn) error {
		p, err = mysql.EnsureStart(ctx, conn)
		return err
	})
	return p, err
}

// OpenTarget is [node.Engine]'s. Its sessions write as the leader that [Engine.Lead] made of this process.
func (e *Engine) OpenTarget(ctx context.Context) (apply.Target, node.Fence, error) {
	epoch := e.epoch.Load()
	if epoch == 0 {
		return nil, nil, errors.New("nothing can be applied before this process leads the region")
	}
	conn, err := e.connect(ctx, "barrier")
	if err != nil {
		return nil, nil, err
	}
	target := applymysql.NewTarget(e.connect, epoch, e.inward())
	target.Selected = e.Selected
	return target, applymysql.NewFence(conn), nil
}

// Heals is [node.Engine]'s. What the server says is judged by its error number; of bridge's own errors only
// those heal that say that something else was in the way.
func (e *Engine) Heals(err error) bool {
	var full *history.ErrFull
	var lost *apply.LostHistoryError
	switch {
	case errors.As(err, &full), errors.As(err, &lost), errors.Is(err, mysql.ErrNotInstalled),
		errors.Is(err, capture.ErrLog), errors.Is(err, capture.ErrSetup),
		errors.Is(err, capture.ErrLogBehind), errors.Is(err, capturemysql.ErrLogPurged):
		return false
	case errors.Is(err, capturemysql.ErrServerID), errors.Is(err, capturemysql.ErrStream), errors.Is(err, applymysql.ErrDeposed),
		errors.Is(err, ErrReadOnly), errors.Is(err, node.ErrLeaseLost):
		return true
	}
	return mysql.Classify(err) == mysql.Retry
}

// sameLog refuses a place in a file of another server's log: after a failover, or a restore into another server. GTIDs
// mean the same on all servers, and capture compares them with the log; places don't. Then it remembers the
// server, in bridge.node: a copy of the database brings along which log it was copied from.
func (e *Engine) sameLog(ctx context.Context, from change.Position) error {
	return e.with(ctx, "start", func(conn *mysql.Conn) error {
		if conn.Flavor() == mysql.MariaDB {
			return nil // it always has GTIDs, and nothing else that names it
		}
		row, err := conn.Text(ctx, "SELECT coalesce(server_uuid, ''), @@server_uuid FROM bridge.node")
		if err != nil {
			return fmt.Errorf("read bridge.node: %w", err)
		}
		had, is := row[0], row[1]
		if had == is {
			return nil
		}
		if had != "" && from.Offset != 0 && from.GTID == "" {
			return fmt.Errorf("%w: the server isn't the one whose log was read before (server_uuid %s, it was %s), and without GTIDs the place in that log can't be found in this one's: "+
				"join this region anew; with gtid_mode = ON a failover needs that no more", capture.ErrLogBehind, is, had)
		}
		if _, err := conn.One(ctx, "UPDATE bridge.node SET server_uuid = "+mysql.Literal(is)); err != nil {
			return fmt.Errorf("write bridge.node: %w", err)
		}
		return nil
	})
}

func formatEpoch(epoch uint64) string { return strconv.FormatUint(epoch, 10) }
