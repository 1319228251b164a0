package engines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/change"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	comparepg "bridge/compare/postgres"
	"bridge/config"
	enginepg "bridge/engine/postgres"
	"bridge/internal/postgres"
	pgpreflight "bridge/internal/postgres/preflight"
	"bridge/internal/preflight"
	"bridge/node"
)

// postgresDatabase is a region's PostgreSQL.
type postgresDatabase struct{ c *config.Config }

// server translates the configuration's database.
func (d postgresDatabase) server() postgres.Server {
	db := &d.c.Database
	return postgres.Server{
		URL:  db.URL.Reveal(),
		Host: db.Host, Port: db.Port, Database: db.DBName, User: db.User, Password: db.Password.Reveal(),
		SSLMode: db.SSLMode, CAFile: db.TLS.CAFile, CertFile: db.TLS.CertFile, KeyFile: db.TLS.KeyFile, ServerName: db.TLS.ServerName,
		ConnectTimeout: db.ConnectTimeout.Std(),
	}
}

// session is one for a role of this region's bridge: "check", "apply", ….
func (d postgresDatabase) session(role string) postgres.Session {
	return postgres.Session{
		Name:             sessionName(d.c, role),
		StatementTimeout: d.c.Database.StatementTimeout.Std(),
		LockTimeout:      d.c.Database.LockTimeout.Std(),
	}
}

// connect opens a connection for a command; the role names it to the server.
func (d postgresDatabase) connect(ctx context.Context, role string) (*pgx.Conn, error) {
	pg, err := d.server().Config(d.session(role))
	if err != nil {
		return nil, shell.Usage(err)
	}
	conn, err := pgx.ConnectConfig(ctx, pg)
	if err != nil {
		return nil, shell.Environment(fmt.Errorf("connect to the database: %w", err))
	}
	return conn, nil
}

func (d postgresDatabase) Engine() (node.Engine, error) {
	c := d.c
	b, err := settings.TranslationOf(c)
	if err != nil {
		return nil, err
	}
	return enginepg.New(enginepg.Config{
		Server: d.server(), Cluster: c.Cluster, Region: c.Region,
		Slot: c.Database.Slot, Publication: c.Database.Publication, SpillDir: c.SpillDir(os.TempDir()),
		StatementTimeout: c.Database.StatementTimeout.Std(), LockTimeout: c.Database.LockTimeout.Std(),
		SkipApplied: c.Database.SkipApplied,
		Selected:    settings.Selected(c), Names: b.Names, Others: b.Others, Policy: b.Policy,
	}), nil
}

// preflightSettings translates the configuration.
func (d postgresDatabase) preflightSettings() (pgpreflight.Settings, error) {
	c := d.c
	policy, err := settings.ValuePolicy(c)
	if err != nil {
		return pgpreflight.Settings{}, err
	}
	names, err := settings.Names(c)
	if err != nil {
		return pgpreflight.Settings{}, err
	}
	rules, err := settings.LocalRules(c)
	origins := 0
	if c.Database.SkipApplied {
		origins = c.Database.ApplyConnections
	}
	return pgpreflight.Settings{
		SkipApplied: origins,
		Cluster:     c.Cluster, Region: c.Region, Regions: settings.Regions(c),
		Slot: c.Database.Slot, FailoverSlot: c.Database.FailoverSlot, Publication: c.Database.Publication,
		Connections: c.Database.ApplyConnections + ownConnections,
		Selected:    settings.Selected(c), Policy: policy, Rules: rules, Policies: settings.Policies(c), NextPolicies: settings.NextPolicies(c), Names: names,
	}, err
}

func (d postgresDatabase) Check(ctx context.Context) (*preflight.Report, error) {
	if findings := d.checkReplicationConnection(ctx); len(findings) > 0 {
		return &preflight.Report{Findings: findings}, nil
	}
	conn, err := d.connect(ctx, "check")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	settings, err := d.preflightSettings()
	if err != nil {
		return nil, err
	}
	return pgpreflight.Run(ctx, conn, settings)
}

