package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/capture"
	"bridge/internal/testserver/servertest"
)

// TestSkipApplied: what was written under an origin isn't in the log, marker and messages without one are, also of a
// transaction beyond logical_decoding_work_mem; while somebody else has an origin, nothing is read.
func TestSkipApplied(t *testing.T) {
	b := newBedOn(t, servertest.Database(t, 18), "CREATE TABLE t (id int PRIMARY KEY, v text)")
	b.config.SkipApplied, b.config.WorkMem = true, "64kB"
	b.exec("SELECT pg_replication_origin_create(current_database())")
	name := b.db.Name
	other := func(want bool) {
		t.Helper()
		s, err := Open(t.Context(), b.config)
		if err == nil {
			b.close(s)
		}
		if got := errors.Is(err, capture.ErrSetup); got != want || got && !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Fatalf("got %v", err)
		}
	}
	other(true)
	b.exec("SELECT pg_replication_origin_drop(current_database())")

	elsewhere := servertest.Database(t, 18)
	conn, err := pgx.Connect(t.Context(), elsewhere.SocketDSN())
	if err != nil {
		t.Fatal(err)
	}
	subscribe := "CREATE SUBSCRIPTION " + name + " CONNECTION '' PUBLICATION p WITH (connect = false, slot_name = NONE)"
	if _, err := conn.Exec(t.Context(), subscribe); err != nil {
		t.Fatal(err)
	}
	other(false)
	if _, err := conn.Exec(t.Context(), "DROP SUBSCRIPTION "+name); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.exec(subscribe)
	b.scan("(SELECT roname FROM pg_replication_origin WHERE roname LIKE 'pg%')", &name)
	other(true)
	b.exec("DROP SUBSCRIPTION " + b.db.Name)

	s := b.open()
	b.exec("SELECT pg_replication_origin_create('bridge_1_1')")
	defer b.exec("SELECT pg_replication_origin_drop('bridge_1_1')")
	for seq, rows := range []int{1, 5000} {
		b.exec(fmt.Sprintf(`BEGIN; INSERT INTO bridge.progress VALUES ('us/1', 0, %d, 7, 1) ON CONFLICT (origin, worker) DO UPDATE SET seq = excluded.seq;
			SELECT pg_replication_origin_session_setup('bridge_1_1'); INSERT INTO t SELECT %d + i, repeat('x', 100) FROM generate_series(1, %d) i;
			SELECT pg_replication_origin_session_reset(); COMMIT`, seq+1, seq*10, rows))
	}
	b.exec("INSERT INTO t VALUES (0, 'local')")
	want := "echo us/1:1 at 7\necho us/1:2 at 7\n"
	if got := show(b.drain(s)); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 4 {
		t.Errorf("got:\n%s", got)
	}
	if len(s.streams.byXid) > 0 {
		t.Error("a transaction whose rows are left out was streamed")
	}
}
