package postgres

import (
	"testing"
	"time"

	"bridge/internal/postgres"
	"bridge/internal/testserver/servertest"
	"bridge/node"
)

// TestStandbyWaits: the limit for locks doesn't end a standby's waiting.
func TestStandbyWaits(t *testing.T) {
	db := servertest.Database(t, 15)
	e := New(Config{Server: postgres.Server{URL: db.SocketDSN()}, Cluster: "c", Region: "eu", LockTimeout: time.Millisecond})
	first, err := e.Lead(t.Context(), func() { t.Error("the first waits") })
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		lease node.Lease
		err   error
	}
	second, waits := make(chan result, 1), make(chan struct{})
	go func() {
		lease, err := e.Lead(t.Context(), func() { close(waits) })
		second <- result{lease, err}
	}()
	<-waits
	conn := servertest.Connect(t, db.DSN())
	for long := false; !long; {
		err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
			AND application_name = 'bridge/eu/leader' AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > '100 ms')`).Scan(&long)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-second:
			t.Fatalf("the second doesn't wait: %v", r.err)
		default:
		}
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := <-second
	if r.err != nil {
		t.Fatal(r.err)
	}
	if err := r.lease.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
