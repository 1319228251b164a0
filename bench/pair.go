package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/internal/testserver"
)

// settings are the servers', for every contestant alike. fsync is on. Autovacuum is off because it would
// hit one contestant's run and not the other's.
var settings = map[string]string{
	"shared_buffers":         "256MB",
	"max_wal_size":           "8GB",
	"checkpoint_timeout":     "1h",
	"autovacuum":             "off",
	"max_replication_slots":  "20",
	"max_worker_processes":   "16",
	"log_min_messages":       "warning",
	"wal_sender_timeout":     "60s",
	"track_commit_timestamp": "off",
}

// servers are the source's and the target's, both of PostgreSQL 15.
type servers struct {
	source, target *testserver.Postgres
}

func startServers(ctx context.Context) (s servers, err error) {
	if s.source, err = testserver.StartPostgres(ctx, testserver.PostgresOptions{Settings: settings}); err != nil {
		return s, err
	}
	s.target, err = testserver.StartPostgres(ctx, testserver.PostgresOptions{Settings: settings})
	if err != nil {
		return s, errors.Join(err, s.source.Close())
	}
	return s, nil
}

func (s servers) Close() error { return errors.Join(s.target.Close(), s.source.Close()) }

// database is one of the two databases of a measurement, with a connection for what's not measured.
type database struct {
	server *testserver.Postgres
	name   string
	*pgx.Conn
}

// pair is a source and a target with equal contents, before any replication.
type pair struct {
	name           string // of both databases
	source, target *database
}

// template makes the database that pairs are copied from, on both servers.
func (s servers) template(ctx context.Context, name string, fill ...string) error {
	for _, server := range []*testserver.Postgres{s.source, s.target} {
		if err := server.CreateDatabase(ctx, name); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, server.SocketDSN(name, testserver.Superuser))
		if err != nil {
			return fmt.Errorf("fill template %s: %w", name, err)
		}
		for _, statement := range fill {
			if _, err = conn.Exec(ctx, statement); err != nil {
				break
			}
		}
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			return fmt.Errorf("fill template %s: %w", name, err)
		}
	}
	return nil
}

// pair copies a template to both servers.
func (s servers) pair(ctx context.Context, template, name string) (*pair, error) {
	source, err := copyOf(ctx, s.source, template, name)
	if err != nil {
		return nil, err
	}
	target, err := copyOf(ctx, s.target, template, name)
	if err != nil {
		return nil, errors.Join(err, source.drop())
	}
	return &pair{name, source, target}, nil
}

func copyOf(ctx context.Context, server *testserver.Postgres, template, name string) (*database, error) {
	admin, err := pgx.Connect(ctx, server.SocketDSN("postgres", testserver.Superuser))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", name, err)
	}
	_, err = admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy", name, template))
	if err := errors.Join(err, admin.Close(ctx)); err != nil {
		return nil, fmt.Errorf("database %s: %w", name, err)
	}
	conn, err := pgx.Connect(ctx, server.SocketDSN(name, testserver.Superuser))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", name, err)
	}
	return &database{server, name, conn}, nil
}

// Drop removes both databases, and their slots. It works after ctx of the measurement has ended.
func (p *pair) Drop() error { return errors.Join(p.source.drop(), p.target.drop()) }

func (d *database) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := d.dropSlots(ctx); err != nil {
		return errors.Join(err, d.Close(ctx))
	}
	if err := d.Close(ctx); err != nil {
		return err
	}
	admin, err := pgx.Connect(ctx, d.server.SocketDSN("postgres", testserver.Superuser))
	if err != nil {
		return err
	}
	_, err = admin.Exec(ctx, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", d.name))
	return errors.Join(err, admin.Close(ctx))
}

func (d *database) dropSlots(ctx context.Context) error {
	err := poll(ctx, 10*time.Millisecond, func() (bool, error) {
		var active int
		err := d.QueryRow(ctx, `SELECT count(*) FROM pg_replication_slots WHERE database = current_database() AND active`).Scan(&active)
		return active == 0, err
	})
	if err != nil {
		return fmt.Errorf("slots of %s are still in use: %w", d.name, err)
	}
	_, err = d.Exec(ctx, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()`)
	return err
}

// Checkpoint writes both servers' buffers out, so that no measurement pays for an earlier one's.
func (p *pair) Checkpoint(ctx context.Context) error {
	_, err := p.source.Exec(ctx, "CHECKPOINT")
	if err == nil {
		_, err = p.target.Exec(ctx, "CHECKPOINT")
	}
	return err
}

// WaitActive returns when the source's slot is being read: the contestants' common start line.
func (p *pair) WaitActive(ctx context.Context, slot string) (time.Time, error) {
	err := poll(ctx, time.Millisecond, func() (active bool, err error) {
		err = p.source.QueryRow(ctx, `SELECT active FROM pg_replication_slots WHERE slot_name = $1`, slot).Scan(&active)
		return active, err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("slot %s of %s isn't read: %w", slot, p.name, err)
	}
	return time.Now(), nil
}

// MustEqual compares a table of both databases.
func (p *pair) MustEqual(ctx context.Context, table string) error {
	type contents struct{ Rows, Hash string }
	var all [2]contents
	for i, d := range []*database{p.source, p.target} {
		query := fmt.Sprintf(`SELECT count(*)::text, coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM %s t`, table)
		if err := d.QueryRow(ctx, query).Scan(&all[i].Rows, &all[i].Hash); err != nil {
			return fmt.Errorf("compare table %s: %w", table, err)
		}
	}
	if all[0] != all[1] {
		return fmt.Errorf("table %s differs: source has %s rows (hash %s), target %s (%s)",
			table, all[0].Rows, all[0].Hash, all[1].Rows, all[1].Hash)
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
