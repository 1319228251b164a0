package mysql_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/capture"
	capturemysql "bridge/capture/mysql"
	"bridge/change"
	"bridge/compare"
	comparemysql "bridge/compare/mysql"
	comparepg "bridge/compare/postgres"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/value"
	"bridge/wire"
)

// installed is a server of the test's own with bridge's tables and the account that "bridge grants" makes.
func installed(t *testing.T, flavor testserver.Flavor, schema string, settings map[string]string) (*testserver.MySQL, mysql.Server) {
	t.Helper()
	own := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: settings})
	servertest.ExecMySQL(t, own, "", "CREATE DATABASE shop CHARACTER SET utf8mb4")
	servertest.ExecMySQL(t, own, "shop", "SET time_zone = '+00:00'; "+schema)
	servertest.ExecMySQL(t, own, "", "CREATE DATABASE bridge; CREATE USER bridge@'%' IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO bridge@'%';"+
		"GRANT ALL PRIVILEGES ON bridge.* TO bridge@'%'; GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON shop.* TO bridge@'%'")
	account := mysql.Server{Socket: own.Socket(), User: "bridge", Password: "secret"}
	conn, err := account.Connect(t.Context(), mysql.Session{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := mysql.CreateTables(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return own, account
}

// begin reads a server's baseline and its position.
func begin(t *testing.T, account mysql.Server) (change.Position, wire.Baseline) {
	t.Helper()
	r, err := comparemysql.Open(t.Context(), "eu", account, mysql.Session{Name: "test"}, compare.Scope{Selected: func(n change.TableName) bool { return n.Schema == "shop" }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context()) //nolint:errcheck // it was only read from
	p, err := r.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Baseline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p, b
}

// The rows of the snapshot, and those that capture finds from its position on, are all rows, each once, while
// applications write.
func TestTheSnapshotBelongsToThePosition(t *testing.T) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) {
			own, account := installed(t, flavor, "CREATE TABLE item (id bigint AUTO_INCREMENT PRIMARY KEY, w int)", nil)
			const rounds, writers = 16, 4
			for round := range rounds {
				stop, ended := make(chan struct{}), sync.WaitGroup{}
				for w := range writers {
					conn := servertest.ConnectMySQL(t, own, "shop")
					ended.Go(func() {
						for {
							select {
							case <-stop:
								return
							default:
							}
							if _, err := conn.Execute(fmt.Sprintf("INSERT INTO item (w) VALUES (%d), (%d)", w, w)); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				p, b := begin(t, account)
				close(stop)
				ended.Wait()
				after := captured(t, account, p)
				total := servertest.QueryMySQL(t, own, "shop", "SELECT count(*) FROM item")[0]
				if got := fmt.Sprint(int(b[0].Rows) + after); got != total {
					t.Fatalf("round %d: %d rows in the snapshot and %d in the log after %s, %s in all", round, b[0].Rows, after, p, total)
				}
			}
		})
	}
}

// Logs without GTIDs, and of compressed transactions, have a place for a snapshot, too.
func TestSnapshotsUnderOtherSettings(t *testing.T) {
	for _, settings := range []map[string]string{{"gtid_mode": "OFF", "enforce_gtid_consistency": "OFF"}, {"binlog_transaction_compression": "ON"}} {
		_, account := installed(t, testserver.FlavorMySQL, "CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1)", settings)
		if p, b := begin(t, account); p.Offset == 0 || len(b) != 1 || b[0].Rows != 1 {
			t.Errorf("under %v: %v, %+v", settings, p, b)
		}
	}
}

// captured counts the rows that were inserted from a position up to the log's end.
func captured(t *testing.T, account mysql.Server, from change.Position) (rows int) {
	t.Helper()
	conn, err := account.Connect(t.Context(), mysql.Session{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	end, err := mysql.End(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	source, err := capturemysql.Open(ctx, capturemysql.Config{Server: account, Name: "test", ServerID: 77, Start: from, SpillDir: t.TempDir(),
		Selected: func(n change.TableName) bool { return n.Schema == "shop" }, IdleInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close(ctx) //nolint:errcheck // the test is over
	for {
		e, err := source.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == capture.Local {
			rows += len(e.Operations)
		}
		if e.Position.Offset >= end.Offset {
			return rows
		}
	}
}

// Regions of three engines with the same rows begin alike; what differs is told with its column.
func TestBaselinesAcrossEngines(t *testing.T) {
	pg := servertest.Database(t, 15)
	servertest.Exec(t, pg.SocketDSN(), "CREATE SCHEMA shop; SET search_path = shop, pg_catalog; "+postgresTypes+postgresRows)
	_, my := installed(t, testserver.FlavorMySQL, mysqlTypes("char(36)", "varchar(43)", "utf8mb4_0900_bin")+mysqlRows, nil)
	mariaServer, maria := installed(t, testserver.FlavorMariaDB, mysqlTypes("uuid", "inet6", "utf8mb4_nopad_bin")+mysqlRows, nil)
	inPG := postgresBaseline(t, pg)
	_, inMy := begin(t, my)
	_, inMaria := begin(t, maria)
	for _, d := range [][]compare.BaselineDifference{
		compare.BaselineDifferences("pg", inPG, "my", inMy), compare.BaselineDifferences("maria", inMaria, "pg", inPG), compare.BaselineDifferences("my", inMy, "maria", inMaria),
	} {
		if len(d) > 0 {
			t.Errorf("equal regions: %v", d)
		}
	}
	for _, tc := range []struct{ sql, want string }{
		{"UPDATE item SET num = 2, t = 'b', bo = 0 WHERE id = 2", `they differ in columns "bo", "num", "t"`},
		{"UPDATE named SET f = 1 WHERE f IS NULL", `they differ in column "f"`},
		{"UPDATE word SET w = 'b' WHERE w = 'a'", "has 5 rows in both maria and pg, but not the same ones"},
		{"DELETE FROM word WHERE w = 'Z'", "has 3 rows in maria and 5 in pg"},
		{"ALTER TABLE named DROP COLUMN f", `: column "f" is missing in maria`},
	} {
		servertest.ExecMySQL(t, mariaServer, "shop", tc.sql)
		_, now := begin(t, maria)
		var told []string
		for _, d := range compare.BaselineDifferences("maria", now, "pg", inPG) {
			told = append(told, d.Text)
		}
		if !strings.Contains(strings.Join(told, "\n"), tc.want) {
			t.Errorf("after %s: %q", tc.sql, told)
		}
	}
}

// A column of which a policy alters values counts as alike, in whichever region the policy is; the others count.
func TestBaselinesUnderPolicies(t *testing.T) {
	pg := servertest.Database(t, 15)
	servertest.Exec(t, pg.SocketDSN(), `CREATE SCHEMA shop; CREATE TABLE shop.a (id bigint PRIMARY KEY, n numeric, v text);
		INSERT INTO shop.a VALUES (1, 'NaN', 'long'), (2, 2.5, 'x')`)
	inPG := postgresBaseline(t, pg)
	my := mysqlPlace(t, "my", testserver.FlavorMySQL, `CREATE TABLE a (id bigint PRIMARY KEY, n decimal(10, 2), v varchar(2)) CHARACTER SET utf8mb4;
		INSERT INTO a VALUES (1, NULL, 'lo'), (2, 2.5, 'x')`)
	for _, tc := range []struct {
		policies map[string]value.Policy
		want     string
	}{
		{nil, `they differ in columns "n", "v"`},
		{map[string]value.Policy{"n": value.NullValue, "v": value.TextValue}, `they differ in column "v"`},
		{map[string]value.Policy{"n": value.NullValue, "v": value.ClampValue, "id": value.ClampValue}, ""},
	} {
		my.policies = tc.policies
		inMy := my.baseline(t)
		for _, d := range [][]compare.BaselineDifference{compare.BaselineDifferences("pg", inPG, "my", inMy), compare.BaselineDifferences("my", inMy, "pg", inPG)} {
			if tc.want == "" && len(d) > 0 || tc.want != "" && (len(d) != 1 || !strings.HasSuffix(d[0].Text, tc.want)) {
				t.Errorf("under %v: %v", tc.policies, d)
			}
		}
	}
	my.exec("UPDATE a SET id = 3 WHERE id = 2")
	if d := compare.BaselineDifferences("pg", inPG, "my", my.baseline(t)); len(d) != 1 {
		t.Errorf("another key: %v", d)
	}
}

// baseline is a MySQL place's.
func (p *place) baseline(t *testing.T) wire.Baseline {
	t.Helper()
	b, err := p.open(t).(*comparemysql.Region).Baseline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func postgresBaseline(t *testing.T, db servertest.DB) wire.Baseline {
	t.Helper()
	ctx := t.Context()
	conn := servertest.Connect(t, db.SocketDSN())
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx) //nolint:errcheck // it was only read from
	var snapshot string
	if err := tx.QueryRow(ctx, `SELECT pg_catalog.pg_export_snapshot()`).Scan(&snapshot); err != nil {
		t.Fatal(err)
	}
	r := postgresRegion(t, "pg", db, compare.Scope{Selected: all})
	b, err := r.Baseline(ctx, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func postgresRegion(t *testing.T, name string, db servertest.DB, scope compare.Scope) *comparepg.Region {
	t.Helper()
	r, err := comparepg.Open(t.Context(), name, postgresServer(db), postgresSession, scope)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(t.Context()) })
	return r
}
