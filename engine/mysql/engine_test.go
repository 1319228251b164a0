package mysql

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	applymysql "bridge/apply/mysql"
	"bridge/capture"
	capturemysql "bridge/capture/mysql"
	"bridge/change"
	"bridge/history"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/node"
)

// on runs a test on both servers.
func on(t *testing.T, test func(t *testing.T, flavor testserver.Flavor)) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) { test(t, flavor) })
	}
}

// region is an engine over a server that the package's tests share, set up anew.
func region(t *testing.T, flavor testserver.Flavor) (*Engine, *mysql.Conn) {
	t.Helper()
	return regionOn(t, servertest.MySQLDatabase(t, flavor).Server)
}

func regionOn(t *testing.T, on *testserver.MySQL) (*Engine, *mysql.Conn) {
	t.Helper()
	server := mysql.Server{Socket: on.Socket(), User: testserver.MySQLSuperuser}
	admin, err := server.Connect(t.Context(), mysql.Session{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	run(t, admin, "DROP DATABASE IF EXISTS bridge")
	if err := mysql.CreateTables(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if _, _, err := mysql.Claim(t.Context(), admin, "c", "eu"); err != nil {
		t.Fatal(err)
	}
	return New(Config{Server: server, Cluster: "c", Region: "eu"}), admin
}

func run(t *testing.T, conn *mysql.Conn, sql string) []mysql.Result {
	t.Helper()
	results, err := conn.Exec(t.Context(), sql)
	if err != nil {
		t.Fatalf("%v\nin: %s", err, sql)
	}
	return results
}

func lead(t *testing.T, e *Engine) node.Lease {
	t.Helper()
	lease, err := e.Lead(t.Context(), func() { t.Error("it waits") })
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func TestOrigin(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		e, admin := region(t, flavor)
		if o, err := e.Origin(t.Context()); err != nil || o != "eu/1" {
			t.Errorf("%s, %v", o, err)
		}
		e.Region = "us"
		if _, err := e.Origin(t.Context()); err == nil || !strings.Contains(err.Error(), "region eu") {
			t.Errorf("another region's server: %v", err)
		}
		run(t, admin, "DELETE FROM bridge.node")
		for range 2 { // without the row, and without the database
			if _, err := e.Origin(t.Context()); !errors.Is(err, mysql.ErrNotInstalled) || e.Heals(err) {
				t.Errorf("not set up: %v", err)
			}
			run(t, admin, "DROP DATABASE IF EXISTS bridge")
		}
	})
}

// TestStandbyWaits: one leads and the other waits, whatever the limit for locks. When the other leads, the first one's
// transactions are given up.
func TestStandbyWaits(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		first, admin := region(t, flavor)
		lease := lead(t, first)
		target, fence, err := first.OpenTarget(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer fence.Close(t.Context()) //nolint:errcheck // the test is over
		if _, err := target.Progress(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := New(first.Config)
		if _, _, err := second.OpenTarget(t.Context()); err == nil {
			t.Error("a target was opened without a lease")
		}
		type result struct {
			lease node.Lease
			err   error
		}
		done, waits := make(chan result, 1), make(chan struct{})
		go func() {
			lease, err := second.Lead(t.Context(), func() { close(waits) })
			done <- result{lease, err}
		}()
		<-waits
		if err := first.SaveHorizon(t.Context(), node.Horizon{Offsets: map[change.Origin]int64{"eu/1": 3}}); err != nil {
			t.Error(err)
		}
		select {
		case r := <-done:
			t.Fatalf("the second didn't wait: %v", r.err)
		default:
		}
		if flavor == testserver.FlavorMySQL { // the lock is lost with the connection, whoever ends that
			run(t, admin, "KILL "+strings.TrimSpace(text(run(t, admin, "SELECT IS_USED_LOCK('bridge leader')"))))
		} else if err := lease.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := <-done
		if r.err != nil {
			t.Fatal(r.err)
		}
		defer r.lease.Close(t.Context()) //nolint:errcheck // the test is over
		if flavor == testserver.FlavorMySQL {
			<-lease.Lost()
		}
		if err := first.SaveHorizon(t.Context(), node.Horizon{Offsets: map[change.Origin]int64{"eu/1": 1}}); !errors.Is(err, applymysql.ErrDeposed) || !first.Heals(err) {
			t.Errorf("an earlier leader saved its horizon: %v", err)
		}
		if h, err := second.Horizon(t.Context()); err != nil || h.Offsets["eu/1"] != 3 {
			t.Errorf("horizon %+v, %v", h, err)
		}
	})
}

func text(results []mysql.Result) string {
	s, _ := results[len(results)-1].Rows[0][0].Text()
	return s
}

func TestHorizon(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		e, _ := region(t, flavor)
		lease := lead(t, e)
		defer lease.Close(t.Context()) //nolint:errcheck // the test is over
		if h, err := e.Horizon(t.Context()); err != nil || len(h.Offsets) != 0 {
			t.Fatalf("%+v, %v", h, err)
		}
		for n := range int64(2) {
			want := node.Horizon{
				Offsets: map[change.Origin]int64{"eu/1": 7 + n, "us/1": 1 << 40},
				Cut:     history.Cut{Known: change.NewVector(change.Seen{Origin: "eu/1", Seq: 1 << 50}, change.Seen{Origin: "us/1", Seq: 9}), Since: change.Version{Time: -5, Origin: "us/1"}},
			}
			if err := e.SaveHorizon(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			got, err := e.Horizon(t.Context())
			if err != nil || !maps.Equal(got.Offsets, want.Offsets) || got.Cut.Known.String() != want.Cut.Known.String() || got.Cut.Since != want.Cut.Since {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
	})
}

// TestInspect: a server that isn't as it must be any more is noticed, and what goes away by itself is told from what doesn't.
func TestInspect(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		e, admin := region(t, flavor)
		for _, tc := range []struct {
			change, back, want string
			heals              bool
		}{
			{"SET GLOBAL binlog_format = MIXED", "SET GLOBAL binlog_format = ROW", "SET GLOBAL binlog_format = 'ROW'", false},
			{"SET GLOBAL binlog_row_image = MINIMAL", "SET GLOBAL binlog_row_image = FULL", "SET GLOBAL binlog_row_image = 'FULL'", false},
			{"SET GLOBAL binlog_row_metadata = MINIMAL", "SET GLOBAL binlog_row_metadata = FULL", "columns' names", false},
			{"SET GLOBAL read_only = ON", "SET GLOBAL read_only = OFF", "read-only", true},
			{"RENAME TABLE bridge.node TO bridge.gone", "RENAME TABLE bridge.gone TO bridge.node", `run "bridge init"`, false},
		} {
			if err := e.Inspect(t.Context()); err != nil {
				t.Fatal(err)
			}
			run(t, admin, tc.change)
			err := e.Inspect(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) || e.Heals(err) != tc.heals {
				t.Errorf("%s: %v", tc.change, err)
			}
			run(t, admin, tc.back)
		}
		if flavor == testserver.FlavorMySQL {
			run(t, admin, "SET GLOBAL binlog_row_value_options = PARTIAL_JSON")
			if err := e.Inspect(t.Context()); !errors.Is(err, capture.ErrSetup) {
				t.Errorf("partial JSON: %v", err)
			}
			run(t, admin, "SET GLOBAL binlog_row_value_options = ''")
		}
	})
}

// TestUnloggedCascades: rows that a foreign key changes by itself, and that the server doesn't log, would differ between regions
// without a word. A key that's made while bridge runs is found, too.
func TestUnloggedCascades(t *testing.T) {
	for _, tc := range []struct {
		name     string
		flavor   testserver.Flavor
		settings map[string]string
		refused  bool
	}{
		{"MySQL", testserver.FlavorMySQL, nil, false},
		{"MySQL, by InnoDB itself", testserver.FlavorMySQL, map[string]string{"innodb_native_foreign_keys": "ON"}, true},
		{"MariaDB", testserver.FlavorMariaDB, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := servertest.MySQL(t, tc.flavor, testserver.MySQLOptions{NoSync: true, Settings: tc.settings})
			e, admin := regionOn(t, server)
			e.Selected = func(n change.TableName) bool { return n.Schema == "shop" }
			run(t, admin, "CREATE DATABASE shop; CREATE DATABASE other")
			for _, database := range []string{"other", "shop"} { // one isn't replicated
				if err := e.Inspect(t.Context()); err != nil {
					t.Fatal(err)
				}
				run(t, admin, "CREATE TABLE "+database+".p (id int PRIMARY KEY); CREATE TABLE "+database+".c (id int PRIMARY KEY, p int, "+
					"CONSTRAINT own FOREIGN KEY (p) REFERENCES "+database+".p (id) ON UPDATE RESTRICT ON DELETE SET NULL)")
				e.cascadesLooked.Store(0) // a minute later
			}
			err := e.Inspect(t.Context())
			if refused := errors.Is(err, capture.ErrSetup) && strings.Contains(err.Error(), "shop.c") && strings.Contains(err.Error(), `"own"`) && !e.Heals(err); refused != tc.refused {
				t.Error(err)
			}
		})
	}
}

