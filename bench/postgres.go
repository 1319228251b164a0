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

// servers are the source's and the target's, of one version.
type servers struct {
	source, target *testserver.Postgres
}

func startServers(ctx context.Context, version int) (s servers, err error) {
	options := testserver.PostgresOptions{Version: version, Settings: settings}
	if s.source, err = testserver.StartPostgres(ctx, options); err != nil {
		return s, err
	}
	s.target, err = testserver.StartPostgres(ctx, options)
	if err != nil {
		return s, errors.Join(err, s.source.Close())
	}
	return s, nil
}

func (s servers) Close() error { return errors.Join(s.target.Close(), s.source.Close()) }

// from is where pairs are copies of a template.
func (s servers) from(template string) place {
	copies := func(server *testserver.Postgres) func(context.Context, string) (side, error) {
		return func(ctx context.Context, name string) (side, error) { return copyOf(ctx, server, template, name) }
	}
	return place{copies(s.source), copies(s.target)}
}

// database is one of PostgreSQL, a side of a pair.
type database struct {
	server *testserver.Postgres
	name   string
	*pgx.Conn
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

func copyOf(ctx context.Context, server *testserver.Postgres, template, name string) (side, error) {
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

// postgres gives the sides of a pair that are known to be databases of PostgreSQL.
func (p *pair) postgres() (source, target *database) {
	return p.source.(*database), p.target.(*database)
}

func (d *database) run(ctx context.Context, sql string) error {
	_, err := d.Exec(ctx, sql)
	return err
}

func (d *database) value(ctx context.Context, sql string) (text string, err error) {
	err = d.QueryRow(ctx, "SELECT ("+sql+")::text").Scan(&text)
	return text, err
}

func (d *database) write(ctx context.Context, w *backlog, s sizes) error {
	for _, statement := range []string{"SET synchronous_commit = off", w.postgres(s), "SET synchronous_commit = on"} {
		if err := d.run(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (d *database) checkpoint(ctx context.Context) error { return d.run(ctx, "CHECKPOINT") }

func (d *database) beingRead(ctx context.Context, slot string) (active bool, err error) {
	err = d.QueryRow(ctx, "SELECT active FROM pg_replication_slots WHERE slot_name = $1", slot).Scan(&active)
	return active, err
}

func (d *database) digest(ctx context.Context, table string) (string, error) {
	return d.value(ctx, "SELECT concat(count(*), ' rows of hash ', sum(('x' || left(encode(sha256(convert_to(t::text, 'UTF8')), 'hex'), 8))::bit(32)::bigint)) FROM "+table+" t")
}

func (d *database) section(slot string) string {
	return fmt.Sprintf("database: {host: %s, port: %d, dbname: %s, user: %s, slot: %s}",
		d.server.SocketDir(), d.server.Port(), d.name, testserver.Superuser, slot)
}

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
	if err != nil {
		return err
	}
	_, err = d.Exec(ctx, `SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin JOIN pg_database d ON datname = current_database() WHERE roname ~ ('^bridge_' || d.oid || '_')`)
	return err
}
