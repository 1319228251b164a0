package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// resumes runs a test in each way that a server's log can be resumed.
func resumes(t *testing.T, test func(t *testing.T, b *bed)) {
	for name, tc := range map[string]struct {
		flavor   testserver.Flavor
		settings map[string]string
	}{
		"MySQL":               {testserver.FlavorMySQL, nil},
		"MySQL without GTIDs": {testserver.FlavorMySQL, map[string]string{"gtid_mode": "OFF", "enforce_gtid_consistency": "OFF"}},
		"MariaDB":             {testserver.FlavorMariaDB, nil},
	} {
		t.Run(name, func(t *testing.T) {
			test(t, newServerBed(t, tc.flavor, tc.settings, "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(100))"))
		})
	}
}

// ids are those of the rows inserted.
func ids(events []capture.Event) (out []string) {
	for _, e := range events {
		for _, o := range e.Operations {
			text, _ := o.New[0].Text()
			out = append(out, text)
		}
	}
	return out
}

func TestEveryPositionResumes(t *testing.T) {
	resumes(t, func(t *testing.T, b *bed) {
		s := b.open()
		var positions []change.Position
		var want []string
		for i := range 8 {
			switch i {
			case 3:
				b.exec("FLUSH BINARY LOGS")
			case 5:
				b.exec("FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
			}
			b.exec(fmt.Sprintf("INSERT INTO t VALUES (%d, 'x')", i+1))
			want = append(want, fmt.Sprint(i+1))
		}
		token := b.mark()
		for {
			e := b.next(s)
			positions = append(positions, e.Position) // of Idle events, too
			if len(positions) > 1 && e.Position.Offset < positions[len(positions)-2].Offset {
				t.Errorf("position %v after %v", e.Position, positions[len(positions)-2])
			}
			if e.Kind == capture.Local {
				want = want[1:]
			}
			if e.Kind == capture.Barrier {
				break
			}
			again := b.openAt(e.Position)
			if got := ids(b.until(again, token)); !slices.Equal(got, want) {
				t.Errorf("from %v (%s) come %v, want %v", mysql.DecodePosition(e.Position.Offset), e.Position.GTID, got, want)
			}
			b.close(again)
		}
	})
}

// A connection that breaks inside a transaction: the error isn't one of the log's, and another source
// gives each transaction once.
func TestConnectionsBreak(t *testing.T) {
	resumes(t, func(t *testing.T, b *bed) {
		proxy := servertest.Proxy(t, b.server.Addr())
		b.config.Server = mysql.Server{Host: "127.0.0.1", Port: uint16(proxyPort(t, proxy)), User: "bridge", Password: "secret"}
		b.exec("INSERT INTO t (v) VALUES (REPEAT('x', 100))")
		for range 11 {
			b.exec("INSERT INTO t (v) SELECT v FROM t")
		}
		s := b.open()
		tags := !b.mariadb() && b.query("SELECT @@GLOBAL.gtid_mode")[0] == "ON"
		tag := func(sql string) {
			if tags {
				b.exec(sql)
			}
		}
		tag("SET gtid_next = 'AUTOMATIC:bridge'")
		b.exec("INSERT INTO t VALUES (1000001, 'before')")
		tag("SET gtid_next = 'AUTOMATIC'")
		b.exec("BEGIN", "UPDATE t SET v = REPEAT('y', 100)", "UPDATE t SET v = REPEAT('z', 100)", "UPDATE t SET v = 'w'", "COMMIT")
		tag("SET gtid_next = 'AUTOMATIC:bridge'")
		b.exec("INSERT INTO t VALUES (1000002, 'after')")
		before := b.nextLocal(s)
		if piece := b.nextLocal(s); piece.Last {
			t.Fatal("the transaction is in one piece")
		}
		proxy.Cut()
		err := b.fails(s)
		if errors.Is(err, capture.ErrLog) || errors.Is(err, ErrLogPurged) || errors.Is(err, capture.ErrLogBehind) || mysql.Classify(err) != mysql.Retry {
			t.Errorf("class %v: %v", mysql.Classify(err), err)
		}
		b.close(s)
		if err := proxy.Heal(); err != nil {
			t.Fatal(err)
		}
		rows, ends := 0, 0
		for _, e := range b.drain(b.openAt(before.Position)) {
			rows += len(e.Operations)
			if e.Last {
				ends++
			}
		}
		if rows != 3*2049+1 || ends != 2 {
			t.Errorf("%d rows in %d transactions came after it", rows, ends)
		}
	})
}

func proxyPort(t testing.TB, p *testserver.Proxy) (port int) {
	t.Helper()
	if _, err := fmt.Sscanf(p.Addr()[strings.LastIndexByte(p.Addr(), ':'):], ":%d", &port); err != nil {
		t.Fatal(err)
	}
	return port
}

func TestPurgedLogs(t *testing.T) {
	resumes(t, func(t *testing.T, b *bed) {
		s := b.open()
		b.exec("INSERT INTO t VALUES (1, 'x')")
		at := b.drain(s)[0].Position
		b.close(s)
		b.exec("INSERT INTO t VALUES (2, 'x')", "FLUSH BINARY LOGS", "INSERT INTO t VALUES (3, 'x')", "FLUSH BINARY LOGS")
		logs := b.query("SHOW BINARY LOGS")
		for newest := strings.Split(logs[len(logs)-1], "\t")[0]; ; { // a file that's still being sent, or has transactions to recover, stays
			b.exec("PURGE BINARY LOGS TO '" + newest + "'")
			if left := b.query("SHOW BINARY LOGS"); strings.HasPrefix(left[0], newest) {
				break
			}
		}
		config := b.config
		config.Start = at
		s, err := Open(t.Context(), config)
		if err == nil {
			t.Cleanup(func() { s.Close(context.Background()) })
			err = b.fails(s)
		}
		if !errors.Is(err, ErrLogPurged) || !strings.Contains(err.Error(), "join this region anew") {
			t.Error(err)
		}
	})
}

func TestResetLogs(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil, "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(100))")
		for name, again := range map[string]int{"and nothing since": 0, "and little since": 1, "and as much since": 3, "and more since": 6} {
			t.Run(name, func(t *testing.T) {
				b := *b
				b.TB = t
				reset(&b)
				s := b.open()
				b.exec("INSERT INTO t (v) VALUES ('x')", "INSERT INTO t (v) VALUES ('y')", "INSERT INTO t (v) VALUES ('long')")
				events := b.drain(s)
				b.close(s)
				reset(&b)
				for range again {
					b.exec("INSERT INTO t (v) VALUES ('other')")
				}
				config := b.config
				config.Start = events[len(events)-1].Position
				s, err := Open(t.Context(), config)
				if err == nil {
					t.Cleanup(func() { s.Close(context.Background()) })
					b.exec("INSERT INTO t (v) VALUES ('late')")
					err = b.fails(s)
				}
				if !errors.Is(err, capture.ErrLogBehind) || !strings.Contains(err.Error(), "oin this region anew") {
					t.Error(err)
				}
			})
		}
	})
}

