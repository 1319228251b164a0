package mysql

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bridge/apply"
	"bridge/apply/applytest"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
)

// bed is a region of one test on a server that the package's tests share; tests on it don't run in parallel.
type bed struct {
	*applytest.Bed
	server *testserver.MySQL
	admin  *mysql.Conn
}

func root(s *testserver.MySQL) mysql.Server {
	return mysql.Server{Socket: s.Socket(), User: testserver.MySQLSuperuser}
}

// connector opens sessions as the engine does.
func connector(server mysql.Server) func(context.Context, string) (*mysql.Conn, error) {
	return func(ctx context.Context, role string) (*mysql.Conn, error) {
		return server.Connect(ctx, mysql.Session{Name: "bridge/test/" + role, Database: "bridge", LockTimeout: time.Second})
	}
}

func newBed(t *testing.T, flavor testserver.Flavor) *bed {
	t.Helper()
	server := servertest.MySQLDatabase(t, flavor).Server
	admin, err := root(server).Connect(t.Context(), mysql.Session{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	if err := mysql.CreateTables(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if _, _, err := mysql.Claim(t.Context(), admin, "c", "test"); err != nil {
		t.Fatal(err)
	}
	epoch, err := mysql.RaiseEpoch(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	run(t, admin, "DELETE FROM bridge.progress; DELETE FROM bridge.conflicts; DELETE FROM bridge.parked; DROP DATABASE IF EXISTS app; CREATE DATABASE app")
	connect := connector(root(server))
	return &bed{server: server, admin: admin, Bed: &applytest.Bed{
		Target: NewTarget(connect, epoch, apply.Inward{}),
		Named:  func(n naming.Names) apply.Target { return NewTarget(connect, epoch, apply.Inward{Names: n}) },
		Quote:  mysql.Quote,
		Compute: func(table, key, expression string) string {
			if flavor == testserver.FlavorMySQL {
				return fmt.Sprintf("CREATE UNIQUE INDEX %s ON %s ((%s), n)", key, table, expression)
			}
			return fmt.Sprintf("ALTER TABLE %s ADD of_%s varchar(60) AS (%s) VIRTUAL, ADD UNIQUE KEY %[2]s (of_%[2]s, n)", table, key, expression)
		},
		Exec: func(ctx context.Context, sql string) error {
			conn, err := connect(ctx, "application")
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = conn.Exec(ctx, "SET foreign_key_checks = 1; "+sql) // as an application's: bridge's own are off
			return err
		},
		Waited: func(err error) bool { return mysql.IsError(err, 1205) },
		Rows:   func(t testing.TB, sql string) []string { return rows(t, admin, sql) },
	}}
}

func run(t testing.TB, conn *mysql.Conn, sql string) []mysql.Result {
	t.Helper()
	results, err := conn.Exec(t.Context(), sql)
	if err != nil {
		t.Fatalf("%v\nin: %s", err, sql)
	}
	return results
}

// rows are the last statement's rows as the server prints them.
func rows(t testing.TB, conn *mysql.Conn, sql string) (list []string) {
	t.Helper()
	results := run(t, conn, sql)
	for _, row := range results[len(results)-1].Rows {
		values := make([]string, len(row))
		for i, v := range row {
			values[i] = "NULL"
			if s, ok := v.Text(); ok {
				values[i] = s
			}
		}
		list = append(list, strings.Join(values, "|"))
	}
	return list
}

// on runs a test on both servers.
func on(t *testing.T, test func(t *testing.T, flavor testserver.Flavor)) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) { test(t, flavor) })
	}
}

func TestContract(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		applytest.Run(t, func(t *testing.T) *applytest.Bed { return newBed(t, flavor).Bed })
	})
}