// checkReplicationConnection tries the second kind of connection that bridge needs: poolers refuse it,
// and so may pg_hba.conf. A database that can't be reached at all shows here, too.
func (d postgresDatabase) checkReplicationConnection(ctx context.Context) []preflight.Finding {
	session := d.session("check")
	session.Replication = true
	pg, err := d.server().Config(session)
	if err != nil {
		return []preflight.Finding{preflight.Failure("database", err)}
	}
	conn, err := pgconn.ConnectConfig(ctx, &pg.Config)
	if err == nil {
		conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only tried
		return nil
	}
	plain, errPlain := d.connect(ctx, "check")
	if errPlain != nil {
		return []preflight.Finding{d.unreachable(errPlain)}
	}
	defer plain.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	if !mayReplicate(ctx, plain) {
		return nil // preflight reports the missing right
	}
	return []preflight.Finding{{Level: preflight.Error, Object: "database",
		Text: "an ordinary connection works, one for replication doesn't: " + err.Error(),
		Fix:  "connect to the server itself, not to a pooler; and see pg_hba.conf"}}
}

func mayReplicate(ctx context.Context, conn *pgx.Conn) (may bool) {
	err := conn.QueryRow(ctx, `SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user`).Scan(&may)
	return err != nil || may
}

func (postgresDatabase) unreachable(err error) preflight.Finding {
	f := preflight.Failure("database", err)
	if server, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(server.Code, "28") {
		f.Fix = `check user, password and pg_hba.conf; "bridge grants" prints how to create the role`
	} else if postgres.Classify(err) == postgres.Retry {
		f.Fix = "check address, port and firewall, and that the server runs"
	}
	return f
}

func (d postgresDatabase) Grants(to io.Writer) error {
	pg, err := d.server().Config(d.session("grants"))
	if err != nil {
		return shell.Usage(err)
	}
	return postgres.Grants{
		Role: pg.User, Database: pg.Database, Publication: d.c.Database.Publication,
		Include: expressions(d.c.Tables.Include), Exclude: expressions(d.c.Tables.Exclude),
		SkipApplied: d.c.Database.SkipApplied,
	}.Write(to)
}

func (d postgresDatabase) OperatorGrants(to io.Writer, role string, readOnly bool) error {
	pg, err := d.server().Config(d.session("grants"))
	if err != nil {
		return shell.Usage(err)
	}
	return postgres.Grants{
		Role: role, Database: pg.Database, Include: expressions(d.c.Tables.Include), Exclude: expressions(d.c.Tables.Exclude),
	}.WriteOperator(to, readOnly)
}

func (d postgresDatabase) Region(ctx context.Context, role string) (Compared, error) {
	session := d.session(role)
	session.Settings = map[string]string{"default_transaction_read_only": "on"}
	r, err := d.open(ctx, session, settings.Selected(d.c))
	if err != nil {
		return nil, shell.Environment(err)
	}
	return r, nil
}

func (d postgresDatabase) open(ctx context.Context, session postgres.Session, selected func(change.TableName) bool) (*comparepg.Region, error) {
	b, err := settings.TranslationOf(d.c)
	if err != nil {
		return nil, err
	}
	return comparepg.Open(ctx, d.c.Region, d.server(), session, b.Compared(selected))
}

func (d postgresDatabase) Running(ctx context.Context) (bool, error) {
	conn, err := d.connect(ctx, "check")
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	slot, err := postgres.LoadSlot(ctx, conn, d.c.Database.Slot)
	return slot != nil && slot.Active, err
}

func (d postgresDatabase) Stored(ctx context.Context) (*Stored, error) {
	conn, err := d.connect(ctx, "status")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	s := &Stored{Slot: d.c.Database.Slot, Applied: map[string]uint64{}}
	err = conn.QueryRow(ctx, `
SELECT active, coalesce(confirmed_flush_lsn::text, ''), coalesce(pg_current_wal_lsn() - confirmed_flush_lsn, 0)::bigint,
       coalesce(pg_current_wal_lsn() - restart_lsn, 0)::bigint, coalesce(wal_status, '')
FROM pg_replication_slots WHERE slot_name = $1`, s.Slot).Scan(&s.SlotActive, &s.Confirmed, &s.SlotLagBytes, &s.KeptBytes, &s.WALStatus)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf(`replication slot %s isn't there: run "bridge check"`, s.Slot)
	}
	if err != nil {
		return nil, fmt.Errorf("read replication slot %s: %w", s.Slot, err)
	}
	rows, err := conn.Query(ctx, `SELECT origin, max(seq) FROM bridge.progress GROUP BY 1`)
	if err != nil {
		return nil, fmt.Errorf("read bridge.progress: %w", err)
	}
	var origin string
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&origin, &seq}, func() error { s.Applied[origin] = uint64(seq); return nil })
	if err != nil {
		return nil, fmt.Errorf("read bridge.progress: %w", err)
	}
	return s, nil
}
