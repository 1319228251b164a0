package preflight_test

import (
	"fmt"
	"strings"
	"testing"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/mysql/preflight"
	report "bridge/internal/preflight"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/value"
)

// on runs a test on both servers.
func on(t *testing.T, test func(t *testing.T, flavor testserver.Flavor)) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) { test(t, flavor) })
	}
}

func connect(t *testing.T, s mysql.Server) *mysql.Conn {
	t.Helper()
	conn, err := s.Connect(t.Context(), mysql.Session{Name: "bridge/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func run(t *testing.T, conn *mysql.Conn, s preflight.Settings) *report.Report {
	t.Helper()
	r, err := preflight.Run(t.Context(), conn, s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func root(s *testserver.MySQL) mysql.Server {
	return mysql.Server{Socket: s.Socket(), User: testserver.MySQLSuperuser}
}

func list(r *report.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s: %s [%s]\n", f.Level, f.Object, f.Text, f.Fix)
	}
	return b.String()
}

func find(r *report.Report, level report.Level, want string) bool {
	for _, f := range r.Findings {
		if f.Level == level && strings.Contains(f.Object+": "+f.Text+" ["+f.Fix+"]", want) {
			return true
		}
	}
	return false
}

var settings = preflight.Settings{Cluster: "shop", Region: "eu", Regions: []string{"eu", "us"}, Connections: 8,
	Selected: func(n change.TableName) bool { return n.Schema == "shop" }}

func TestGoodServerHasNothingToSay(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{Settings: map[string]string{
			"sync_binlog": "1", "auto_increment_increment": "2", "auto_increment_offset": "1"}})
		servertest.ExecMySQL(t, server, "", `CREATE DATABASE shop; CREATE DATABASE bridge; CREATE USER b@'127.0.0.1';
			CREATE TABLE shop.good (id bigint AUTO_INCREMENT, name varchar(10) COLLATE utf8mb4_bin, PRIMARY KEY (id, name));
			GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO b@'127.0.0.1'; GRANT ALL ON bridge.* TO b@'127.0.0.1';
			GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON shop.good TO b@'127.0.0.1'`)
		conn := connect(t, mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: "b"})
		r := run(t, conn, settings)
		if len(r.Findings) != 1 || !r.Findings[0].Init || r.Failed() || r.Initialised || fmt.Sprint(r.Tables) != "[shop.good]" {
			t.Errorf("before init, tables %v:\n%s", r.Tables, list(r))
		}
		if err := mysql.CreateTables(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		if _, _, err := mysql.Claim(t.Context(), conn, "shop", "eu"); err != nil {
			t.Fatal(err)
		}
		if r = run(t, conn, settings); len(r.Findings) != 0 || !r.Initialised {
			t.Errorf("after init:\n%s", list(r))
		}
		other := settings
		other.Region = "us"
		if r = run(t, conn, other); !find(r, report.Error, "bridge.node: this database is region eu") {
			t.Errorf("as another region:\n%s", list(r))
		}
	})
}

func TestServerSettings(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		bad := map[string]string{"binlog_row_image": "MINIMAL", "binlog_row_metadata": "MINIMAL", "binlog_expire_logs_seconds": "3600", "binlog_ignore_db": "audit",
			"sync_binlog": "0", "innodb_flush_log_at_trx_commit": "2", "max_connections": "10", "binlog_format": "MIXED"}
		want := []string{"binlog_format is MIXED", "binlog_row_image is MINIMAL", "binlog_row_metadata is MINIMAL", "binlog_ignore_db is audit", "needs 20 connections, and max_connections allows 10", "no table that"}
		warned := []string{"kept for 1h0m0s", "sync_binlog is 0", "innodb_flush_log_at_trx_commit is 2"}
		if flavor == testserver.FlavorMariaDB {
			bad["log_slave_updates"], bad["gtid_strict_mode"] = "OFF", "OFF"
			warned = append(warned, "log_replica_updates is OFF", "gtid_strict_mode is OFF")
		} else {
			bad["binlog_row_value_options"], bad["gtid_mode"], bad["enforce_gtid_consistency"] = "PARTIAL_JSON", "OFF", "OFF"
			want = append(want, "binlog_row_value_options is PARTIAL_JSON")
			warned = append(warned, "gtid_mode is OFF")
		}
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: bad})
		s := settings
		s.Connections = 20
		r := run(t, connect(t, root(server)), s)
		for _, w := range want {
			if !find(r, report.Error, w) {
				t.Errorf("not reported: %s\n%s", w, list(r))
			}
		}
		for _, w := range warned {
			if !find(r, report.Warning, w) {
				t.Errorf("not warned of: %s\n%s", w, list(r))
			}
		}
		for name, value := range bad { // what the fixes say can be done
			for _, f := range r.Findings {
				if sql, ok := strings.CutPrefix(f.Fix, "SET GLOBAL "); ok && strings.HasPrefix(f.Text, name+" is "+value) && name != "gtid_mode" {
					sql, _, _ = strings.Cut(sql, ";")
					servertest.ExecMySQL(t, server, "", "SET GLOBAL "+sql)
				}
			}
		}
	})
}

