package postgres

import (
	"testing"

	"bridge/capture"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// TestVisible: what waits for a synchronous standby is in the log, and isn't visible before the wait is over.
func TestVisible(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true})
	b := newBedOn(t, servertest.DB{Server: server, Name: "postgres"}, `CREATE TABLE rows (id int PRIMARY KEY)`)
	synchronous := true
	b.config.Synchronous = func() bool { return synchronous }
	s := b.open()
	b.exec(`SET synchronous_commit = local`, `ALTER SYSTEM SET synchronous_standby_names = 'nobody'`, `SELECT pg_reload_conf()`)
	application := servertest.Connect(t, server.SocketDSN("postgres", testserver.Superuser))
	for asked := ""; asked == ""; { // a reload takes effect in a session when it has heard of it
		if err := application.QueryRow(t.Context(), `SHOW synchronous_standby_names`).Scan(&asked); err != nil {
			t.Fatal(err)
		}
	}
	committed := make(chan error, 1)
	go func() {
		_, err := application.Exec(t.Context(), `INSERT INTO rows VALUES (1)`)
		committed <- err
	}()
	next := func() (local capture.Event) {
		for local.Kind != capture.Local {
			local = b.next(s)
		}
		return local
	}
	waits := next()
	b.exec(`INSERT INTO rows VALUES (2)`) // waits for no standby
	other := next()
	visible := func(xids ...uint32) bool {
		t.Helper()
		v, err := s.Visible(t.Context(), xids)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for range 20 {
		if visible(waits.Xid) || visible(other.Xid, waits.Xid) {
			t.Fatal("a transaction that waits for a standby is taken for visible")
		}
	}
	if !visible() || !visible(other.Xid) {
		t.Error("a transaction that waits for nothing isn't visible")
	}
	select {
	case err := <-committed:
		t.Fatalf("the commit didn't wait: %v", err)
	default:
	}
	b.exec(`ALTER SYSTEM RESET synchronous_standby_names`, `SELECT pg_reload_conf()`)
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	if !visible(waits.Xid, other.Xid) {
		t.Error("a transaction that was acknowledged to its application isn't visible")
	}
	synchronous = false
	if !visible(waits.Xid + 1000) {
		t.Error("without synchronous standbys there's something to wait for")
	}
}
