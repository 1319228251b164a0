package mysql_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// on runs a test on both servers.
func on(t *testing.T, test func(t *testing.T, flavor testserver.Flavor)) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) { test(t, flavor) })
	}
}

// admin is the superuser over the socket.
func admin(s *testserver.MySQL) mysql.Server {
	return mysql.Server{Socket: s.Socket(), User: testserver.MySQLSuperuser}
}

// connect opens a session that ends with the test.
func connect(t *testing.T, s mysql.Server, session mysql.Session) *mysql.Conn {
	t.Helper()
	conn, err := s.Connect(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// open makes a database of the test's own and a session in it.
func open(t *testing.T, flavor testserver.Flavor) (*mysql.Conn, servertest.MySQLDB) {
	t.Helper()
	db := servertest.MySQLDatabase(t, flavor)
	return connect(t, admin(db.Server), mysql.Session{Name: "bridge/test", Database: db.Name}), db
}

func exec(t *testing.T, c *mysql.Conn, sql string) []mysql.Result {
	t.Helper()
	results, err := c.Exec(t.Context(), sql)
	if err != nil {
		t.Fatalf("%v\nin: %s", err, sql)
	}
	return results
}

// rows are a query's rows as text.
func rows(t *testing.T, c *mysql.Conn, sql string) (list []string) {
	t.Helper()
	results := exec(t, c, sql)
	for _, r := range results[len(results)-1].Rows {
		values := make([]string, len(r))
		for i, v := range r {
			values[i] = "NULL"
			if s, ok := v.Text(); ok {
				values[i] = s
			}
		}
		list = append(list, strings.Join(values, "|"))
	}
	return list
}

func TestSessionIsFixed(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: map[string]string{
			"sql_mode": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH", "default_time_zone": "+05:00", "autocommit": "0",
			"wait_timeout": "77", "init_connect": "SET @bridge_apply = 0", "transaction_isolation": "SERIALIZABLE", "character_set_server": "latin1"}})
		conn := connect(t, mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: testserver.MySQLSuperuser},
			mysql.Session{Name: "bridge/eu/apply", LockTimeout: 1500 * time.Millisecond, StatementTimeout: 7 * time.Second})
		isolation, timeout := "@@transaction_isolation", "max_execution_time = 7000"
		if flavor == testserver.FlavorMariaDB {
			isolation, timeout = "@@tx_isolation", "max_statement_time = 7"
		}
		got := rows(t, conn, "SELECT @@time_zone, @@autocommit, @@wait_timeout, @@innodb_lock_wait_timeout, @@foreign_key_checks, @bridge_apply, "+
			isolation+", @@character_set_client, @@collation_connection, @@"+timeout)[0]
		if want := "+00:00|1|31536000|2|0|1|READ-COMMITTED|utf8mb4|utf8mb4_bin|1"; got != want {
			t.Errorf("session has %s, want %s", got, want)
		}
		mode := rows(t, conn, "SELECT @@sql_mode")[0]
		for _, not := range []string{"ANSI", "BACKSLASH", "PAD"} {
			if strings.Contains(mode, not) {
				t.Errorf("sql_mode is %s", mode)
			}
		}
		if want := map[testserver.Flavor]mysql.Flavor{testserver.FlavorMySQL: mysql.MySQL, testserver.FlavorMariaDB: mysql.MariaDB}; conn.Flavor() != want[flavor] {
			t.Errorf("flavor is %s", conn.Flavor())
		}
	})
}

// What only a privileged account may set is set by one, and is an error that says what to do for others.
func TestRestrictedSettings(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: map[string]string{
			"binlog_row_image": "MINIMAL", "explicit_defaults_for_timestamp": "OFF"}})
		servertest.ExecMySQL(t, server, "", "CREATE USER plain@'127.0.0.1'")
		conn := connect(t, admin(server), mysql.Session{})
		if got := rows(t, conn, "SELECT @@binlog_row_image, @@explicit_defaults_for_timestamp")[0]; got != "FULL|1" {
			t.Errorf("session has %s", got)
		}
		plain := mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: "plain"}
		_, err := plain.Connect(t.Context(), mysql.Session{})
		if err == nil || mysql.Classify(err) != mysql.Fatal || !strings.Contains(err.Error(), "binlog_row_image is MINIMAL") || !strings.Contains(err.Error(), "SET GLOBAL binlog_row_image = 'FULL'") {
			t.Errorf("as a plain account: %v", err)
		}
	})
}