// A commit that counts before the replica has it is published before, too.
func TestSemiSync(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		name := "rpl_semi_sync_master"
		if flavor == testserver.FlavorMySQL {
			name = "rpl_semi_sync_source"
			servertest.ExecMySQL(t, server, "", "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
		}
		servertest.ExecMySQL(t, server, "", "SET GLOBAL "+name+"_wait_point = AFTER_COMMIT, GLOBAL "+name+"_timeout = 1, GLOBAL "+name+"_enabled = ON")
		want := name + "_wait_point is AFTER_COMMIT"
		conn := connect(t, root(server))
		if r := run(t, conn, settings); !find(r, report.Warning, want) {
			t.Errorf("not warned of: %s\n%s", want, list(r))
		}
		servertest.ExecMySQL(t, server, "", "SET GLOBAL "+name+"_wait_point = AFTER_SYNC")
		if r := run(t, conn, settings); find(r, report.Warning, name) {
			t.Errorf("lossless, and still:\n%s", list(r))
		}
	})
}

func TestNoLog(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		off := map[string]string{"skip_log_bin": "1", "read_only": "ON"}
		if flavor == testserver.FlavorMySQL {
			off["gtid_mode"], off["enforce_gtid_consistency"] = "OFF", "OFF"
		}
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: off})
		r := run(t, connect(t, root(server)), settings)
		for _, w := range []string{"log_bin is OFF", "is read-only"} {
			if !find(r, report.Error, w) {
				t.Errorf("not reported: %s\n%s", w, list(r))
			}
		}
	})
}

func TestTables(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		servertest.ExecMySQL(t, server, "", `CREATE DATABASE shop; CREATE DATABASE hidden; USE shop;
			CREATE TABLE keyless (a int);
			CREATE TABLE prefixed (a text, PRIMARY KEY (a(5)));
			CREATE TABLE folded (a varchar(10) COLLATE utf8mb4_general_ci PRIMARY KEY);
			CREATE TABLE archive (a int PRIMARY KEY) ENGINE = MyISAM;
			CREATE TABLE parent (id int AUTO_INCREMENT PRIMARY KEY, u int UNIQUE);
			CREATE TABLE child (id int PRIMARY KEY, p int, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE);
			CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2;
			CREATE VIEW v AS SELECT * FROM parent;
			CREATE TRIGGER unguarded BEFORE INSERT ON parent FOR EACH ROW SET NEW.u = 1;
			CREATE TRIGGER allowed BEFORE UPDATE ON parent FOR EACH ROW SET NEW.u = 1;
			CREATE TRIGGER fine AFTER INSERT ON parent FOR EACH ROW BEGIN IF @BRIDGE_apply IS NULL THEN DELETE FROM child WHERE false; END IF; END;
			CREATE TABLE hidden.t (id int PRIMARY KEY)`)
		if flavor == testserver.FlavorMariaDB {
			servertest.ExecMySQL(t, server, "shop", "CREATE TABLE versioned (id int PRIMARY KEY) WITH SYSTEM VERSIONING")
		} else { // MariaDB doesn't have such keys
			servertest.ExecMySQL(t, server, "shop", "CREATE TABLE expression (a int, b int AS (a + 1) STORED, PRIMARY KEY (b))")
		}
		s := settings
		s.AllowTrigger = func(n change.TableName, trigger string) bool { return trigger == "allowed" }
		r := run(t, connect(t, root(server)), s)
		errors := []string{"shop.keyless: has no primary key", "shop.prefixed: has a primary key of which only the first",
			"shop.archive: has storage engine MyISAM", `shop.parent: trigger "unguarded" runs again`}
		if flavor == testserver.FlavorMariaDB {
			errors = append(errors, "shop.versioned: is system-versioned", `shop.child: foreign key "fk" changes rows`)
		} else {
			errors = append(errors, `shop.expression: key column "b" is generated`)
			if find(r, report.Error, `foreign key "fk"`) {
				t.Error("cascades that are logged are an error")
			}
		}
		for _, w := range errors {
			if !find(r, report.Error, w) {
				t.Errorf("not reported: %s\n%s", w, list(r))
			}
		}
		for _, w := range []string{`shop.folded: key column "a" has collation`, "server: numbers rows by AUTO_INCREMENT", "in shop.parent.id [in this region: SET GLOBAL auto_increment_increment = 2; SET GLOBAL auto_increment_offset = 1;"} {
			if !find(r, report.Warning, w) {
				t.Errorf("not warned of: %s\n%s", w, list(r))
			}
		}
		for _, w := range []string{"are not replicated: shop.v", "shop.parent: unique besides the key; when two regions take one value at once, the later write's row has it, and the other one is treated by policy: (u): parked",
			"shop.child: foreign keys; when one region deletes a parent and another one adds a child at the same time, the child is treated by policy: (p): parked", "log doesn't tell the rows: shop.parts"} {
			if !find(r, report.Note, w) {
				t.Errorf("not noted: %s\n%s", w, list(r))
			}
		}
		if got := list(r); strings.Contains(got, "allowed") || strings.Contains(got, `"fine"`) || strings.Contains(got, "hidden") {
			t.Errorf("reported too much:\n%s", got)
		}
		if got := fmt.Sprint(r.Tables); got != "[shop.child shop.folded shop.parent shop.parts]" {
			t.Errorf("tables are %s", got)
		}
	})
}

