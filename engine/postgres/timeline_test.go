package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"bridge/capture"
	"bridge/internal/postgres"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

func TestForkOf(t *testing.T) {
	const file = "1\t0/3000000\tno recovery target specified\n\n# a comment\n3\tA/B0\tbefore 2000-01-01 00:00:00+00\n"
	for number, want := range map[int32]string{1: "0/3000000", 3: "A/B0", 2: ""} {
		at, found, err := forkOf([]byte(file), number)
		if err != nil || found != (want != "") || found && at.String() != want {
			t.Errorf("timeline %d: left at %s, %t, %v; want %q", number, at, found, err, want)
		}
	}
	for _, file := range []string{"1", "x\t0/1\n", "1\tx\n"} {
		if _, _, err := forkOf([]byte(file), 1); err == nil {
			t.Errorf("history file %q is taken", file)
		}
	}
}

// TestPromotion: a server that goes on along another timeline is taken if it left the old one after what was
// published, and refused otherwise, however far its log has grown since.
func TestPromotion(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			testPromotion(t, servertest.Postgres(t, testserver.PostgresOptions{Version: version, NoSync: true}))
		})
	}
}

func testPromotion(t *testing.T, server *testserver.Postgres) {
	ctx := t.Context()
	e := New(Config{Server: postgres.Server{URL: server.SocketDSN("postgres", testserver.Superuser)}, Cluster: "c", Region: "eu"})
	session := func(f func(*pgx.Conn)) {
		t.Helper()
		if err := e.with(ctx, "test", func(conn *pgx.Conn) error { f(conn); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	end := func() (lsn pglogrepl.LSN) {
		t.Helper()
		session(func(conn *pgx.Conn) {
			run(t, conn, `SELECT pg_switch_wal()`)
			if err := conn.QueryRow(ctx, `SELECT pg_current_wal_insert_lsn()::text`).Scan(&lsn); err != nil {
				t.Fatal(err)
			}
		})
		return lsn
	}
	session(func(conn *pgx.Conn) {
		if err := postgres.CreateTables(ctx, conn); err != nil {
			t.Fatal(err)
		}
		if _, _, err := postgres.Claim(ctx, conn, "c", "eu"); err != nil {
			t.Fatal(err)
		}
	})
	published := end()
	for range 2 { // unknown, and then known
		if err := e.sameLog(ctx, published); err != nil {
			t.Fatal(err)
		}
	}
	// The server goes through a recovery from an archive that has nothing more, which ends in a promotion, and its
	// log grows past all that was before.
	session(func(conn *pgx.Conn) {
		run(t, conn, `ALTER SYSTEM SET restore_command = 'false'`)
		run(t, conn, `DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO %L', current_setting('data_directory') || '/recovery.signal'); END $$`)
	})
	if err := server.Restart(ctx, testserver.Fast); err != nil {
		t.Fatal(err)
	}
	beyond := end()
	if beyond <= published {
		t.Fatalf("the log ends at %s, before %s", beyond, published)
	}
	for _, tc := range []struct {
		name      string
		published pglogrepl.LSN
		edit      string
		want      string
	}{
		{"published beyond the fork", beyond, ``, "what was published ends at"},
		{"timeline that it doesn't descend from", published, `UPDATE bridge.node SET timeline = 7`, "doesn't descend from timeline 7"},
		{"another server", published, `UPDATE bridge.node SET system_identifier = '1'`, "isn't the one whose log was read before"},
	} {
		var was timeline
		session(func(conn *pgx.Conn) {
			was, _ = loadTimeline(ctx, conn)
			run(t, conn, tc.edit)
		})
		for range 2 { // refusing doesn't make it known
			err := e.sameLog(ctx, tc.published)
			if !errors.Is(err, capture.ErrLogBehind) || !strings.Contains(err.Error(), tc.want) || e.Heals(err) {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
		session(func(conn *pgx.Conn) {
			run(t, conn, fmt.Sprintf(`UPDATE bridge.node SET system_identifier = '%s', timeline = %d`, was.system, was.number))
		})
	}
	if err := e.sameLog(ctx, published); err != nil {
		t.Fatal(err)
	}
	if err := e.sameLog(ctx, beyond); err != nil { // on its own timeline now
		t.Fatal(err)
	}
}
