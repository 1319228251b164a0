package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/internal/testserver"
)

// region is a server, a bridge beside it, and the application's session.
type region struct {
	name         string
	mesh         *mesh
	server       *testserver.Postgres
	database     string
	bridge       *testserver.Program
	conn         *pgx.Conn
	transactions int
}

// application is the role that the application connects as; schema.sql makes it.
const application = "app"

// startServer starts a server with the example's tables.
func (r *region) startServer(ctx context.Context) (err error) {
	if r.server, err = testserver.StartPostgres(ctx, testserver.PostgresOptions{}); err != nil {
		return err
	}
	r.database = filepath.Base(r.mesh.Dir)
	if err := r.server.CreateDatabase(ctx, r.database); err != nil {
		return err
	}
	schema, err := os.ReadFile(filepath.Join(r.mesh.Dir, "schema.sql"))
	if err != nil {
		return err
	}
	if err := r.administer(ctx, string(schema)); err != nil {
		return fmt.Errorf("create the tables: %w", err)
	}
	r.conn, err = pgx.Connect(ctx, r.server.SocketDSN(r.database, application))
	return err
}

// setUp does what an operator does: what "bridge grants" prints as a DBA, "bridge check", "bridge init".
func (r *region) setUp(ctx context.Context) error {
	grants, err := r.run(ctx, "grants")
	if err != nil {
		return err
	}
	if err := r.administer(ctx, grants); err != nil {
		return fmt.Errorf("run what bridge grants prints: %w", err)
	}
	if _, err = r.run(ctx, "check"); err != nil {
		return err
	}
	if _, err = r.run(ctx, "init"); err != nil || !r.mesh.Parked {
		return err
	}
	if grants, err = r.run(ctx, "grants", "--operator", application, "--read-only"); err != nil {
		return err
	}
	return r.administer(ctx, grants)
}

// administer runs SQL as a DBA.
func (r *region) administer(ctx context.Context, sql string) error {
	_, err := testserver.Output(ctx, sql, r.server.Bin("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-", r.server.SocketDSN(r.database, testserver.Superuser))
	return err
}

// arguments are a command's: the example's file, with the addresses of this run.
func (r *region) arguments(command ...string) []string {
	return append(command, "-c", filepath.Join(r.mesh.Dir, r.name+".yaml"),
		"--set", "database.host="+r.server.SocketDir(), "--set", fmt.Sprintf("database.port=%d", r.server.Port()),
		"--set", "kafka.brokers="+r.mesh.broker.Addr(), "--set", "http.listen=", "--set", "log.format=json")
}

func (r *region) run(ctx context.Context, command ...string) (string, error) {
	return testserver.Output(ctx, "", r.mesh.bridge, r.arguments(command...)...)
}

func (r *region) startBridge(ctx context.Context) (err error) {
	r.bridge, err = testserver.StartProgram(ctx, testserver.ProgramOptions{
		Name: "bridge of region " + r.name, Path: r.mesh.bridge, Args: r.arguments("run"),
		Log: filepath.Join(r.mesh.dir, r.name+".log"), Ready: `"region is running"`,
	})
	return err
}

// finish makes the region's last write. Who has it has everything before it: bridge keeps to causal order.
func (r *region) finish(ctx context.Context) error {
	_, err := r.conn.Exec(ctx, "INSERT INTO finished VALUES ($1)", r.name)
	return err
}

// waitForAll waits until the region has the last writes of all.
func (r *region) waitForAll(ctx context.Context) error {
	for {
		n, err := r.value(ctx, "SELECT count(*)::text FROM finished")
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if n == fmt.Sprint(len(r.mesh.regions)) {
			return nil
		}
		if r.bridge.Ended() {
			return errors.New("its bridge has ended")
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// value is a query's only value.
func (r *region) value(ctx context.Context, sql string) (v string, err error) {
	conn, err := pgx.Connect(ctx, r.server.SocketDSN(r.database, testserver.Superuser))
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has only read
	err = conn.QueryRow(ctx, sql).Scan(&v)
	return v, err
}

func (r *region) close() error {
	var errs []error
	if r.bridge != nil {
		errs = append(errs, r.bridge.Close())
	}
	if r.conn != nil {
		errs = append(errs, r.conn.Close(context.Background()))
	}
	if r.server != nil {
		errs = append(errs, r.server.Close())
	}
	return errors.Join(errs...)
}
