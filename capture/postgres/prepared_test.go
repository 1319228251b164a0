package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/capture"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// A prepared transaction counts when its second phase commits, however long that takes: across a restart of the source and the
// server's death. One that's rolled back never was, also when its rows had been streamed.
func TestPreparedTransactions(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true, Settings: map[string]string{"max_prepared_transactions": "10"}})
	b := newBedOn(t, servertest.DB{Server: server, Name: "postgres"}, "CREATE TABLE t (id int PRIMARY KEY, v text)").small()
	const rows = 3000
	large := func(from int) string {
		return fmt.Sprintf("INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(%d, %d) i", from, from+rows-1)
	}
	prepare := func(name string, sql ...string) {
		b.Helper()
		b.exec(append(append([]string{"BEGIN"}, sql...), fmt.Sprintf("PREPARE TRANSACTION '%s'", name))...)
	}
	s := b.open()
	prepare("small", "INSERT INTO t VALUES (1, 'small')", "UPDATE t SET v = 'smaller'")
	prepare("never", "INSERT INTO t VALUES (2, 'never')")
	prepare("large", large(10_000))
	prepare("large and never", large(20_000))
	b.exec("INSERT INTO t VALUES (3, 'meanwhile')")
	meanwhile := b.drain(s)
	wantText(t, show(meanwhile), "insert public.t (3) new 3 meanwhile\ncommit")
	s.Confirm(meanwhile[len(meanwhile)-1].Position)
	b.close(s)

	server.Kill()
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.conn = servertest.Connect(t, b.db.SocketDSN())
	b.config.Start = meanwhile[len(meanwhile)-1].Position
	s = b.open()
	b.exec("ROLLBACK PREPARED 'large and never'", "COMMIT PREPARED 'small'", "ROLLBACK PREPARED 'never'", "DELETE FROM t WHERE id = 3")
	wantText(t, show(slices.DeleteFunc(b.drain(s), func(e capture.Event) bool { return e.Kind == capture.Barrier })), `
		insert public.t (1) new 1 small
		update public.t (1) new 1 smaller
		commit
		delete public.t (3)
		commit`)
	b.exec("COMMIT PREPARED 'large'")
	n := 0
	events := b.drain(s)
	for _, e := range events {
		n += len(e.Operations)
	}
	if last := events[len(events)-1]; n != rows || len(events) < 2 || !last.Last {
		t.Errorf("%d rows came in %d pieces, want %d in several", n, len(events), rows)
	}
}

// A slot that the server has given up, to keep its log within max_slot_wal_keep_size, is lost: what was committed since can't be read.
func TestSlotLost(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true, Settings: map[string]string{"max_slot_wal_keep_size": "1MB", "max_wal_size": "64MB"}})
	b := newBedOn(t, servertest.DB{Server: server, Name: "postgres"}, "CREATE TABLE t (id int PRIMARY KEY)")
	s := b.open()
	b.exec("INSERT INTO t VALUES (1)")
	events := b.drain(s)
	b.config.Start = events[0].Position
	b.close(s)
	for i := range 4 {
		b.exec(fmt.Sprintf("INSERT INTO t VALUES (%d)", 10+i), "SELECT pg_switch_wal()", "CHECKPOINT")
	}
	b.await(b.slot("wal_status") + " = 'lost'")
	if _, err := Open(t.Context(), b.config); !errors.Is(err, ErrSlotLost) || !strings.Contains(err.Error(), "max_slot_wal_keep_size") {
		t.Error(err)
	}
}
