package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// TestCompleteWaitsForTheCommit: a row whose key changed is completed from the table. The log shows the commit before
// the table does, here until a synchronous standby answers that doesn't exist.
func TestCompleteWaitsForTheCommit(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true})
	b := newBedOn(t, servertest.DB{Server: server, Name: "postgres"},
		`CREATE TABLE moved (id int PRIMARY KEY, big text, n int)`,
		`INSERT INTO moved SELECT i, (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 500) j), 0 FROM generate_series(1, 2) i`,
	)
	var want string
	b.scan(`SELECT big FROM moved WHERE id = 1`, &want)
	s := b.open()
	b.drain(s)

	b.exec(`SET synchronous_commit = local`, `ALTER SYSTEM SET synchronous_standby_names = 'nobody'`, `SELECT pg_reload_conf()`)
	application := servertest.Connect(t, server.SocketDSN("postgres", testserver.Superuser))
	committed := make(chan error, 1)
	go func() { // row 1 goes to where row 2 was: until the commit is seen, that's another row
		_, err := application.Exec(t.Context(), `BEGIN; SET LOCAL synchronous_commit = on; UPDATE moved SET id = 3 WHERE id = 2; UPDATE moved SET id = 2 WHERE id = 1; COMMIT`,
			pgx.QueryExecModeSimpleProtocol)
		committed <- err
	}()
	events := make(chan capture.Event, 1)
	go func() {
		if e, err := s.Next(t.Context()); err == nil {
			events <- e
		}
	}()
	for asked := false; !asked; { // capture has looked for the row
		b.scan(`SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%t."big"%' AND pid <> pg_backend_pid()`, &asked)
		select {
		case err := <-committed:
			t.Fatalf("the commit didn't wait: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	b.exec(`ALTER SYSTEM RESET synchronous_standby_names`, `SELECT pg_reload_conf()`)
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	e := <-events
	if len(e.Operations) != 4 {
		t.Fatalf("%d operations, want 4", len(e.Operations))
	}
	insert := e.Operations[3]
	if got, _ := insert.New[1].Text(); insert.Kind != change.Insert || got != want {
		t.Errorf("the row's new version has %d bytes that aren't its value of %d", len(got), len(want))
	}
}
