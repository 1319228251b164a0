package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// grantTo runs the script for an account on tables and returns the server as that account sees it.
func grantTo(t *testing.T, server *testserver.MySQL, g mysql.Grants) mysql.Server {
	t.Helper()
	var script strings.Builder
	if err := g.Write(&script); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, admin(server), mysql.Session{})
	for sql := range testserver.MySQLStatements(script.String()) {
		exec(t, conn, sql)
	}
	exec(t, conn, "ALTER USER "+mysql.Literal(g.User)+"@'%' IDENTIFIED BY 'pass\\'word' ACCOUNT UNLOCK")
	return mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: g.User, Password: "pass'word", SSLMode: "disable"}
}

func TestGrants(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		servertest.ExecMySQL(t, server, "", "CREATE DATABASE shop; CREATE DATABASE other; CREATE TABLE shop.users (id int PRIMARY KEY, v int); CREATE TABLE shop.`odd ``name` (id int PRIMARY KEY);"+
			"CREATE TABLE shop.secret (id int PRIMARY KEY); CREATE TABLE shop.Users2 (id int PRIMARY KEY); CREATE TABLE other.t (id int PRIMARY KEY); CREATE VIEW shop.users_view AS SELECT * FROM shop.users")
		grants := mysql.Grants{User: "bri'dge", Include: [][2]string{{"^shop$", "^users"}, {"^shop$", "odd"}}, Exclude: [][2]string{{"^shop$", "secret"}}}
		grantTo(t, server, grants)
		account := grantTo(t, server, grants) // again

		conn := connect(t, account, mysql.Session{Name: "bridge/test"})
		if err := mysql.CreateTables(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		if _, _, err := mysql.Claim(t.Context(), conn, "shop", "eu"); err != nil {
			t.Fatal(err)
		}
		if _, err := mysql.RaiseEpoch(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		exec(t, conn, "BEGIN; SELECT epoch FROM bridge.node LOCK IN SHARE MODE; INSERT INTO shop.users VALUES (1, 2); SELECT * FROM shop.users FOR UPDATE;"+
			"INSERT INTO shop.users VALUES (1, 3) ON DUPLICATE KEY UPDATE v = 3; UPDATE shop.users SET v = 4; DELETE FROM shop.users; INSERT INTO shop.`odd ``name` VALUES (1); COMMIT")
		for _, sql := range []string{"SELECT * FROM shop.secret", "SELECT * FROM shop.Users2", "SELECT * FROM other.t", "DROP TABLE shop.users", "SELECT * FROM mysql.user", "SET GLOBAL max_connections = 5"} {
			if _, err := conn.Exec(t.Context(), sql); err == nil || mysql.Classify(err) != mysql.Fatal {
				t.Errorf("%s: %v", sql, err)
			}
		}
		status := "SHOW BINARY LOG STATUS"
		if flavor == testserver.FlavorMariaDB {
			status = "SHOW MASTER STATUS"
		}
		if got := rows(t, conn, status); len(got) != 1 || !strings.HasPrefix(got[0], "binlog.0") {
			t.Errorf("%s: %v", status, got)
		}
		if got := fmt.Sprint(rows(t, conn, "SHOW BINARY LOGS")); !strings.Contains(got, "binlog.000001") {
			t.Error(got)
		}
	})
}