// The server doesn't tell those who read its log that it was reset.
func TestResetWhileReading(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil, "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v text)")
		for name, sql := range map[string][]string{
			"nothing else": nil, "less than before": {"INSERT INTO t (v) VALUES ('a')"}, "more than before": {"INSERT INTO t (v) VALUES (REPEAT('a', 60000))"},
			"another file": {"INSERT INTO t (v) VALUES ('a')", "FLUSH BINARY LOGS", "INSERT INTO t (v) VALUES ('b')"},
		} {
			t.Run(name, func(t *testing.T) {
				b := *b
				b.TB = t
				s := b.open()
				b.exec("INSERT INTO t (v) VALUES ('x')", "INSERT INTO t (v) VALUES ('x')", "INSERT INTO t (v) VALUES ('x')")
				events := b.drain(s)
				reset(&b)
				b.exec(sql...)
				t.Log(b.fails(s)) // whatever it finds; what it means is found out when the log is opened again
				config := b.config
				config.Start = events[len(events)-1].Position
				again, err := Open(t.Context(), config)
				if err == nil {
					t.Cleanup(func() { again.Close(context.Background()) })
					b.exec("INSERT INTO t (v) VALUES ('late')")
					err = b.fails(again)
				}
				if !errors.Is(err, capture.ErrLogBehind) {
					t.Error(err)
				}
			})
		}
	})
}

func reset(b *bed) {
	if b.mariadb() {
		b.exec("RESET MASTER")
	} else {
		b.exec("RESET BINARY LOGS AND GTIDS")
	}
}

func TestTaggedAndUntaggedGTIDs(t *testing.T) {
	b := newServerBed(t, testserver.FlavorMySQL, nil, "CREATE TABLE t (id int PRIMARY KEY)")
	s := b.open()
	b.exec("SET gtid_next = 'AUTOMATIC:bridge'", "INSERT INTO t VALUES (1)", "SET gtid_next = 'AUTOMATIC'", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)",
		"SET gtid_next = 'AUTOMATIC:a_1'", "INSERT INTO t VALUES (4)", "SET gtid_next = 'AUTOMATIC:bridge'", "INSERT INTO t VALUES (5)",
		"SET gtid_next = '01020304-0506-0708-090a-0b0c0d0e0f10:7'", "INSERT INTO t VALUES (6)", "SET gtid_next = 'AUTOMATIC'", "INSERT INTO t VALUES (7)")
	token := b.mark()
	events := b.until(s, token)
	for i, e := range events {
		if e.CommitTime == 0 || e.Kind != capture.Local {
			t.Errorf("%+v", e)
		}
		again := b.openAt(e.Position)
		if got, want := ids(b.until(again, token)), ids(events[i+1:]); !slices.Equal(got, want) {
			t.Errorf("from %s come %v, want %v", e.Position.GTID, got, want)
		}
		b.close(again)
	}
	executed := strings.ReplaceAll(b.query("SELECT @@GLOBAL.gtid_executed")[0], "\n", "")
	want, err := parseUUIDSet(executed)
	if err != nil {
		t.Fatal(err)
	}
	e := b.next(s)
	for e.Kind != capture.Idle {
		e = b.next(s)
	}
	if e.Position.GTID != want.String() {
		t.Errorf("the set is %s, the server's %s", e.Position.GTID, want)
	}
}
