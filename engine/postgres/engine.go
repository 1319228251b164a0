// Package postgres is node.Engine for PostgreSQL: capture/postgres and apply/postgres over the same server,
// with bridge's own tables.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"bridge/apply"
	applypg "bridge/apply/postgres"
	"bridge/capture"
	capturepg "bridge/capture/postgres"
	"bridge/change"
	"bridge/history"
	"bridge/internal/postgres"
	"bridge/naming"
	"bridge/node"
	"bridge/value"
)

// Config says which database, and by which names.
type Config struct {
	Server            postgres.Server
	Cluster, Region   string
	Slot, Publication string
	SpillDir          string
	// SkipApplied has the server leave applied rows out of what capture reads, from PostgreSQL 16 on.
	SkipApplied bool
	// StatementTimeout bounds each statement; LockTimeout is as for [applypg.NewTarget]. 0 is none.
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

// Engine is a region's PostgreSQL.
type Engine struct {
	Config
	synchronous atomic.Bool // whether commits wait for standbys, at the last look
}

var _ node.Engine = (*Engine)(nil)

// New makes an engine; nothing connects before it's used.
func New(c Config) *Engine { return &Engine{Config: c} }

func (e *Engine) name(role string) string { return "bridge/" + e.Region + "/" + role }

// config is of connections on which bridge's own commits wait for no standby: what it notes for itself may be as
// old as the standby that takes over.
func (e *Engine) config(role string) (*pgx.ConnConfig, error) {
	return e.Server.Config(postgres.Session{
		Name: e.name(role), StatementTimeout: e.StatementTimeout, LockTimeout: e.LockTimeout,
		Settings: map[string]string{"synchronous_commit": "local"},
	})
}

// with runs f on a connection of its own.
func (e *Engine) with(ctx context.Context, role string, f func(*pgx.Conn) error) error {
	config, err := e.config(role)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has done its work
	return f(conn)
}

// Origin is [node.Engine]'s.
func (e *Engine) Origin(ctx context.Context) (origin change.Origin, err error) {
	err = e.with(ctx, "start", func(conn *pgx.Conn) error {
		n, err := postgres.LoadNode(ctx, conn)
		if err != nil {
			return err
		}
		origin = change.NewOrigin(n.Region, n.Incarnation)
		if err := n.Match(e.Cluster, e.Region); err != nil {
			return err
		}
		return postgres.UpdateTables(ctx, conn)
	})
	return origin, err
}

// Horizon is [node.Engine]'s.
func (e *Engine) Horizon(ctx context.Context) (node.Horizon, error) {
	h := node.Horizon{Offsets: map[change.Origin]int64{}}
	err := e.with(ctx, "start", func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT origin, seq, stream_offset, since_ts, since_origin FROM bridge.horizon`)
		if err != nil {
			return err
		}
		var o, sinceOrigin string
		var seq, offset, since int64
		_, err = pgx.ForEachRow(rows, []any{&o, &seq, &offset, &since, &sinceOrigin}, func() error {
			h.Offsets[change.Origin(o)] = offset
			h.Cut.Known = h.Cut.Known.With(change.Origin(o), uint64(seq))
			h.Cut.Since = change.Version{Time: change.Timestamp(since), Origin: change.Origin(sinceOrigin)}
			return nil
		})
		return err
	})
	if err != nil {
		return node.Horizon{}, fmt.Errorf("read bridge.horizon: %w", err)
	}
	return h, nil
}

// SaveHorizon is [node.Engine]'s.
func (e *Engine) SaveHorizon(ctx context.Context, h node.Horizon) error {
	return e.with(ctx, "horizon", func(conn *pgx.Conn) error {
		batch := &pgx.Batch{} // which is one transaction
		for o, offset := range h.Offsets {
			batch.Queue(`INSERT INTO bridge.horizon (origin, seq, stream_offset, since_ts, since_origin) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (origin) DO UPDATE SET seq = excluded.seq, stream_offset = excluded.stream_offset,
				since_ts = excluded.since_ts, since_origin = excluded.since_origin`,
				string(o), int64(h.Cut.Known.Get(o)), offset, int64(h.Cut.Since.Time), string(h.Cut.Since.Origin))
		}
		if err := conn.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("write bridge.horizon: %w", err)
		}
		return nil
	})
}

// OpenSource is [node.Engine]'s.
func (e *Engine) OpenSource(ctx context.Context, from change.Position) (capture.Source, error) {
	if err := e.sameLog(ctx, pglogrepl.LSN(from.Offset)); err != nil {
		return nil, err
	}
	source, err := capturepg.Open(ctx, capturepg.Config{
		Server: e.Server, Name: e.name("capture"), Slot: e.Slot, Publication: e.Publication, Start: from, SpillDir: e.SpillDir, Outward: e.outward(),
		Synchronous: e.synchronous.Load, SkipApplied: e.SkipApplied,
	})
	if err != nil {
		return nil, err // not a nil *Source, which isn't a nil Source
	}
	return source, nil
}

// OpenTarget is [node.Engine]'s.
func (e *Engine) OpenTarget(ctx context.Context) (apply.Target, node.Fence, error) {
	config, err := e.config("barrier")
	if err != nil {
		return nil, nil, err
	}
	fence, err := applypg.NewFence(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	target := applypg.NewTarget(e.config, fence, e.inward())
	target.Selected, target.Others, target.SkipApplied = e.Selected, e.Others, e.SkipApplied
	return target, fence, nil
}

// Heals is [node.Engine]'s. What the database says is judged by its SQLSTATE; of bridge's own errors only
// those heal that say that something else was in the way.
func (e *Engine) Heals(err error) bool {
	var full *history.ErrFull
	var lost *apply.LostHistoryError
	switch {
	case errors.As(err, &full), errors.As(err, &lost),
		errors.Is(err, capture.ErrLog), errors.Is(err, capture.ErrSetup), errors.Is(err, capturepg.ErrSlotAhead),
		errors.Is(err, capturepg.ErrSlotLost), errors.Is(err, capturepg.ErrSlotMissing), errors.Is(err, postgres.ErrNotInstalled):
		return false
	case errors.Is(err, capturepg.ErrSlotActive), errors.Is(err, node.ErrLeaseLost):
		return true
	}
	return postgres.Classify(err) == postgres.Retry
}
