package testserver_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// query returns one value as text.
func query(t *testing.T, dsn, sql string) string {
	t.Helper()
	var value string
	if err := servertest.Connect(t, dsn).QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func TestPostgresServes(t *testing.T) {
	tests := []struct {
		name    string
		options testserver.PostgresOptions
		want    map[string]string // setting → value
	}{
		{"default", testserver.PostgresOptions{}, map[string]string{
			"server_version_num / 10000": "15", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}},
		{"version 18", testserver.PostgresOptions{Version: 18}, map[string]string{
			"server_version_num / 10000": "18", "fsync": "on", "synchronous_commit": "on"}},
		{"no sync", testserver.PostgresOptions{NoSync: true}, map[string]string{"fsync": "off"}},
		{"settings", testserver.PostgresOptions{Settings: map[string]string{
			"wal_level": "replica", "search_path": `"it's"`}},
			map[string]string{"wal_level": "replica", "search_path": `"it's"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := servertest.Postgres(t, test.options)
			if err := server.CreateDatabase(t.Context(), `odd "name`); err != nil {
				t.Fatal(err)
			}
			for _, dsn := range []string{
				server.DSN(`odd "name`, testserver.Superuser),
				server.SocketDSN(`odd "name`, testserver.Superuser),
			} {
				for setting, want := range test.want {
					name, operation, _ := strings.Cut(setting, " ")
					sql := "SELECT current_setting('" + name + "')"
					if operation != "" {
						sql = "SELECT (current_setting('" + name + "')::int " + operation + ")::text"
					}
					if got := query(t, dsn, sql); got != want {
						t.Errorf("%s = %s, want %s", setting, got, want)
					}
				}
			}
		})
	}
}

func TestPostgresIsMultiLeaderReady(t *testing.T) {
	db := servertest.Database(t, 15)
	for setting, want := range map[string]string{
		"wal_level": "logical", "server_encoding": "UTF8", "TimeZone": "UTC", "listen_addresses": "127.0.0.1"} {
		if got := query(t, db.DSN(), "SHOW "+setting); got != want {
			t.Errorf("%s = %s, want %s", setting, got, want)
		}
	}
}

// Servers come from one template and must not look like physical copies of each other.
func TestPostgresIdentifiersDiffer(t *testing.T) {
	const identifier = "SELECT system_identifier::text FROM pg_control_system()"
	seen := map[string]bool{}
	for range 3 {
		server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true})
		id := query(t, server.SocketDSN("postgres", testserver.Superuser), identifier)
		if seen[id] {
			t.Errorf("system identifier %s occurs twice", id)
		}
		seen[id] = true
	}
}

func TestPostgresComesBack(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{})
	dsn := server.DSN("postgres", testserver.Superuser)
	servertest.Exec(t, dsn, "CREATE TABLE kept (way text)")
	ways := []struct {
		name     string
		down     func(context.Context) error
		recovers bool
	}{
		{"fast", func(ctx context.Context) error { return server.Stop(ctx, testserver.Fast) }, false},
		{"immediate", func(ctx context.Context) error { return server.Stop(ctx, testserver.Immediate) }, true},
		{"kill", func(context.Context) error { server.Kill(); return nil }, true},
		{"nothing", func(context.Context) error { return nil }, false},
	}
	for _, way := range ways {
		servertest.Exec(t, dsn, "INSERT INTO kept VALUES ('"+way.name+"')")
		busy := startBusy(t, dsn)
		before, err := server.Logs()
		if err != nil {
			t.Fatal(err)
		}
		if err := way.down(t.Context()); err != nil {
			t.Fatal(way.name, err)
		}
		if way.name != "nothing" {
			busy.awaitError(t)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(way.name, err)
		}
		logs, err := server.Logs()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(logs[len(before):], "automatic recovery"); got != way.recovers {
			t.Errorf("%s: recovery = %t, want %t", way.name, got, way.recovers)
		}
	}
	if got, want := query(t, dsn, "SELECT string_agg(way, ',' ORDER BY way) FROM kept"), "fast,immediate,kill,nothing"; got != want {
		t.Errorf("rows = %s, want %s", got, want)
	}
}

// busy is a session that computes without end, and so doesn't notice that its postmaster is gone.
type busy struct{ ended chan error }

