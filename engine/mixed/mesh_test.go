package mixed

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"

	"bridge/change"
	"bridge/compare"
	comparemysql "bridge/compare/mysql"
	comparepg "bridge/compare/postgres"
	"bridge/conflict"
	enginemysql "bridge/engine/mysql"
	enginepg "bridge/engine/postgres"
	"bridge/internal/mysql"
	"bridge/internal/postgres"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
	"bridge/node"
	"bridge/stream"
	"bridge/stream/embedded"
	"bridge/stream/kafka"
	"bridge/value"
	"bridge/visibility"
)

// region is a database and, at times, its node. Its tables lie in schema (database) shop on MySQL and MariaDB and in
// public on PostgreSQL, which is the schema's name between the regions, too.
type region struct {
	name   string
	engine value.Engine
	exec   func(t testing.TB, sql string)
	// try runs a statement that may fail; one goroutine at a time.
	try func(t testing.TB, sql string) error
	// query gives rows, values separated by tabs.
	query func(t testing.TB, sql string) []string
	// open makes the engine under a policy; nil refuses what doesn't fit.
	open func(policy func(change.TableName, string) value.Policy) node.Engine
	// compared opens the database for comparing.
	compared func() compare.Region
	kill     func() // ends the server as a power failure does, and starts it again
	node     *node.Node
	stop     func()
}

// is picks the text of the region's engine.
func (r *region) is(postgres, mysql string) string {
	if r.engine == value.Postgres {
		return postgres
	}
	return mysql
}

// mesh is regions whose nodes run in this process.
type mesh struct {
	t       *testing.T
	broker  *embedded.Broker
	regions []*region
	rounds  int
	// rules makes a region's conflict rules; nil is last_write_wins for all.
	rules func() *conflict.Rules
	// policies are those of constraints, by the rules' fingerprints; nil parks all.
	policies map[string]visibility.Policies
	// epoch is where timestamps were last lifted to.
	epoch change.Timestamp
}

// newMesh makes a region for each engine. schema gives each its tables, but for the one that settle uses.
func newMesh(t *testing.T, schema func(*region) string, engines ...value.Engine) *mesh {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() }) //nolint:errcheck // the test is over
	m := &mesh{t: t, broker: broker}
	for i, engine := range engines {
		r := &region{name: []string{"eu", "us", "ap"}[i], engine: engine, stop: func() {}}
		m.regions = append(m.regions, r)
		if engine == value.Postgres {
			m.newPostgres(r, schema(r))
		} else {
			m.newMySQL(r, schema(r))
		}
		log, err := m.topic(r.name)
		if err == nil {
			err = log.(*kafka.Log).EnsureTopic(t.Context(), kafka.Settings{Retention: -1})
			log.Close() //nolint:errcheck // the test is over
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, r := range m.regions {
			r.stop()
		}
	})
	return m
}

const settled = "CREATE TABLE settled (region varchar(10) COLLATE %s, round int NOT NULL, PRIMARY KEY (region, round))"