// TestKeysAmongEngines: beside PostgreSQL a text key must be equal to itself alone, beside the kindred engine under a
// collation that both have.
func TestKeysAmongEngines(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		exact := map[testserver.Flavor]string{testserver.FlavorMySQL: "utf8mb4_0900_bin", testserver.FlavorMariaDB: "utf8mb4_nopad_bin"}[flavor]
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		servertest.ExecMySQL(t, server, "", `CREATE DATABASE shop; USE shop;
			CREATE TABLE folded (a varchar(10) COLLATE utf8mb4_general_ci PRIMARY KEY);
			CREATE TABLE padded (a varchar(10) COLLATE utf8mb4_bin PRIMARY KEY);
			CREATE TABLE fixed (a char(10) COLLATE utf8mb4_bin PRIMARY KEY);
			CREATE TABLE labels (a enum('x', 'y') COLLATE utf8mb4_general_ci PRIMARY KEY);
			CREATE TABLE exact (a varchar(10) COLLATE `+exact+`, b bigint unsigned, c datetime(3), d binary(16), PRIMARY KEY (a, b, c, d))`)
		s := settings
		s.Others = []value.Engine{value.Postgres}
		r := run(t, connect(t, root(server)), s)
		for _, w := range []string{`shop.folded: key column "a": equality is the collation's`, `shop.padded: key column "a": equality is the collation's`} {
			if !find(r, report.Error, w) {
				t.Errorf("not reported: %s\n%s", w, list(r))
			}
		}
		if got := fmt.Sprint(r.Tables); got != "[shop.exact shop.fixed shop.labels]" {
			t.Errorf("tables are %s\n%s", got, list(r))
		}
		s.Others = []value.Engine{map[testserver.Flavor]value.Engine{testserver.FlavorMySQL: value.MariaDB, testserver.FlavorMariaDB: value.MySQL}[flavor]}
		own := map[testserver.Flavor]string{testserver.FlavorMySQL: "utf8mb4_0900_ai_ci", testserver.FlavorMariaDB: "utf8mb4_uca1400_ai_ci"}[flavor]
		servertest.ExecMySQL(t, server, "shop", "CREATE TABLE own (a varchar(10) COLLATE "+own+" PRIMARY KEY)")
		r = run(t, connect(t, root(server)), s)
		if got := fmt.Sprint(r.Tables); got != "[shop.exact shop.fixed shop.folded shop.labels shop.padded]" || !find(r, report.Error, `shop.own: key column "a": equality is the collation's: no other engine has `+own) {
			t.Errorf("tables are %s\n%s", got, list(r))
		}
	})
}

func TestAccount(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		servertest.ExecMySQL(t, server, "", `CREATE DATABASE shop; CREATE TABLE shop.t (id int PRIMARY KEY); CREATE USER poor@'127.0.0.1'; GRANT SELECT, DELETE ON shop.t TO poor@'127.0.0.1'`)
		conn := connect(t, mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: "poor"})
		r := run(t, conn, settings)
		for _, w := range []string{"account poor@127.0.0.1: may not see where the log ends [GRANT REPLICATION CLIENT ON *.* TO 'poor'@'127.0.0.1';]",
			"account poor@127.0.0.1: may not read the log", "may not create it and its tables", "shop.t: poor@127.0.0.1 lacks INSERT, UPDATE [GRANT INSERT, UPDATE ON `shop`.`t` TO"} {
			if !find(r, report.Error, w) {
				t.Errorf("not reported: %s\n%s", w, list(r))
			}
		}
		if !find(r, report.Warning, "triggers may go unseen on shop.t") {
			t.Error(list(r))
		}
		for range 2 { // each fix can be run as it is, and then nothing of it is left
			for _, f := range r.Findings {
				if strings.HasPrefix(f.Fix, "GRANT ") {
					servertest.ExecMySQL(t, server, "", f.Fix)
				}
			}
		}
		if r = run(t, connect(t, mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: "poor"}), settings); r.Failed() {
			t.Errorf("after the fixes:\n%s", list(r))
		}
	})
}