func TestResults(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, _ := open(t, flavor)
		results := exec(t, conn, `CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a varchar(20), b varbinary(5), f float, d datetime(3));
			INSERT INTO t VALUES (NULL, 'x', NULL, 0.1, '0000-00-00'), (NULL, '', x'00ff', 1e10, '2024-01-02 03:04:05.5');
			UPDATE t SET a = 'x' WHERE id = 1; UPDATE t SET a = 'y' WHERE id = 99;
			SELECT * FROM t; SELECT id FROM t WHERE false; DELETE FROM t`)
		if len(results) != 7 {
			t.Fatalf("%d results", len(results))
		}
		for i, want := range []uint64{0, 2, 1, 0, 0, 0, 2} {
			if results[i].Affected != want {
				t.Errorf("statement %d affected %d rows, want %d", i, results[i].Affected, want)
			}
		}
		if got := fmt.Sprint(results[4].Columns, results[5].Columns, len(results[5].Rows), results[1].InsertID); got != "[id a b f d] [id] 0 1" {
			t.Errorf("columns, rows, id: %s", got)
		}
		want := []change.Image{
			{change.Text("1"), change.Text("x"), change.Null, change.Text("0.1"), change.Text("0000-00-00 00:00:00.000")},
			{change.Text("2"), change.Text(""), change.Text("\x00\xff"), change.Text("10000000000"), change.Text("2024-01-02 03:04:05.500")},
		}
		if fmt.Sprint(results[4].Rows) != fmt.Sprint(want) {
			t.Errorf("rows are %v, want %v", results[4].Rows, want)
		}
		if _, err := conn.Text(t.Context(), "SELECT 1 FROM t"); !errors.Is(err, mysql.ErrNoRow) {
			t.Errorf("without a row: %v", err)
		}
	})
}

func TestErrorsName(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, _ := open(t, flavor)
		exec(t, conn, "CREATE TABLE t (id int PRIMARY KEY, u varchar(20) UNIQUE, CHECK (id < 100))")
		results, err := conn.Exec(t.Context(), "INSERT INTO t VALUES (1, 'secret'); INSERT INTO t VALUES (2, 'secret'); INSERT INTO t VALUES (3, 'c')")
		server, ok := errors.AsType[*mysql.Error](err)
		if !ok || len(results) != 1 || server.Statement != 1 || server.Number != 1062 || strings.TrimPrefix(server.Key, "t.") != "u" {
			t.Errorf("%d results, error %#v", len(results), server)
		}
		for sql, want := range map[string]struct {
			class mysql.Class
			text  string
		}{
			"INSERT INTO t VALUES (3, 'secret')":                                    {mysql.Conflict, "'?' for key '"},
			"INSERT INTO t VALUES ('sec''ret', 'c')":                                {mysql.Poison, "column"},
			"INSERT INTO t VALUES (3, repeat('secret', 10))":                        {mysql.Poison, "'u'"},
			"INSERT INTO t VALUES (101, 'c')":                                       {mysql.Conflict, ""},
			"INSERT INTO t VALUES (NULL, 'secret')":                                 {mysql.Conflict, "'id'"},
			"INSERT INTO t VALUES (3, 'secret' secret)":                             {mysql.Fatal, "'?"},
			"INSERT INTO missing VALUES (3)":                                        {mysql.Poison, "missing"},
			"INSERT INTO t (id, missing) VALUES (3, 1)":                             {mysql.Poison, "missing"},
			"INSERT INTO missing.t VALUES (3)":                                      {mysql.Poison, "missing"},
			"SELECT cast('secret' AS datetime) FROM missing_too":                    {mysql.Poison, "missing_too"},
			"UPDATE t SET u = cast('secret' AS datetime)":                           {mysql.Poison, "'?'"},
			"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no ''secret'' here, ever'": {mysql.Poison, "'?'"},
		} {
			_, err := conn.Exec(t.Context(), sql)
			if err == nil {
				t.Errorf("no error: %s", sql)
				continue
			}
			if got := mysql.Classify(err); got != want.class {
				t.Errorf("%v is of class %v, want %v", err, got, want.class)
			}
			if !strings.Contains(err.Error(), want.text) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec'ret") {
				t.Errorf("error lacks %q or tells a value: %v", want.text, err)
			}
		}
		if conn.Broken() {
			t.Error("the session is broken by a statement's error")
		}
	})
}

