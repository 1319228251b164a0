package testserver_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/client"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// askMySQL returns one value as text, as the superuser over TCP.
func askMySQL(t *testing.T, server *testserver.MySQL, sql string) string {
	t.Helper()
	conn, err := client.Connect(server.Addr(), testserver.MySQLSuperuser, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	result, err := conn.Execute(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	value, err := result.GetString(0, 0)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// eachFlavor runs a test on both servers.
func eachFlavor(t *testing.T, test func(t *testing.T, flavor testserver.Flavor)) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) { test(t, flavor) })
	}
}

func TestMySQLServes(t *testing.T) {
	eachFlavor(t, func(t *testing.T, flavor testserver.Flavor) {
		version := map[testserver.Flavor]string{testserver.FlavorMySQL: "9.7", testserver.FlavorMariaDB: "10.11"}
		tests := []struct {
			name    string
			options testserver.MySQLOptions
			want    map[string]string // expression → value
		}{
			{"default", testserver.MySQLOptions{}, map[string]string{
				"substring_index(version(), '.', 2)": version[flavor],
				"@@sync_binlog":                      map[testserver.Flavor]string{testserver.FlavorMySQL: "1", testserver.FlavorMariaDB: "0"}[flavor],
				"@@innodb_flush_log_at_trx_commit":   "1",
				"@@log_bin":                          "1", "@@binlog_format": "ROW", "@@binlog_row_image": "FULL", "@@binlog_row_metadata": "FULL",
				"@@character_set_server": "utf8mb4", "@@port = @@server_id": "1"}},
			{"settings", testserver.MySQLOptions{NoSync: true, Settings: map[string]string{"sync-binlog": "7", "server_id": "4711"}},
				map[string]string{"@@sync_binlog": "7", "@@server_id": "4711", "@@innodb_flush_log_at_trx_commit": "2"}},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				server := servertest.MySQL(t, flavor, test.options)
				if err := server.CreateDatabase(t.Context(), "odd `name"); err != nil {
					t.Fatal(err)
				}
				for expression, want := range test.want {
					if got := askMySQL(t, server, "SELECT "+expression); got != want {
						t.Errorf("%s = %s, want %s", expression, got, want)
					}
				}
				if server.Flavor() != flavor {
					t.Errorf("flavor %s, want %s", server.Flavor(), flavor)
				}
			})
		}
	})
}

// Servers come from one template and must not look like one server.
func TestMySQLIdentifiersDiffer(t *testing.T) {
	first := servertest.MySQL(t, testserver.FlavorMySQL, testserver.MySQLOptions{NoSync: true})
	second := servertest.MySQL(t, testserver.FlavorMySQL, testserver.MySQLOptions{NoSync: true})
	if id := askMySQL(t, first, "SELECT @@server_uuid"); id == askMySQL(t, second, "SELECT @@server_uuid") {
		t.Errorf("server_uuid %s occurs twice", id)
	}
}

func TestMySQLComesBack(t *testing.T) {
	eachFlavor(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{})
		servertest.ExecMySQL(t, server, "", "CREATE DATABASE d; CREATE TABLE d.kept (way varchar(20) PRIMARY KEY)")
		for _, way := range []struct {
			name string
			down func(context.Context) error
		}{
			{"stop", server.Stop},
			{"kill", func(context.Context) error { server.Kill(); return nil }},
			{"nothing", func(context.Context) error { return nil }},
		} {
			servertest.ExecMySQL(t, server, "d", "INSERT INTO kept VALUES ('"+way.name+"')")
			if err := way.down(t.Context()); err != nil {
				t.Fatal(way.name, err)
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatal(way.name, err)
			}
			rows := servertest.QueryMySQL(t, server, "d", "SELECT count(*) FROM kept WHERE way = '"+way.name+"'")
			if rows[0] != "1" {
				t.Errorf("after %s the row is gone", way.name)
			}
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(server.Dir()); !os.IsNotExist(err) {
			t.Errorf("the files are still there: %v", err)
		}
		if err := server.Start(t.Context()); err == nil {
			t.Error("a closed server started")
		}
	})
}

func TestMySQLGivenDirectoryStays(t *testing.T) {
	// A test's own directory is closed to the server's user, so one that isn't.
	dir, err := os.MkdirTemp("", "bridge-given-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		server, err := testserver.StartMySQL(t.Context(), testserver.MySQLOptions{Dir: dir, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		servertest.ExecMySQL(t, server, "", "CREATE DATABASE IF NOT EXISTS d; CREATE TABLE IF NOT EXISTS d.t (a int PRIMARY KEY AUTO_INCREMENT); INSERT INTO d.t VALUES ()")
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
	}
	server := servertest.MySQL(t, testserver.FlavorMySQL, testserver.MySQLOptions{Dir: dir})
	if rows := servertest.QueryMySQL(t, server, "d", "SELECT count(*) FROM t"); rows[0] != "2" {
		t.Errorf("%s rows, want 2", rows[0])
	}
}

func TestMySQLFailureShowsLog(t *testing.T) {
	eachFlavor(t, func(t *testing.T, flavor testserver.Flavor) {
		start := testserver.StartMySQL
		if flavor == testserver.FlavorMariaDB {
			start = testserver.StartMariaDB
		}
		server, err := start(t.Context(), testserver.MySQLOptions{Settings: map[string]string{"no_such_setting": "1"}})
		if err == nil {
			server.Close()
			t.Fatal("a server started with a setting that doesn't exist")
		}
		for _, want := range []string{flavor.String(), "no_such_setting"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error lacks %s: %v", want, err)
			}
		}
	})
}
