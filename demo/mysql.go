package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"bridge/internal/testserver"
)

// mysqlServer is a MySQL or MariaDB server.
type mysqlServer struct {
	*testserver.MySQL
	version string // such as 9.7.4
}

// mysqlDialect is both engines'. Texts that are keys are compared by their characters' codes, as PostgreSQL does:
// under the default collation 'tea' and 'Tea' would be one product here, and two there.
var mysqlDialect = dialect{
	schema: `
CREATE USER shop@'%';
-- bridge.conflicts, for whoever looks around:
GRANT SELECT ON bridge.* TO shop@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO shop@'%';
CREATE TABLE orders (region char(8) COLLATE utf8mb4_bin, id bigint, customer int NOT NULL, placed_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), PRIMARY KEY (region, id));
CREATE TABLE cart_items (cart int, product char(20) COLLATE utf8mb4_bin, qty int NOT NULL, PRIMARY KEY (cart, product));
CREATE TABLE customers (id int PRIMARY KEY, city varchar(100) NOT NULL);
CREATE TABLE prices (product char(20) COLLATE utf8mb4_bin PRIMARY KEY, cents int NOT NULL);
`,
	upsert:   " ON DUPLICATE KEY UPDATE qty = ",
	placedAt: "placed_at", // sessions are in UTC
	key:      "`key`",
	conflict: "SELECT decided_at, type, `key`, outcome, versions FROM bridge.conflicts ORDER BY id DESC LIMIT 1;",
}

func startMySQL(ctx context.Context, e Engine) (server, error) {
	start := testserver.StartMySQL
	if e == MariaDB {
		start = testserver.StartMariaDB
	}
	s, err := start(ctx, testserver.MySQLOptions{})
	if err != nil {
		return nil, err
	}
	m := &mysqlServer{MySQL: s}
	if err := m.prepare(ctx); err != nil {
		return m, err
	}
	return m, nil
}

// prepare makes the shop's database.
func (m *mysqlServer) prepare(ctx context.Context) error {
	if err := m.CreateDatabase(ctx, database); err != nil {
		return err
	}
	if err := m.script(ctx, mysqlDialect.schema+stock); err != nil {
		return fmt.Errorf("create the shop's tables: %w", err)
	}
	s, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	rows, err := s.query(ctx, "SELECT VERSION()")
	if err != nil {
		return err
	}
	m.version, _, _ = strings.Cut(rows[0][0], "-") // 10.11.19-MariaDB-…
	return nil
}

// script runs statements as the superuser.
func (m *mysqlServer) script(ctx context.Context, text string) error {
	s, err := m.connectAs(ctx, testserver.MySQLSuperuser)
	if err != nil {
		return err
	}
	defer s.close()
	for sql := range testserver.MySQLStatements(text) {
		if _, err := s.query(ctx, sql); err != nil {
			return fmt.Errorf("%w (in: %.60s …)", err, sql)
		}
	}
	return nil
}

func (m *mysqlServer) String() string {
	return fmt.Sprintf("%s %s on %s", m.Flavor(), m.version, m.Addr())
}

func (m *mysqlServer) dialect() *dialect { return &mysqlDialect }

func (m *mysqlServer) settings(mixed bool) string {
	text := fmt.Sprintf(`database:
  engine: %s
  host: %q # a Unix socket
  dbname: %s
  user: %s
`, string(m.Flavor()), m.Socket(), database, bridgeRole)
	if mixed {
		text += fmt.Sprintf(`tables:
  schemas: {%s: public} # what is a database here is a schema in PostgreSQL
`, database)
	}
	return text
}

// administer does what the mysql client would: the machine may have none.
func (m *mysqlServer) administer(ctx context.Context, grants string) error {
	return m.script(ctx, grants+"\nALTER USER "+bridgeRole+"@'%' ACCOUNT UNLOCK;\n")
}

func (m *mysqlServer) client() string {
	program := "mysql"
	if m.Flavor() == testserver.FlavorMariaDB {
		program = "mariadb"
	}
	return fmt.Sprintf("%s -h %s -P %d -u %s %s", program, m.Host(), m.Port(), shopRole, database)
}

func (m *mysqlServer) connect(ctx context.Context) (session, error) {
	return m.connectAs(ctx, shopRole)
}

func (m *mysqlServer) connectAs(ctx context.Context, role string) (session, error) {
	const patience = 10 * time.Second
	conn, err := client.ConnectWithContext(ctx, m.Socket(), role, "", database, patience, func(c *client.Conn) error {
		return c.SetCapability(mysql.CLIENT_MULTI_RESULTS) // without it a procedure may not prepare statements
	})
	if err == nil {
		_, err = conn.Execute("SET SESSION time_zone = '+00:00'")
	}
	if err != nil {
		return nil, fmt.Errorf("connect as %s: %w", role, err)
	}
	return mysqlSession{conn}, nil
}

type mysqlSession struct{ conn *client.Conn }

func (s mysqlSession) query(ctx context.Context, sql string) ([][]string, error) {
	defer context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) })()
	result, err := s.conn.Execute(sql)
	if err != nil {
		return nil, errors.Join(context.Cause(ctx), err)
	}
	defer result.Close()
	rows := make([][]string, result.RowNumber())
	for i := range rows {
		for column := range result.ColumnNumber() {
			value, err := result.GetString(i, column)
			if err != nil {
				return nil, err
			}
			rows[i] = append(rows[i], value)
		}
	}
	return rows, nil
}

func (s mysqlSession) transact(ctx context.Context, statements ...string) error {
	for ctx.Err() == nil {
		err := s.try(ctx, statements)
		if !isDeadlock(err) {
			return err
		}
		if _, err := s.query(ctx, "ROLLBACK"); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func (s mysqlSession) try(ctx context.Context, statements []string) error {
	for _, sql := range append(append([]string{"BEGIN"}, statements...), "COMMIT") {
		if _, err := s.query(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// isDeadlock tells errors after which every application of InnoDB begins its transaction again.
func isDeadlock(err error) bool {
	e, ok := errors.AsType[*mysql.MyError](err)
	return ok && (e.Code == mysql.ER_LOCK_DEADLOCK || e.Code == mysql.ER_LOCK_WAIT_TIMEOUT)
}

func (s mysqlSession) close() { _ = s.conn.Close() }
