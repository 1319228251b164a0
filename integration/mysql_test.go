package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"bridge/config"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// mysqlDatabase is a region's server of MySQL or MariaDB. Its tables are in database shop, which is schema
// public between the regions.
type mysqlDatabase struct {
	*testserver.MySQL
	mesh *mesh
	link *testserver.Proxy // of its bridge to the server, if there's one
	mu   sync.Mutex
	conn *client.Conn // the tests' own; made anew when it breaks
}

// newMySQL starts a server: a region is all of one.
func newMySQL(m *mesh, engine string) *mysqlDatabase {
	m.t.Helper()
	flavor := testserver.FlavorMySQL
	if engine == config.MariaDB {
		flavor = testserver.FlavorMariaDB
	}
	d := &mysqlDatabase{MySQL: servertest.MySQL(m.t, flavor, testserver.MySQLOptions{NoSync: true, Settings: m.options.settings}), mesh: m}
	if m.options.links {
		d.link = servertest.Proxy(m.t, d.Addr())
	}
	collation := "utf8mb4_0900_bin" // compares as PostgreSQL does
	if flavor == testserver.FlavorMariaDB {
		collation = "utf8mb4_nopad_bin"
	}
	if _, err := d.run("", "CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE "+collation); err != nil {
		m.t.Fatal(err)
	}
	return d
}

func (d *mysqlDatabase) engine() string { return string(d.Flavor()) }

func (d *mysqlDatabase) settings() map[string]any {
	return through(d.link, map[string]any{"engine": d.engine(), "host": d.Socket(), "dbname": "shop", "user": "bridge", "password": "secret"})
}

func (d *mysqlDatabase) selection() map[string]any {
	return map[string]any{
		"exclude": []string{"shop.audit*"}, "schemas": map[string]string{"shop": "public"},
		"allow_triggers": []string{"shop.ledger.audit_insert", "shop.ledger.audit_update", "shop.ledger.audit_delete"},
	}
}

// script runs statements as the mysql client does: each ends with the delimiter, which DELIMITER changes.
func (d *mysqlDatabase) script(text string) error {
	delimiter, statement := ";", ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if after, ok := strings.CutPrefix(trimmed, "DELIMITER "); ok {
			delimiter = after
			continue
		}
		if statement == "" && (trimmed == "" || strings.HasPrefix(trimmed, "--")) {
			continue
		}
		statement += line
		if sql, ok := strings.CutSuffix(strings.TrimSpace(statement), delimiter); ok {
			if _, err := d.rows(sql); err != nil {
				return fmt.Errorf("%w\nin: %s", err, sql)
			}
			statement = ""
		}
	}
	if statement != "" {
		return fmt.Errorf("the script ends in the middle of a statement: %s", statement)
	}
	return nil
}

func (d *mysqlDatabase) grant(script string) error {
	return d.script(script + "\nALTER USER 'bridge'@'%' IDENTIFIED BY 'secret' ACCOUNT UNLOCK;")
}

func (d *mysqlDatabase) connect(database string) (*client.Conn, error) {
	return client.ConnectWithContext(d.mesh.ctx, d.Socket(), testserver.MySQLSuperuser, "", database, patience,
		func(c *client.Conn) error {
			return errors.Join(c.SetCapability(mysql.CLIENT_MULTI_STATEMENTS), c.SetCapability(mysql.CLIENT_MULTI_RESULTS), c.SetCollation("utf8mb4_bin"))
		})
}

func (d *mysqlDatabase) rows(sql string) ([][]string, error) { return d.run("shop", sql) }

func (d *mysqlDatabase) run(database, sql string) (out [][]string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil && d.conn.Ping() != nil {
		d.conn = nil
	}
	if d.conn == nil {
		if d.conn, err = d.connect(database); err != nil {
			return nil, err
		}
		if _, err := execute(d.conn, "SET time_zone = '+00:00'"); err != nil {
			return nil, err
		}
	}
	if out, err = execute(d.conn, sql); err != nil || database == "" {
		d.conn.Close() //nolint:errcheck // it may be broken, or in a transaction
		d.conn = nil
	}
	return out, err
}

// execute runs statements up to the first that fails, and gives the rows of all of them.
func execute(conn *client.Conn, sql string) (out [][]string, err error) {
	_, broken := conn.ExecuteMultiple(sql, func(result *mysql.Result, failure error) {
		if failure != nil && err == nil {
			err = failure
		}
		if result == nil {
			return
		}
		defer result.Close()
		if !result.HasResultset() {
			return
		}
		for i := range result.RowNumber() {
			row := make([]string, result.ColumnNumber())
			for j := range row {
				text, failure := result.GetString(i, j)
				err = errors.Join(err, failure)
				if row[j] = strings.Clone(text); result.Values[i][j].Value() == nil {
					row[j] = null
				}
			}
			out = append(out, row)
		}
	})
	if err == nil {
		err = broken
	}
	return out, err
}

func (d *mysqlDatabase) tables() (names []string, err error) {
	rows, err := d.rows(`SELECT table_name FROM information_schema.tables
		WHERE table_schema = 'shop' AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'audit%' ORDER BY 1`)
	for _, row := range rows {
		name := row[0]
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			name = quoteMySQL(name)
		}
		names = append(names, "shop."+name)
	}
	return names, err
}

func quoteMySQL(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

var copyEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\v", `\v`)

// dump is as PostgreSQL's COPY would write it. The form is always the portable one.
func (d *mysqlDatabase) dump(table string, _ bool) (string, error) {
	described, err := d.rows("SHOW COLUMNS FROM " + table) // name, type, …
	if err != nil {
		return "", err
	}
	slices.SortFunc(described, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	columns := make([]string, len(described))
	for i, c := range described {
		if columns[i] = quoteMySQL(c[0]); strings.Contains(c[1], "binary") || strings.Contains(c[1], "blob") {
			columns[i] = "lower(hex(" + columns[i] + "))"
		}
	}
	rows, err := d.rows(fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), table))
	lines := make([]string, len(rows))
	for i, row := range rows {
		for j, v := range row {
			if row[j] = copyEscapes.Replace(v); v == null {
				row[j] = `\N`
			}
		}
		lines[i] = strings.Join(row, "\t") + "\n"
	}
	slices.Sort(lines)
	return strings.Join(lines, ""), err
}

func (d *mysqlDatabase) application() (applicationSession, error) {
	conn, err := d.connect("shop")
	return mysqlSession{conn}, err
}

func (d *mysqlDatabase) judge(err error) verdict {
	const shutdown, killed, deadlock = 1053, 1317, 1213
	server, ok := errors.AsType[*mysql.MyError](err)
	switch {
	case !ok, server.Code == shutdown, server.Code == killed:
		return broken
	case server.Code == deadlock:
		return rolledBack
	}
	return failed
}

func (d *mysqlDatabase) crash(ctx context.Context) error {
	d.Kill()
	return d.Start(ctx)
}

func (d *mysqlDatabase) close() {
	if d.conn != nil {
		d.conn.Close() //nolint:errcheck // the server goes
	}
}

type mysqlSession struct{ conn *client.Conn }

func (s mysqlSession) exec(sql string) error {
	_, err := execute(s.conn, sql)
	return err
}

func (s mysqlSession) close() { s.conn.Close() } //nolint:errcheck // it may be broken
