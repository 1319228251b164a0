package servertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"bridge/internal/testserver"
)

// Flavors are the two kindred servers: tests of what both do run on each.
var Flavors = []testserver.Flavor{testserver.FlavorMySQL, testserver.FlavorMariaDB}

// MySQL starts a MySQL or MariaDB server of the test's own: for tests that stop it, that need settings,
// or that write outside of one database.
func MySQL(t testing.TB, flavor testserver.Flavor, o testserver.MySQLOptions) *testserver.MySQL {
	t.Helper()
	server, err := startMySQL(t.Context(), flavor, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			logs, err := server.Logs()
			t.Logf("log of %s on port %d (%v):\n%s", flavor, server.Port(), err, lastLines(logs))
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func startMySQL(ctx context.Context, flavor testserver.Flavor, o testserver.MySQLOptions) (*testserver.MySQL, error) {
	if flavor == testserver.FlavorMariaDB {
		return testserver.StartMariaDB(ctx, o)
	}
	return testserver.StartMySQL(ctx, o)
}

// MySQLDB is an empty database of one test, on a server that the package's tests share.
type MySQLDB struct {
	Server *testserver.MySQL
	Name   string
}

// MySQLDatabase makes an empty database on the test binary's shared server of a flavor, which doesn't
// sync and lives until the binary ends. Accounts, and the database "bridge", belong to the server: a test
// that needs them takes a server of its own. When the test ends, the database is dropped.
func MySQLDatabase(t testing.TB, flavor testserver.Flavor) MySQLDB {
	t.Helper()
	db := MySQLDB{sharedMySQL(t, flavor), databaseName(t)}
	if err := db.Server.CreateDatabase(t.Context(), db.Name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // a session that holds a lock in it makes this wait: close sessions first
		conn, err := client.Connect(db.Server.Socket(), testserver.MySQLSuperuser, "", "")
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, err := conn.Execute("DROP DATABASE `" + db.Name + "`"); err != nil {
			t.Errorf("drop database %s: %v", db.Name, err)
		}
	})
	return db
}

var (
	sharedMySQLMu      sync.Mutex
	sharedMySQLServers = map[testserver.Flavor]*testserver.MySQL{}
)

// sharedMySQL is the server of a flavor. Nobody closes it: it ends with this process.
func sharedMySQL(t testing.TB, flavor testserver.Flavor) *testserver.MySQL {
	t.Helper()
	sharedMySQLMu.Lock()
	defer sharedMySQLMu.Unlock()
	if server := sharedMySQLServers[flavor]; server != nil {
		return server
	}
	// Not the context of the test that happens to be the first.
	server, err := startMySQL(context.Background(), flavor, testserver.MySQLOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	sharedMySQLServers[flavor] = server
	return server
}

// ConnectMySQL opens a superuser's connection over the socket that ends with the test. database may be
// empty.
func ConnectMySQL(t testing.TB, server *testserver.MySQL, database string) *client.Conn {
	t.Helper()
	conn, err := connectMySQL(t.Context(), server, database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func connectMySQL(ctx context.Context, server *testserver.MySQL, database string) (*client.Conn, error) {
	return client.ConnectWithContext(ctx, server.Socket(), testserver.MySQLSuperuser, "", database, connectPatience,
		func(c *client.Conn) error { return c.SetCapability(mysql.CLIENT_MULTI_STATEMENTS) },
		func(c *client.Conn) error { return c.SetCollation("utf8mb4_bin") })
}

// ExecMySQL runs SQL statements, separated by semicolons, as the superuser on a connection of their own.
// database may be empty. A single statement that InnoDB rolls back for a deadlock is tried again, as every application
// of it must.
func ExecMySQL(t testing.TB, server *testserver.MySQL, database, statements string) {
	t.Helper()
	conn, err := connectMySQL(t.Context(), server, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	single := !strings.Contains(strings.TrimRight(statements, "; \n\t"), ";")
	for {
		err := execMySQL(conn, statements)
		if e, ok := errors.AsType[*mysql.MyError](err); ok && single && e.Code == mysql.ER_LOCK_DEADLOCK {
			continue
		}
		if err != nil {
			t.Fatalf("%v\nin: %s", err, statements)
		}
		return
	}
}

// execMySQL runs statements and gives the first one's error.
func execMySQL(conn *client.Conn, statements string) (failed error) {
	_, err := conn.ExecuteMultiple(statements, func(result *mysql.Result, err error) {
		if err != nil && failed == nil {
			failed = err
		}
		if result != nil {
			result.Close()
		}
	})
	if failed == nil {
		failed = err
	}
	return failed
}

// QueryMySQL returns the rows of a query, as the superuser, as text: values separated by tabs, NULL as
// "NULL". database may be empty.
func QueryMySQL(t testing.TB, server *testserver.MySQL, database, query string) []string {
	t.Helper()
	conn, err := connectMySQL(t.Context(), server, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	result, err := conn.Execute(query)
	if err != nil {
		t.Fatalf("%v\nin: %s", err, query)
	}
	defer result.Close()
	rows := make([]string, result.RowNumber())
	for i := range rows {
		values := make([]string, result.ColumnNumber())
		for j := range values {
			if values[j], err = result.GetString(i, j); err != nil {
				t.Fatal(err)
			}
			if null, _ := result.IsNull(i, j); null {
				values[j] = "NULL"
			}
		}
		rows[i] = strings.Join(values, "\t")
	}
	return rows
}

const connectPatience = 10 * time.Second