func (m *mesh) newPostgres(r *region, schema string) {
	t := m.t
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true})
	dsn := server.SocketDSN("postgres", testserver.Superuser)
	servertest.Exec(t, dsn, fmt.Sprintf(settled, `"C"`)+";"+schema)
	conn := servertest.Connect(t, dsn)
	r.exec = func(t testing.TB, sql string) { servertest.Exec(t, dsn, sql) }
	tries := servertest.Connect(t, dsn)
	r.try = func(t testing.TB, sql string) error {
		_, err := tries.Exec(t.Context(), sql)
		return err
	}
	r.kill = func() {
		server.Kill()
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		conn = servertest.Connect(t, dsn)
	}
	r.query = func(t testing.TB, sql string) []string {
		t.Helper()
		result := conn.PgConn().ExecParams(t.Context(), sql, nil, nil, nil, nil).Read()
		if result.Err != nil {
			t.Fatalf("%v\nin: %s", result.Err, sql)
		}
		var rows []string
		for _, row := range result.Rows {
			values := make([]string, len(row))
			for i, v := range row {
				if values[i] = string(v); v == nil {
					values[i] = "NULL"
				}
			}
			rows = append(rows, strings.Join(values, "\t"))
		}
		return rows
	}
	account := postgres.Server{URL: dsn}
	admin := servertest.Connect(t, dsn)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(postgres.CreateTables(t.Context(), admin))
	_, _, err := postgres.Claim(t.Context(), admin, "c", r.name)
	must(err)
	var tables []change.TableName
	for _, name := range r.query(t, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'") {
		tables = append(tables, change.TableName{Schema: "public", Name: name})
	}
	_, _, err = postgres.EnsurePublication(t.Context(), admin, "bridge", tables)
	must(err)
	_, err = postgres.CreateSlot(t.Context(), admin, "bridge", false)
	must(err)
	r.open = func(policy func(change.TableName, string) value.Policy) node.Engine {
		return enginepg.New(enginepg.Config{Server: account, Cluster: "c", Region: r.name, Slot: "bridge", Publication: "bridge",
			SpillDir: t.TempDir(), LockTimeout: time.Second, Others: m.others(r), Policy: policy})
	}
	r.compared = func() compare.Region {
		opened, err := comparepg.Open(t.Context(), r.name, account, postgres.Session{Name: "compare"},
			compare.Scope{Selected: func(n change.TableName) bool { return n.Schema == "public" }})
		must(err)
		t.Cleanup(func() { opened.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
		return opened
	}
}

func (m *mesh) newMySQL(r *region, schema string) {
	t := m.t
	flavor := testserver.FlavorMySQL
	if r.engine == value.MariaDB {
		flavor = testserver.FlavorMariaDB
	}
	server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
	r.exec = func(t testing.TB, sql string) { servertest.ExecMySQL(t, server, "shop", sql) }
	var tries *client.Conn
	r.kill = func() {
		server.Kill()
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.query = func(t testing.TB, sql string) []string { return servertest.QueryMySQL(t, server, "shop", sql) }
	r.try = func(t testing.TB, sql string) error {
		if tries == nil {
			tries = servertest.ConnectMySQL(t, server, "shop")
		}
		_, err := tries.Execute(sql)
		return err
	}
	servertest.ExecMySQL(t, server, "", "CREATE DATABASE shop CHARACTER SET utf8mb4")
	r.exec(t, fmt.Sprintf(settled, r.binary())+";"+schema)
	account := mysql.Server{Socket: server.Socket(), User: testserver.MySQLSuperuser}
	conn, err := account.Connect(t.Context(), mysql.Session{Name: "init"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err = mysql.CreateTables(t.Context(), conn); err == nil {
		_, _, err = mysql.Claim(t.Context(), conn, "c", r.name)
	}
	if err == nil {
		_, err = mysql.EnsureStart(t.Context(), conn)
	}
	if err != nil {
		t.Fatal(err)
	}
	names, err := naming.New(naming.Rules{Schemas: map[string]string{"shop": "public"},
		Tables: []naming.Table{{Local: change.TableName{Schema: "shop", Name: "artikel"}, Stream: change.TableName{Schema: "public", Name: "item"},
			Columns: map[string]string{"bez": "name"}}}})
	if err != nil {
		t.Fatal(err)
	}
	r.open = func(policy func(change.TableName, string) value.Policy) node.Engine {
		return enginemysql.New(enginemysql.Config{Server: account, Cluster: "c", Region: r.name, SpillDir: t.TempDir(), LockTimeout: time.Second,
			Names: names, Others: m.others(r), Policy: policy})
	}
	r.compared = func() compare.Region {
		opened, err := comparemysql.Open(t.Context(), r.name, account, mysql.Session{Name: "compare"},
			compare.Scope{Selected: func(n change.TableName) bool { return n.Schema == "shop" }, Names: names})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { opened.Close(t.Context()) }) //nolint:errcheck // the test is over
		return opened
	}
}

// binary is the collation under which texts are equal when their bytes are.
func (r *region) binary() string {
	switch r.engine {
	case value.MariaDB:
		return "utf8mb4_nopad_bin"
	case value.MySQL:
		return "utf8mb4_0900_bin"
	}
	return `"C"`
}

func (m *mesh) topic(region string) (stream.Log, error) {
	return kafka.Open(kafka.Config{Brokers: []string{m.broker.Addr()}, Topic: "bridge.c." + region})
}

// others are the engines of the other regions, but for r's.
func (m *mesh) others(r *region) (engines []value.Engine) {
	for _, other := range m.regions {
		if other.engine != r.engine {
			engines = append(engines, other.engine)
		}
	}
	return engines
}

// start runs a region's node until its stop is called, or the test's end.
func (m *mesh) start(r *region, policy func(change.TableName, string) value.Policy) {
	var peers []string
	for _, other := range m.regions {
		if other != r {
			peers = append(peers, other.name)
		}
	}
	rules := conflict.All(conflict.LastWriteWins)
	if m.rules != nil {
		rules = m.rules()
	}
	r.node = node.New(node.Config{
		Cluster: "c", Region: r.name, Peers: peers, Streams: m.topic, Engine: r.open(policy), Rules: rules, Policies: m.policies,
		Workers: 3, HistoryBytes: 64 << 20, RetryStopped: time.Second,
		Log: slog.New(slog.NewTextHandler(logWriter{m.t, r.name}, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(m.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.node.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			m.t.Errorf("region %s: %v", r.name, err)
		}
		r.stop = func() {}
	}
}

func (m *mesh) startAll() {
	for _, r := range m.regions {
		m.start(r, nil)
	}
}

type logWriter struct {
	t      *testing.T
	region string
}

func (w logWriter) Write(line []byte) (int, error) {
	w.t.Logf("%s: %s", w.region, line)
	return len(line), nil
}

const patience = 2 * time.Minute

// settle waits until every region has what the others have committed before.
func (m *mesh) settle() {
	m.t.Helper()
	m.rounds++
	for _, r := range m.regions {
		r.exec(m.t, fmt.Sprintf("INSERT INTO settled VALUES ('%s', %d)", r.name, m.rounds))
	}
	for _, r := range m.regions {
		m.eventually(r, "gets everything", func() bool {
			for _, p := range r.node.Status().Peers {
				if p.Stopped != nil {
					m.t.Fatalf("region %s: %v", r.name, p.Stopped)
				}
			}
			return r.query(m.t, fmt.Sprintf("SELECT count(*) FROM settled WHERE round = %d", m.rounds))[0] == fmt.Sprint(len(m.regions))
		})
	}
}

// eventually waits until a region is so.
func (m *mesh) eventually(r *region, what string, so func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("region %s never %s: %+v", r.name, what, r.node.Status())
		}
	}
}

// stopped waits until r has stopped another region's stream, and returns why.
func (m *mesh) stopped(r, other *region) (reason string) {
	m.t.Helper()
	m.eventually(r, "stops "+other.name, func() bool {
		for _, p := range r.node.Status().Peers {
			if p.Origin.Region() == other.name && p.Stopped != nil {
				reason = p.Stopped.Error()
			}
		}
		return reason != ""
	})
	return reason
}

// equal wants the same rows of a query in all regions, and returns them. form may give rows one form.
func (m *mesh) equal(query func(*region) string, form func(string) string) []string {
	m.t.Helper()
	rows := func(r *region) []string {
		out := r.query(m.t, query(r))
		for i := range out {
			if form != nil {
				out[i] = form(out[i])
			}
		}
		return out
	}
	want := rows(m.regions[0])
	for _, r := range m.regions[1:] {
		got := rows(r)
		for i := range max(len(got), len(want)) {
			if at(got, i) != at(want, i) {
				m.t.Errorf("%s\n%s: %q (%d rows)\n%s: %q (%d rows)", query(r), r.name, at(got, i), len(got), m.regions[0].name, at(want, i), len(want))
				break
			}
		}
	}
	return want
}

func at(rows []string, i int) string {
	if i < len(rows) {
		return rows[i]
	}
	return "(none)"
}