func startBusy(t *testing.T, dsn string) busy {
	conn := servertest.Connect(t, dsn)
	var pid int
	if err := conn.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	b := busy{make(chan error, 1)}
	ctx := t.Context()
	go func() {
		_, err := conn.Exec(ctx, "DO 'BEGIN LOOP END LOOP; END'")
		b.ended <- err
	}()
	watcher := servertest.Connect(t, dsn)
	for active := false; !active; { // the server's word, not a pause
		err := watcher.QueryRow(t.Context(), "SELECT state = 'active' FROM pg_stat_activity WHERE pid = $1", pid).Scan(&active)
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b busy) awaitError(t *testing.T) {
	t.Helper()
	select {
	case err := <-b.ended:
		if err == nil {
			t.Error("an endless loop ended without an error")
		}
	case <-t.Context().Done():
		t.Error("a session outlived its server")
	}
}

func TestPostgresPasswords(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true, HostAuth: "scram-sha-256"})
	servertest.Exec(t, server.SocketDSN("postgres", testserver.Superuser), "CREATE ROLE alice LOGIN PASSWORD 'right'")
	for password, wantCode := range map[string]string{"right": "", "wrong": "28P01"} {
		config, err := pgx.ParseConfig(server.DSN("postgres", "alice"))
		if err != nil {
			t.Fatal(err)
		}
		config.Password = password
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err == nil {
			conn.Close(t.Context())
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused); wantCode == "" && err != nil || wantCode != "" && (refused == nil || refused.Code != wantCode) {
			t.Errorf("password %q: %v, want code %q", password, err, wantCode)
		}
	}
}

func TestPostgresDirectory(t *testing.T) {
	// A test's own directory is closed to the server's user, so one that isn't.
	dir, err := os.MkdirTemp("", "bridge-given-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	given := testserver.PostgresOptions{NoSync: true, Dir: dir}

	first := servertest.Postgres(t, given)
	servertest.Exec(t, first.SocketDSN("postgres", testserver.Superuser), "CREATE TABLE kept AS SELECT 7 AS n")
	for range 2 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Start(t.Context()); err == nil {
		t.Error("a closed server started")
	}

	second := servertest.Postgres(t, given)
	if got := query(t, second.SocketDSN("postgres", testserver.Superuser), "SELECT n::text FROM kept"); got != "7" {
		t.Errorf("the given directory's row = %s, want 7", got)
	}

	temporary := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true})
	files := filepath.Dir(temporary.LogPath())
	if err := temporary.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(files); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there after Close: %v", files, err)
	}
}

func TestPostgresDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("the demo was interrupted"))
	tests := []struct {
		name    string
		ctx     context.Context
		options testserver.PostgresOptions
		want    string // in the error
	}{
		{"setting", t.Context(), testserver.PostgresOptions{Settings: map[string]string{"no_such": "1"}}, `unrecognized configuration parameter "no_such"`},
		{"port", t.Context(), testserver.PostgresOptions{Port: taken.Addr().(*net.TCPAddr).Port}, "Address already in use"},
		{"version", t.Context(), testserver.PostgresOptions{Version: 9}, "PostgreSQL 9 isn't one of the versions"},
		{"context", ended, testserver.PostgresOptions{}, "the demo was interrupted"},
		{"socket", t.Context(), testserver.PostgresOptions{SocketDir: "/" + strings.Repeat("long/", 25)}, "set TMPDIR or SocketDir"},
	}
	before := serverDirs(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, err := testserver.StartPostgres(test.ctx, test.options)
			if err == nil {
				server.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error lacks %q: %v", test.want, err)
			}
		})
	}
	if after := serverDirs(t); !slices.Equal(before, after) {
		t.Errorf("directories before %v, after %v", before, after)
	}
}

func serverDirs(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, session := range testserver.SessionDirs() {
		found, err := filepath.Glob(filepath.Join(session, "postgresql-*"))
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, found...)
	}
	return dirs
}

func TestMissingProgramsNameTheirSetup(t *testing.T) {
	t.Setenv("BRIDGE_CACHE", t.TempDir())
	_, err := testserver.StartPostgres(t.Context(), testserver.PostgresOptions{Version: 18})
	if err == nil || !strings.Contains(err.Error(), "run scripts/setup postgresql-18") {
		t.Errorf("without PostgreSQL 18: %v", err)
	}
	_, err = testserver.StartKafka(t.Context(), testserver.KafkaOptions{})
	if err == nil || !strings.Contains(err.Error(), "run scripts/setup kafka") {
		t.Errorf("without Kafka: %v", err)
	}
}
