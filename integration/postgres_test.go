package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/config"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// postgresDatabase is a region's database on PostgreSQL.
type postgresDatabase struct {
	servertest.DB
	mesh       *mesh
	role, slot string
	link       *testserver.Proxy // of its bridge to the database, if there's one
	mu         sync.Mutex
	conn       *pgx.Conn // the tests' own; made anew when it breaks
}

func newPostgres(m *mesh) *postgresDatabase {
	m.t.Helper()
	d := &postgresDatabase{mesh: m}
	if m.options.servers {
		server := servertest.Postgres(m.t, testserver.PostgresOptions{Version: m.options.version, Settings: m.options.settings})
		d.DB = servertest.DB{Server: server, Name: "postgres"}
	} else {
		d.DB = servertest.Database(m.t, m.options.version)
	}
	if m.options.links {
		d.link = servertest.Proxy(m.t, d.Server.Addr())
	}
	d.role, d.slot = "role_"+d.Name, "slot_"+d.Name
	return d
}

func (d *postgresDatabase) settings() map[string]any {
	return through(d.link, map[string]any{
		"engine": config.PostgreSQL, "host": d.Server.SocketDir(), "port": d.Server.Port(), "dbname": d.Name, "user": d.role, "slot": d.slot,
		"skip_applied": d.mesh.options.version >= 16,
	})
}

func (d *postgresDatabase) selection() map[string]any {
	return map[string]any{"include": []string{"*.*"}, "exclude": []string{"public.audit*"}}
}

// script runs psql.
func (d *postgresDatabase) script(text string) error {
	cmd := exec.Command(d.Server.Bin("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-", d.SocketDSN())
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w\n%s", err, lastLines(string(out), 10))
	}
	return nil
}

// granting: GRANT ON PARAMETER writes one row of a catalog that all databases of a server share.
var granting sync.Mutex

func (d *postgresDatabase) grant(script string) error {
	granting.Lock()
	defer granting.Unlock()
	return d.script(script)
}

// with runs f on the tests' connection.
func (d *postgresDatabase) with(f func(*pgx.Conn) error) (err error) {
	ctx := d.mesh.ctx
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil && d.conn.Ping(ctx) != nil {
		d.conn = nil
	}
	if d.conn == nil {
		if d.conn, err = pgx.Connect(ctx, d.SocketDSN()); err != nil {
			return err
		}
	}
	if err = f(d.conn); err != nil {
		d.conn.Close(ctx) //nolint:errcheck // it may be broken, or in a transaction
		d.conn = nil
	}
	return err
}

func (d *postgresDatabase) rows(sql string) (out [][]string, err error) {
	err = d.with(func(conn *pgx.Conn) error {
		results, err := conn.PgConn().Exec(d.mesh.ctx, sql).ReadAll()
		for _, result := range results {
			for _, row := range result.Rows {
				fields := make([]string, len(row))
				for i, v := range row {
					if fields[i] = null; v != nil {
						fields[i] = string(v)
					}
				}
				out = append(out, fields)
			}
		}
		return err
	})
	return out, err
}

func (d *postgresDatabase) tables() (names []string, err error) {
	rows, err := d.rows(`SELECT format('%I.%I', schemaname, tablename) FROM pg_publication_tables
		WHERE pubname = 'bridge' AND schemaname <> 'bridge' ORDER BY 1`)
	for _, row := range rows {
		names = append(names, row[0])
	}
	return names, err
}

// portable writes a column's values as other engines do.
const portable = `CASE atttypid
	WHEN 'bool'::regtype THEN quote_ident(attname) || '::int'
	WHEN 'bpchar'::regtype THEN 'rtrim(' || quote_ident(attname) || ')'
	WHEN 'bytea'::regtype THEN 'encode(' || quote_ident(attname) || ', ''hex'')'
	WHEN 'timestamptz'::regtype THEN 'to_char(' || quote_ident(attname) || ' AT TIME ZONE ''UTC'', ''YYYY-MM-DD HH24:MI:SS.US'')'
	WHEN 'timestamp'::regtype THEN 'to_char(' || quote_ident(attname) || ', ''YYYY-MM-DD HH24:MI:SS.US'')'
	ELSE quote_ident(attname) END`

// dump is COPY's text, columns by name.
func (d *postgresDatabase) dump(table string, common bool) (string, error) {
	form := `quote_ident(attname)`
	if common {
		form = portable
	}
	columns, err := d.rows(fmt.Sprintf(`SELECT string_agg(%s, ', ' ORDER BY attname COLLATE "C") FROM pg_attribute
		WHERE attrelid = $$%s$$::regclass AND attnum > 0 AND NOT attisdropped`, form, table))
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = d.with(func(conn *pgx.Conn) error {
		_, err := conn.PgConn().CopyTo(d.mesh.ctx, &out, fmt.Sprintf(`COPY (SELECT %s FROM %s) TO STDOUT`, columns[0][0], table))
		return err
	})
	return strings.Join(slices.Sorted(strings.Lines(out.String())), ""), err
}

func (d *postgresDatabase) application() (applicationSession, error) {
	conn, err := pgx.Connect(d.mesh.ctx, d.SocketDSN())
	return postgresSession{conn, d.mesh.ctx}, err
}

func (d *postgresDatabase) judge(err error) verdict {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || strings.HasPrefix(server.Code, "57P") {
		return broken
	}
	return failed
}

func (d *postgresDatabase) crash(ctx context.Context) error {
	return d.Server.Restart(ctx, testserver.Immediate)
}

func (d *postgresDatabase) close() {
	if d.conn != nil {
		d.conn.Close(d.mesh.ctx) //nolint:errcheck // the database goes
	}
}

type postgresSession struct {
	conn *pgx.Conn
	ctx  context.Context
}

func (s postgresSession) exec(sql string) error {
	_, err := s.conn.PgConn().Exec(s.ctx, sql).ReadAll()
	return err
}

func (s postgresSession) close() { s.conn.Close(s.ctx) } //nolint:errcheck // it may be broken