// TestAnotherServersLog: a place in a file means nothing on another server; a GTID does.
func TestAnotherServersLog(t *testing.T) {
	e, admin := region(t, testserver.FlavorMySQL)
	at := change.Position{Offset: 1<<40 | 4}
	for range 2 {
		if err := e.sameLog(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	run(t, admin, "UPDATE bridge.node SET server_uuid = 'another'")
	if err := e.sameLog(t.Context(), at); !errors.Is(err, capture.ErrLogBehind) || e.Heals(err) {
		t.Errorf("got %v", err)
	}
	at.GTID = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"
	if err := e.sameLog(t.Context(), at); err != nil {
		t.Error(err)
	}
}

func TestHeals(t *testing.T) {
	e := New(Config{})
	for err, want := range map[error]bool{
		errors.New("anything"): false, context.DeadlineExceeded: true,
		&mysql.Error{Number: 1213}: true, &mysql.Error{Number: 1290}: true, &mysql.Error{Number: 1142}: false,
		node.ErrLeaseLost: true, applymysql.ErrDeposed: true, capturemysql.ErrServerID: true, capturemysql.ErrLogPurged: false,
		&history.ErrFull{}: false, ErrReadOnly: true,
	} {
		if e.Heals(err) != want {
			t.Errorf("%v heals: %t", err, !want)
		}
	}
}
