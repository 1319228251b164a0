package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pair is a source and a target with equal contents, before any replication.
type pair struct {
	name           string // of both databases
	source, target side
}

// side is a database of a pair, with a connection for what's not measured. It's a [database] of PostgreSQL, or all
// of a [mysqlServer].
type side interface {
	run(ctx context.Context, sql string) error
	value(ctx context.Context, sql string) (string, error) // of a query for one
	// write writes a backlog. Nobody waits for its commits: how long it takes isn't measured.
	write(ctx context.Context, w *backlog, s sizes) error
	checkpoint(ctx context.Context) error
	// beingRead reports whether a contestant reads the log, of PostgreSQL by the named slot.
	beingRead(ctx context.Context, slot string) (bool, error)
	// digest is a number of rows and a hash, the same for the same contents on each kind of server.
	digest(ctx context.Context, table string) (string, error)
	// section says in bridge's configuration where the database is.
	section(slot string) string
	drop() error
}

// place makes the two sides of a pair.
type place struct {
	source, target func(ctx context.Context, name string) (side, error)
}

func (pl place) pair(ctx context.Context, name string) (*pair, error) {
	source, err := pl.source(ctx, name)
	if err != nil {
		return nil, err
	}
	target, err := pl.target(ctx, name)
	if err != nil {
		return nil, errors.Join(err, source.drop())
	}
	return &pair{name, source, target}, nil
}

// Drop removes both databases, and their slots. It works after ctx of the measurement has ended.
func (p *pair) Drop() error { return errors.Join(p.source.drop(), p.target.drop()) }

// Checkpoint writes both servers' buffers out, so that no measurement pays for an earlier one's.
func (p *pair) Checkpoint(ctx context.Context) error {
	if err := p.source.checkpoint(ctx); err != nil {
		return err
	}
	return p.target.checkpoint(ctx)
}

// WaitActive returns when the source's log is being read: the contestants' common start line.
func (p *pair) WaitActive(ctx context.Context, slot string) (time.Time, error) {
	err := poll(ctx, time.Millisecond, func() (bool, error) { return p.source.beingRead(ctx, slot) })
	if err != nil {
		return time.Time{}, fmt.Errorf("the log of %s isn't read: %w", p.name, err)
	}
	return time.Now(), nil
}

// MustEqual compares a table of both databases.
func (p *pair) MustEqual(ctx context.Context, table string) error {
	var all [2]string
	for i, side := range []side{p.source, p.target} {
		var err error
		if all[i], err = side.digest(ctx, table); err != nil {
			return fmt.Errorf("compare table %s: %w", table, err)
		}
	}
	if all[0] != all[1] {
		return fmt.Errorf("table %s differs: source has %s, target %s", table, all[0], all[1])
	}
	return nil
}

// poll asks until done says true. The pause keeps the asking from costing the contestants their cores.
func poll(ctx context.Context, pause time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
