package mysql

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
)

// A consumer that pauses for longer than the server waits for a client.
func TestSlowConsumers(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, map[string]string{"net_write_timeout": "1", "net_read_timeout": "1"}, "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v longblob)")
		s := b.open()
		for range 30 { // more than is read ahead, and than the socket takes
			b.exec("INSERT INTO t (v) VALUES (REPEAT('x', 1000000))")
		}
		token := b.mark()
		ctx, cancel := patience(t)
		defer cancel()
		for b.sending() < 4 { // the server itself says for how long its sender has been waiting for the connection to take more
			if ctx.Err() != nil {
				t.Fatal("the server doesn't wait: ", b.query("SHOW PROCESSLIST"))
			}
			b.exec("DO SLEEP(0.3)")
		}
		if got := len(ids(b.until(s, token))); got != 30 {
			t.Errorf("%d rows came", got)
		}
	})
}

// sending is for how many seconds a sender of the log has been sending.
func (b *bed) sending() (seconds int) {
	for _, row := range b.query("SHOW PROCESSLIST") {
		f := strings.Split(row, "\t")
		if strings.HasPrefix(f[4], "Binlog Dump") && (strings.HasPrefix(f[6], "Sending") || strings.HasPrefix(f[6], "Writing")) {
			seconds, _ = strconv.Atoi(f[5])
		}
	}
	return seconds
}

func TestServerIDs(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil)
		own := b.config
		own.ServerID = uint32(b.server.Port())
		if _, err := Open(t.Context(), own); !errors.Is(err, capture.ErrSetup) || !strings.Contains(err.Error(), "server_id") {
			t.Errorf("the server's own: %v", err)
		}
		if a, b := DeriveServerID("c/eu"), DeriveServerID("c/us"); a == b || a < 1<<31 || b < 1<<31 {
			t.Errorf("derived %d and %d", a, b)
		}
	})
	// MySQL tells replicas apart by their UUIDs, MariaDB by their ids.
	b := newServerBed(t, testserver.FlavorMariaDB, nil, "CREATE TABLE t (id int PRIMARY KEY)")
	first := b.open()
	b.open()
	if err := b.fails(first); !errors.Is(err, ErrServerID) {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil, "CREATE TABLE t (id int PRIMARY KEY)")
		for _, mode := range []string{"prefer", "disable", "require"} {
			b.config.Server = mysql.Server{Host: "127.0.0.1", Port: uint16(b.server.Port()), User: "bridge", Password: "secret", SSLMode: mode}
			s, err := Open(t.Context(), b.config)
			if mode == "require" && b.mariadb() && b.query("SELECT @@have_ssl")[0] == "DISABLED" { // MariaDB before 11.4 has no certificate here
				if err == nil {
					t.Error("TLS was required, and isn't used")
				}
				continue
			}
			if err != nil {
				t.Fatal(mode, err)
			}
			b.drain(s)
			b.close(s)
		}
	})
}

func TestNextGoesOnAfterItsContextEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY)")
		s := b.open()
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			stop := time.AfterFunc(time.Millisecond, cancel)
			for {
				if _, err := s.Next(ctx); err != nil {
					if err != ctx.Err() {
						t.Fatal(err)
					}
					break
				}
			}
			stop.Stop()
		}
		b.exec("INSERT INTO t VALUES (1)")
		wantText(t, show(b.drain(s)), "insert t (1) new 1\ncommit")
		b.close(s)
		if _, err := s.Next(t.Context()); !errors.Is(err, errClosed) {
			t.Error(err)
		}
	})
}

// A server that's killed loses nothing that was read from its log, and keeps prepared transactions.
func TestServersDie(t *testing.T) {
	resumes(t, func(t *testing.T, b *bed) {
		s := b.open()
		b.exec("INSERT INTO t VALUES (1, 'x')")
		b.prepareXA("'xa'", "INSERT INTO t VALUES (2, 'y')")
		events := b.drain(s)
		b.server.Kill()
		if err := b.fails(s); mysql.Classify(err) != mysql.Retry {
			t.Errorf("class %v: %v", mysql.Classify(err), err)
		}
		b.close(s)
		if _, err := Open(t.Context(), b.config); mysql.Classify(err) != mysql.Retry {
			t.Errorf("class %v: %v", mysql.Classify(err), err)
		}
		if err := b.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.reconnect()
		b.exec("INSERT INTO t VALUES (3, 'z')")
		b.decideXA("XA COMMIT 'xa'")
		s = b.openAt(events[len(events)-1].Position)
		wantText(t, show(locals(b.drain(s))), "insert t (3) new 3 z\ncommit\ninsert t (2) new 2 y\ncommit")
	})
}

func locals(events []capture.Event) []capture.Event {
	return slices.DeleteFunc(events, func(e capture.Event) bool { return e.Kind != capture.Local })
}

