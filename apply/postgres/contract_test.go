package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/apply"
	"bridge/apply/applytest"
	pg "bridge/internal/postgres"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
)

func TestContract(t *testing.T) { applytest.Run(t, contractBed) }

func contractBed(t *testing.T) *applytest.Bed { return newBed(t, 15) }

// newBed is a bed on a server of that version.
func newBed(t *testing.T, version int) *applytest.Bed {
	db := servertest.Database(t, version)
	connect := func(ctx context.Context) (*pgx.Conn, error) {
		config, err := pgx.ParseConfig(db.SocketDSN())
		if err != nil {
			return nil, err
		}
		config.RuntimeParams["lock_timeout"] = "1s"
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		return pgx.ConnectConfig(ctx, config)
	}
	admin, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
	if err := pg.CreateTables(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(t.Context(), `CREATE SCHEMA app`); err != nil {
		t.Fatal(err)
	}
	session := func(string) (*pgx.ConnConfig, error) {
		return pg.Server{URL: db.SocketDSN()}.Config(pg.Session{Name: "bridge/test", LockTimeout: time.Second})
	}
	config, err := session("barrier")
	if err != nil {
		t.Fatal(err)
	}
	fence, err := NewFence(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fence.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
	target := NewTarget(session, fence, apply.Inward{})
	t.Cleanup(func() { target.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
	return &applytest.Bed{
		Target: target,
		Named:  func(names naming.Names) apply.Target { return NewTarget(session, fence, apply.Inward{Names: names}) },
		Quote:  pg.Quote,
		Compute: func(table, key, expression string) string {
			return fmt.Sprintf("CREATE UNIQUE INDEX %s ON %s ((%s), n)", key, table, expression)
		},
		Exec: func(ctx context.Context, sql string) error {
			conn, err := connect(ctx)
			if err != nil {
				return err
			}
			defer conn.Close(ctx) //nolint:errcheck // it has done its work
			_, err = conn.Exec(ctx, sql)
			return err
		},
		Waited: func(err error) bool {
			server, ok := errors.AsType[*pgconn.PgError](err)
			return ok && server.Code == "55P03"
		},
		Rows: func(t testing.TB, sql string) []string { return rowsOf(t, admin, sql) },
	}
}

// rowsOf are a query's rows as the server prints them.
func rowsOf(t testing.TB, conn *pgx.Conn, sql string) (list []string) {
	t.Helper()
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%v\nin: %s", err, sql)
	}
	for _, row := range results[0].Rows {
		values := make([]string, len(row))
		for i, v := range row {
			values[i] = string(v)
			if v == nil {
				values[i] = "NULL"
			}
		}
		list = append(list, strings.Join(values, "|"))
	}
	return list
}
