package mysql

import (
	"fmt"
	"strings"
	"testing"

	"bridge/capture"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// lossless makes commits wait for a replica that doesn't exist, and returns what ends that.
func lossless(b *bed) (end string) {
	if b.mariadb() {
		b.exec("SET GLOBAL rpl_semi_sync_master_timeout = 3600000, rpl_semi_sync_master_wait_point = AFTER_SYNC, rpl_semi_sync_master_enabled = ON")
		return "SET GLOBAL rpl_semi_sync_master_enabled = OFF"
	}
	b.exec("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
		"SET GLOBAL rpl_semi_sync_source_timeout = 3600000, rpl_semi_sync_source_enabled = ON")
	return "SET GLOBAL rpl_semi_sync_source_enabled = OFF"
}

// nextLocal is the next piece of an application's transaction.
func (b *bed) nextLocal(s *Source) capture.Event {
	b.Helper()
	for {
		if e := b.next(s); e.Kind == capture.Local {
			return e
		}
	}
}

// A commit that waits for a replica is in the log, and nobody sees it: it isn't visible, until the replica has it or
// the server gives up waiting.
func TestCommitsThatWaitForAReplica(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil, "CREATE TABLE t (id int PRIMARY KEY, v varchar(1000))", "INSERT INTO t VALUES (1, 'x')")
		s := b.open()
		b.exec("UPDATE t SET v = 'early'")
		early := b.nextLocal(s)
		end := lossless(b)
		b.close(s)
		s = b.openAt(early.Position)
		seen := func(e capture.Event, want bool) {
			t.Helper()
			if got, err := s.Visible(t.Context(), []uint32{e.Xid}); err != nil || got != want {
				t.Fatalf("transaction %d: visible %t (%v), want %t", e.Xid, got, err, want)
			}
		}
		done := make(chan error, 2)
		var waiting []capture.Event
		for i := range 2 {
			conn := servertest.ConnectMySQL(t, b.server, b.name)
			go func() {
				_, err := conn.Execute(fmt.Sprintf("INSERT INTO t VALUES (%d, 'waits')", 2+i))
				done <- err
			}()
			waiting = append(waiting, b.nextLocal(s))
		}
		for _, e := range waiting {
			seen(e, false)
		}
		if got := b.query("SELECT id, v FROM t"); strings.Join(got, ";") != "1\tearly" {
			t.Errorf("others see %q", got)
		}
		select {
		case err := <-done:
			t.Fatalf("the commit didn't wait: %v", err)
		default:
		}
		servertest.ExecMySQL(t, b.server, "", end)
		for range waiting {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range waiting {
			seen(e, true)
		}
		if len(s.commits.pending) != 0 {
			t.Errorf("%d commits are left", len(s.commits.pending))
		}
	})
}