func TestIdleLogsMoveOn(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil)
		s := b.open()
		b.exec("FLUSH BINARY LOGS")
		for {
			end, err := s.catalog.end(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			e := b.next(s)
			if e.Kind != capture.Idle {
				t.Fatalf("%+v", e)
			}
			if mysql.DecodePosition(e.Position.Offset) == end.at {
				return
			}
		}
	})
}

// An incident: a statement that a table without transactions has half of, and the log nothing.
func TestIncidents(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, map[string]string{"max_binlog_stmt_cache_size": "4096", "binlog_stmt_cache_size": "4096"}, "CREATE TABLE m (id int PRIMARY KEY, v varchar(9000)) ENGINE = MyISAM")
		s := b.open()
		if _, err := b.conn.Execute("INSERT INTO m VALUES (1, REPEAT('x', 9000)), (2, REPEAT('y', 9000)), (3, REPEAT('y', 9000))"); err == nil {
			t.Fatal("the log took a statement that's larger than it may be")
		}
		b.exec("INSERT INTO m VALUES (7, 'later')")
		b.stops(s, "incident", "join this region anew")
	})
}

// A server empties its MEMORY tables when it starts, and logs that as a statement when they're first used.
func TestMemoryTables(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil, "CREATE DATABASE other", "CREATE TABLE other.m (id int PRIMARY KEY) ENGINE = MEMORY", "CREATE TABLE t (id int PRIMARY KEY)",
			"INSERT INTO other.m VALUES (1)")
		s := b.open()
		at := b.next(s).Position
		b.close(s)
		b.server.Kill()
		if err := b.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.reconnect()
		b.exec("INSERT INTO other.m VALUES (2)", "INSERT INTO t VALUES (1)")
		s = b.openAt(at)
		wantText(t, show(nonEmpty(b.drain(s))), "insert t (1) new 1\ncommit")
	})
}

// What a foreign key and a trigger change is in the log like what the statement itself changes.
func TestCascadesAndTriggers(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE p (id int PRIMARY KEY)", "CREATE TABLE c (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
			"CREATE TABLE audit (id int AUTO_INCREMENT PRIMARY KEY, p int)",
			"CREATE TRIGGER g AFTER INSERT ON p FOR EACH ROW BEGIN IF @bridge_apply IS NULL THEN INSERT INTO audit (p) VALUES (NEW.id); END IF; END",
			"INSERT INTO p VALUES (1), (2)", "INSERT INTO c VALUES (10, 1), (20, 2)")
		s := b.open()
		b.exec("INSERT INTO p VALUES (3)", "SET @bridge_apply = 1", "INSERT INTO p VALUES (4)", "SET @bridge_apply = NULL",
			"DELETE FROM p WHERE id = 1", "UPDATE p SET id = 5 WHERE id = 2")
		want := `
			insert p (3) new 3
			insert audit (3) new 3 3
			commit
			insert p (4) new 4
			commit
			delete c (10) old 10 1
			delete p (1) old 1
			commit
			update c (20) old 20 2 new 20 5
			delete p (2) old 2
			insert p (5) new 5
			commit`
		if b.mariadb() { // InnoDB changes the children by itself there: "bridge check" refuses such keys
			want = strings.ReplaceAll(strings.ReplaceAll(want, "delete c (10) old 10 1\n", ""), "update c (20) old 20 2 new 20 5\n", "")
		}
		wantText(t, show(b.drain(s)), want)
	})
}

// MySQL's commit times are its clock's, to the microsecond; MariaDB's are when a statement began, in seconds.
func TestCommitTimes(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY)")
		s := b.open()
		now := func() change.Timestamp {
			t.Helper()
			at, err := strconv.ParseInt(b.query("SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)")[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return change.Timestamp(at)
		}
		precision := change.Timestamp(1)
		if b.mariadb() {
			precision = 1e6
		}
		forms := []string{"SET @x = 1", "SET SESSION binlog_row_image = MINIMAL", "FLUSH BINARY LOGS"}
		if !b.mariadb() { // as the log of a replica has it: another time goes before this server's own
			forms = append(forms, "SET SESSION original_commit_timestamp = 1000000")
		}
		for id, form := range forms {
			before := now()
			b.exec(form, "INSERT INTO t VALUES ("+strconv.Itoa(id)+")")
			after := now()
			if e := b.nextLocal(s); e.CommitTime < before/precision*precision || e.CommitTime > after || e.CommitTime%precision != 0 {
				t.Errorf("commit time %v, between %v and %v", e.CommitTime.Time(), before.Time(), after.Time())
			}
		}
		b.exec("SET timestamp = 1000000000", "INSERT INTO t VALUES (9)")
		if e := b.nextLocal(s); (e.CommitTime == 1000000000e6) != b.mariadb() {
			t.Errorf("with a timestamp of the session's own the commit time is %v", e.CommitTime.Time())
		}
	})
}
