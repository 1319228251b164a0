// Package servertest gives tests servers of [bridge/internal/testserver] that end with the test. What
// can't be started fails the test; nothing is skipped.
package servertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/internal/testserver"
)

// Postgres starts a PostgreSQL server of the test's own: for tests that stop it, or that need settings.
func Postgres(t testing.TB, o testserver.PostgresOptions) *testserver.Postgres {
	t.Helper()
	server, err := testserver.StartPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs, err := server.Logs()
			t.Logf("log of PostgreSQL %d on port %d (%v):\n%s", server.Version(), server.Port(), err, lastLines(logs))
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Kafka starts an Apache Kafka broker of the test's own, by QuickStart. It takes some seconds.
func Kafka(t testing.TB, o testserver.KafkaOptions) *testserver.Kafka {
	t.Helper()
	o.QuickStart = true
	broker, err := testserver.StartKafka(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs, err := broker.Logs()
			t.Logf("log of Kafka on %s (%v):\n%s", broker.Addr(), err, lastLines(logs))
		}
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	return broker
}

// Proxy opens a link to a TCP address.
func Proxy(t testing.TB, upstream string) *testserver.Proxy {
	t.Helper()
	link, err := testserver.NewProxy(upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(link.Close)
	return link
}

// DB is an empty database of one test, on a server that the package's tests share.
type DB struct {
	Server *testserver.Postgres
	Name   string
}

// DSN is the database's URL for the superuser over TCP.
func (d DB) DSN() string { return d.Server.DSN(d.Name, testserver.Superuser) }

// SocketDSN is the database's URL for the superuser over the Unix socket.
func (d DB) SocketDSN() string { return d.Server.SocketDSN(d.Name, testserver.Superuser) }

// Database makes an empty database on the test binary's shared server of a version (15 or 18), which
// has fsync off and lives until the binary ends. Roles and replication slots belong to the server: give
// them names that no other test has, such as ones made from the database's. When the test ends, the
// database is dropped with its sessions and slots.
func Database(t testing.TB, version int) DB {
	t.Helper()
	server := shared(t, version)
	db := DB{server, databaseName(t)}
	if err := server.CreateDatabase(t.Context(), db.Name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(context.Background(), db); err != nil {
			t.Error(err)
		}
	})
	return db
}

var (
	sharedMu      sync.Mutex
	sharedServers = map[int]*testserver.Postgres{}
)

// shared is the server of a version. Nobody closes it: it ends with this process.
func shared(t testing.TB, version int) *testserver.Postgres {
	t.Helper()
	sharedMu.Lock()
	defer sharedMu.Unlock()
	if server := sharedServers[version]; server != nil {
		return server
	}
	// Not the context of the test that happens to be the first.
	server, err := testserver.StartPostgres(context.Background(), testserver.PostgresOptions{Version: version, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	sharedServers[version] = server
	return server
}

var databases atomic.Int64

// databaseName is unique in this process and tells the test. Identifiers have 63 bytes at most.
func databaseName(t testing.TB) string {
	test := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		default:
			return '_'
		}
	}, strings.ToLower(t.Name()))
	return fmt.Sprintf("t%d_%.40s", databases.Add(1), test)
}

// drop removes a database. Those of its slots that are in use would prevent it; the others go with it.
func drop(ctx context.Context, db DB) error {
	conn, err := pgx.Connect(ctx, db.Server.SocketDSN("postgres", testserver.Superuser))
	if err != nil {
		return fmt.Errorf("drop database %s: %w", db.Name, err)
	}
	defer conn.Close(ctx)
	const patience = 10_000 // milliseconds
	_, err = conn.Exec(ctx, `SELECT pg_terminate_backend(active_pid, $2)
		FROM pg_replication_slots WHERE database = $1 AND active_pid IS NOT NULL`, db.Name, patience)
	if err != nil {
		return fmt.Errorf("end the walsenders of database %s: %w", db.Name, err)
	}
	if _, err = conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{db.Name}.Sanitize()+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop database %s: %w", db.Name, err)
	}
	return nil
}

// Connect opens a connection that ends with the test.
func Connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Exec runs SQL statements, without parameters, on a connection of their own.
func Exec(t testing.TB, dsn, statements string) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(ctx, statements).ReadAll(); err != nil {
		t.Fatalf("%v\nin: %s", err, statements)
	}
}

func lastLines(logs string) string {
	const lines = 40
	all := strings.Split(strings.TrimSpace(logs), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
