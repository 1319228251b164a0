package main

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"strings"

	"bridge/internal/mysql"
	"bridge/internal/testserver"
)

// mysqlKind is a kind of server, and what its commits wait for. A region is the whole server there, so each
// measurement gets new ones.
type mysqlKind struct {
	flavor  testserver.Flavor
	durable bool
}

// String names the settings, too: figures mean nothing without them.
func (k mysqlKind) String() string {
	s := k.commits()
	return fmt.Sprintf("%s, sync_binlog=%s flush_log_at_trx_commit=%s", k.flavor, s["sync_binlog"], s["innodb_flush_log_at_trx_commit"])
}

// commits are the settings that say what a commit waits for: for the disk, or for the operating system.
func (k mysqlKind) commits() map[string]string {
	if k.durable {
		return map[string]string{"sync_binlog": "1", "innodb_flush_log_at_trx_commit": "1"}
	}
	return map[string]string{"sync_binlog": "0", "innodb_flush_log_at_trx_commit": "2"}
}

// settings are the servers', for every contestant alike: all of the table fits into memory, and the log into its
// file, so that nobody meets a checkpoint.
func (k mysqlKind) settings() map[string]string {
	all := k.commits()
	all["innodb_buffer_pool_size"] = "256M"
	if k.flavor == testserver.FlavorMariaDB {
		all["innodb_log_file_size"] = "512M"
	} else {
		all["innodb_redo_log_capacity"] = "512M"
	}
	return all
}

// pairs is where both sides are of this kind.
func (k mysqlKind) pairs(s sizes) place {
	return place{k.side(s), k.side(s)}
}

// side makes a server with the tables of [accounts].
func (k mysqlKind) side(s sizes) func(context.Context, string) (side, error) {
	return func(ctx context.Context, _ string) (side, error) {
		start := testserver.StartMySQL
		if k.flavor == testserver.FlavorMariaDB {
			start = testserver.StartMariaDB
		}
		server, err := start(ctx, testserver.MySQLOptions{Settings: k.settings()})
		if err != nil {
			return nil, err
		}
		m := &mysqlServer{server: server, kind: k}
		if m.Conn, err = m.connect(ctx); err == nil {
			err = m.fill(ctx, s)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("fill a server of %s: %w", k.flavor, err), m.drop())
		}
		return m, nil
	}
}

// mysqlServer is a server of MySQL or MariaDB, a side of a pair.
type mysqlServer struct {
	server *testserver.MySQL
	kind   mysqlKind
	*mysql.Conn
}

func (m *mysqlServer) connect(ctx context.Context) (*mysql.Conn, error) {
	return mysql.Server{Socket: m.server.Socket(), User: testserver.MySQLSuperuser}.Connect(ctx, mysql.Session{Name: "bench"})
}

// unlogged is for what both sides have from the beginning: it isn't in the log that a contestant reads.
func (m *mysqlServer) unlogged(ctx context.Context, statements ...string) error {
	for _, sql := range append(append([]string{"SET sql_log_bin = 0"}, statements...), "SET sql_log_bin = 1") {
		if err := m.run(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// fill makes the tables of [accounts], row by row the same. The hashes are from here: MySQL has no md5 any more.
func (m *mysqlServer) fill(ctx context.Context, s sizes) error {
	statements := []string{
		"CREATE DATABASE bench",
		"USE bench",
		"CREATE TABLE acc (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, filler text NOT NULL, at datetime(6) NOT NULL)",
		"CREATE TABLE probe (id int PRIMARY KEY)",
	}
	const some = 5000
	for first := 0; first <= s.rows; first += some {
		sql := []byte("INSERT INTO acc VALUES ")
		for id := first; id <= min(s.rows, first+some-1); id++ {
			sql = fmt.Appendf(sql, "(%[1]d, 0, %[1]d, '%[2]x%[3]s', '2026-01-01'),", id, md5.Sum(fmt.Append(nil, id)), "xxxxxxxx")
		}
		statements = append(statements, string(sql[:len(sql)-1]))
	}
	return m.unlogged(ctx, append(statements, "ANALYZE TABLE acc")...)
}

func (m *mysqlServer) run(ctx context.Context, sql string) error {
	_, err := m.Exec(ctx, sql)
	return err
}

func (m *mysqlServer) value(ctx context.Context, sql string) (string, error) {
	row, err := m.Text(ctx, sql)
	if err != nil {
		return "", err
	}
	return row[0], nil
}

func (m *mysqlServer) write(ctx context.Context, w *backlog, s sizes) error {
	if err := m.setGlobal(ctx, mysqlKind{}.commits()); err != nil {
		return err
	}
	if err := m.unlogged(ctx, "CREATE PROCEDURE backlog() "+w.mysql(s)); err != nil {
		return err
	}
	if err := m.run(ctx, "CALL backlog()"); err != nil {
		return err
	}
	return m.setGlobal(ctx, m.kind.commits())
}

// setGlobal changes the server's settings, which count for all sessions at once.
func (m *mysqlServer) setGlobal(ctx context.Context, settings map[string]string) error {
	for name, value := range settings {
		if err := m.run(ctx, "SET GLOBAL "+name+" = "+value); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint does nothing: the server is new, and its log isn't full.
func (m *mysqlServer) checkpoint(context.Context) error { return nil }

func (m *mysqlServer) beingRead(ctx context.Context, _ string) (bool, error) {
	n, err := m.value(ctx, "SELECT count(*) FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'")
	return n != "0", err
}

// rowTexts are the expressions that show a row as PostgreSQL does.
var rowTexts = map[string]string{
	"acc": `concat('(', id, ',', a, ',', b, ',', filler, ',"', trim(trailing '.' from trim(trailing '0' from at)), '")')`,
}

func (m *mysqlServer) digest(ctx context.Context, table string) (string, error) {
	return m.value(ctx, fmt.Sprintf("SELECT concat(count(*), ' rows of hash ', sum(conv(left(sha2(%s, 256), 8), 16, 10) + 0)) FROM %s", rowTexts[table], table))
}

// section gives the tables the names that they have on PostgreSQL.
func (m *mysqlServer) section(string) string {
	return fmt.Sprintf("database: {engine: %s, host: %s, dbname: bench, user: %s}\ntables: {schemas: {bench: public}}",
		strings.ToLower(m.server.Flavor().String()), m.server.Socket(), testserver.MySQLSuperuser)
}

func (m *mysqlServer) drop() error {
	if m.Conn != nil {
		m.Conn.Close()
	}
	return m.server.Close()
}
