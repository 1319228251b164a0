package demo

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/internal/testserver"
)

type postgres struct{ *testserver.Postgres }

var postgresDialect = dialect{
	schema: `
CREATE ROLE shop LOGIN;
GRANT pg_read_all_data TO shop; -- bridge.conflicts, for whoever looks around
CREATE TABLE orders (region text, id bigint, customer int NOT NULL, placed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (region, id));
CREATE TABLE cart_items (cart int, product text, qty int NOT NULL, PRIMARY KEY (cart, product));
CREATE TABLE customers (id int PRIMARY KEY, city text NOT NULL);
CREATE TABLE prices (product text PRIMARY KEY, cents int NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop;
`,
	upsert:   " ON CONFLICT (cart, product) DO UPDATE SET qty = ",
	placedAt: "to_char(placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
	key:      "to_json(key)",
	conflict: "SELECT decided_at, type, key, outcome, jsonb_pretty(versions) FROM bridge.conflicts ORDER BY id DESC LIMIT 1;",
}

func startPostgres(ctx context.Context) (server, error) {
	s, err := testserver.StartPostgres(ctx, testserver.PostgresOptions{})
	if err != nil {
		return nil, err
	}
	p := postgres{s}
	if err := p.prepare(ctx); err != nil {
		return p, err
	}
	return p, nil
}

// prepare makes the shop's database.
func (p postgres) prepare(ctx context.Context) error {
	if err := p.CreateDatabase(ctx, database); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, p.SocketDSN(database, testserver.Superuser))
	if err != nil {
		return fmt.Errorf("connect as a superuser: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it did is committed
	if _, err := conn.Exec(ctx, postgresDialect.schema+stock); err != nil {
		return fmt.Errorf("create the shop's tables: %w", err)
	}
	return nil
}

func (p postgres) String() string    { return fmt.Sprintf("PostgreSQL %d on %s", p.Version(), p.Addr()) }
func (p postgres) dialect() *dialect { return &postgresDialect }

func (p postgres) settings(bool) string {
	return fmt.Sprintf(`database:
  host: %q # the directory of a Unix socket
  port: %d
  dbname: %s
  user: %s
`, p.SocketDir(), p.Port(), database, bridgeRole)
}

func (p postgres) administer(ctx context.Context, grants string) error {
	_, err := testserver.Output(ctx, grants, p.Bin("psql"), "-XAtq", "-f", "-", p.SocketDSN(database, testserver.Superuser))
	return err
}

func (p postgres) client() string {
	return fmt.Sprintf("psql -h %s -p %d -U %s %s", p.Host(), p.Port(), shopRole, database)
}

func (p postgres) connect(ctx context.Context) (session, error) {
	conn, err := pgx.Connect(ctx, p.SocketDSN(database, shopRole))
	if err != nil {
		return nil, fmt.Errorf("connect as %s: %w", shopRole, err)
	}
	return postgresSession{conn}, nil
}

type postgresSession struct{ conn *pgx.Conn }

func (s postgresSession) query(ctx context.Context, sql string) ([][]string, error) {
	results, err := s.conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, values := range results[0].Rows {
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = string(v)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (s postgresSession) transact(ctx context.Context, statements ...string) error {
	batch := &pgx.Batch{}
	for _, sql := range statements {
		batch.Queue(sql)
	}
	return s.conn.SendBatch(ctx, batch).Close() // one batch is one transaction
}

func (s postgresSession) close() { s.conn.Close(context.Background()) } //nolint:errcheck // all is committed