func TestAnswersInOrderOfSending(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		conn, _ := open(t, flavor)
		big := strings.Repeat("x", 1<<20)
		for i := range 20 {
			if err := conn.Send(t.Context(), fmt.Sprintf("SELECT %d; SELECT length('%s')", i, big[:i*50_000])); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 20 {
			results, err := conn.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(results[0].Rows, results[1].Rows); got != fmt.Sprintf("[[{2 %d}]] [[{2 %d}]]", i, i*50_000) {
				t.Errorf("answer %d is %s", i, got)
			}
		}
		if _, err := conn.Receive(t.Context()); err == nil {
			t.Error("an answer without a question")
		}
	})
}

// A packet of more than 16 MB is sent in parts, and numbered through.
func TestLargePackets(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		db := servertest.MySQLDatabase(t, flavor)
		servertest.ExecMySQL(t, db.Server, "", "SET GLOBAL max_allowed_packet = 64000000")
		conn := connect(t, admin(db.Server), mysql.Session{Name: "bridge/test"})
		size := 17 << 20
		for range 2 {
			if err := conn.Send(t.Context(), "SELECT '"+strings.Repeat("y", size)+"'"); err != nil {
				t.Fatal(err)
			}
			results, err := conn.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s, _ := results[0].Rows[0][0].Text(); len(s) != size || strings.Trim(s, "y") != "" {
				t.Errorf("%d bytes came back of %d", len(s), size)
			}
		}
	})
}

// When the context ends, the statement doesn't go on waiting on the server with its locks.
func TestContextEndsStatement(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		holder, db := open(t, flavor)
		exec(t, holder, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2); BEGIN; SELECT * FROM t WHERE id = 1 FOR UPDATE")
		waiter := connect(t, admin(db.Server), mysql.Session{Name: "bridge/test", Database: db.Name})
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		done := make(chan error)
		go func() {
			_, err := waiter.Exec(ctx, "BEGIN; SELECT * FROM t WHERE id = 2 FOR UPDATE; SELECT * FROM t WHERE id = 1 FOR UPDATE")
			done <- err
		}()
		for rows(t, holder, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")[0] != "Innodb_row_lock_current_waits|1" {
		}
		cancel(enough)
		if err := <-done; !errors.Is(err, enough) || !waiter.Broken() {
			t.Errorf("error %v, broken %t", err, waiter.Broken())
		}
		for rows(t, holder, fmt.Sprint("SELECT count(*) FROM information_schema.processlist WHERE id = ", waiter.ID()))[0] != "0" {
		}
		exec(t, holder, "SELECT * FROM t WHERE id = 2 FOR UPDATE NOWAIT")
		if _, err := waiter.Exec(t.Context(), "SELECT 1"); err == nil {
			t.Error("the session goes on")
		}
	})
}

func TestConnectionErrors(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		tcp := mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: testserver.MySQLSuperuser}
		wrong := tcp
		wrong.Password = "hunter2"
		_, err := wrong.Connect(t.Context(), mysql.Session{})
		if mysql.Classify(err) != mysql.Fatal || strings.Contains(err.Error(), "hunter2") || !mysql.IsError(err, 1045) {
			t.Errorf("wrong password: %v", err)
		}
		conn := connect(t, tcp, mysql.Session{})
		server.Kill()
		if _, err := conn.Exec(t.Context(), "SELECT 1"); mysql.Classify(err) != mysql.Retry {
			t.Errorf("after the server's death: %v is of class %v", err, mysql.Classify(err))
		}
		if _, err := tcp.Connect(t.Context(), mysql.Session{}); mysql.Classify(err) != mysql.Retry {
			t.Errorf("without a server: %v is of class %v", err, mysql.Classify(err))
		}
		ended, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("told to stop"))
		if _, err := tcp.Connect(ended, mysql.Session{}); err == nil || !strings.Contains(err.Error(), "told to stop") {
			t.Errorf("with an ended context: %v", err)
		}
	})
}
