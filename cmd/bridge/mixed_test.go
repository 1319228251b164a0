package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bridge/cmd/bridge/internal/shell"
	"bridge/compare"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/stream/embedded"
)

// newMixedMesh makes eu on PostgreSQL, us on MySQL and ap on MariaDB, each with the same table under its own name, and a
// column whose values only PostgreSQL holds.
// The MySQL and MariaDB regions have no account yet: servers are theirs.
func newMixedMesh(t *testing.T) (m *mesh, servers map[string]*testserver.MySQL) {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	stop := func() { broker.Close() } //nolint:errcheck // nothing is read from it any more
	t.Cleanup(stop)
	m = &mesh{t: t, regions: map[string]*meshRegion{}, broker: broker, stopBroker: stop}
	servers = map[string]*testserver.MySQL{}
	const text = `
cluster: shop
region: %s
regions: {eu: {engine: postgres}, us: {engine: mysql}, ap: {engine: mariadb}}
database: {%s}
kafka: {brokers: [%q], replication_factor: 1, min_insync_replicas: 1}
conflicts: {default: last_write_wins}
http: {listen: %q}
heartbeat: 200ms
tables: {%s}
`
	write := func(region, database, tables string) {
		r := m.regions[region]
		r.file = filepath.Join(t.TempDir(), region+".yaml")
		if err := os.WriteFile(r.file, fmt.Appendf(nil, text, region, database, broker.Addr(), freeAddress(t), tables), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db := servertest.Database(t, 15)
	m.regions["eu"] = &meshRegion{db: db}
	write("eu", fmt.Sprintf("host: %q, port: %d, dbname: %q, user: %q, slot: %q", db.Server.SocketDir(), db.Server.Port(), db.Name, testserver.Superuser, "slot_"+db.Name), "")
	m.exec("eu", `CREATE TABLE public.users (id int PRIMARY KEY, name varchar(20) NOT NULL, n numeric(10,2), ratio double precision);
		INSERT INTO public.users SELECT i, 'user ' || i, i / 4.0, 'NaN' FROM generate_series(1, 50) i`)
	for region, flavor := range map[string]testserver.Flavor{"us": testserver.FlavorMySQL, "ap": testserver.FlavorMariaDB} {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		servers[region], m.regions[region] = server, &meshRegion{}
		write(region, fmt.Sprintf("engine: %s, host: %q, user: bridge, password: secret", map[string]string{"us": "mysql", "ap": "mariadb"}[region], server.Socket()),
			`include: ["shop.*"], schemas: {shop: public}, rename: {shop.people: {to: public.users, columns: {nm: name}}}, on_unrepresentable: {shop.people.ratio: "null"}`)
		rows := make([]string, 50)
		for i := range rows {
			rows[i] = fmt.Sprintf("(%d, 'user %[1]d', %[1]d / 4.0, NULL)", i+1)
		}
		servertest.ExecMySQL(t, server, "", `CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
			CREATE TABLE shop.people (id int PRIMARY KEY, nm varchar(20) NOT NULL, n decimal(10,2), ratio double); INSERT INTO shop.people VALUES `+strings.Join(rows, ", "))
	}
	return m, servers
}

// grant does what an administrator does with what "bridge grants" prints.
func grant(t *testing.T, server *testserver.MySQL, file string) {
	t.Helper()
	a := bridge(t, nil, "grants", "-c", file)
	if a.code != 0 {
		t.Fatalf("grants: %+v", a)
	}
	conn, err := mysql.Server{Socket: server.Socket(), User: "root"}.Connect(t.Context(), mysql.Session{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for sql := range testserver.MySQLStatements(a.stdout + "ALTER USER bridge@'%' IDENTIFIED BY 'secret' ACCOUNT UNLOCK;") {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%v: %s", err, sql)
		}
	}
}

// TestMixedMesh is an operator's way with regions of three engines: grants, check, init, which compares the data, run,
// status, compare.
func TestMixedMesh(t *testing.T) {
	t.Parallel()
	m, servers := newMixedMesh(t)
	for region, server := range servers {
		file := m.regions[region].file
		if a := bridge(t, nil, "check", "-c", file); a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, `"bridge grants" prints how to create the account`) {
			t.Fatalf("check without an account: %+v", a)
		}
		grant(t, server, file)
		if a := bridge(t, nil, "check", "-c", file); a.code != 0 || strings.Contains(a.stdout, "error ") {
			t.Fatalf("check: %+v", a)
		}
	}
	servertest.ExecMySQL(t, servers["ap"], "shop", "UPDATE people SET nm = 'x' WHERE id = 7")
	m.setUpOne("eu")
	m.setUpOne("us")
	a := bridge(t, nil, "init", "-c", m.regions["ap"].file)
	if a.code != shell.ExitEnvironment || !strings.Contains(a.stderr, "the regions don't begin with the same data: public.users") || !strings.Contains(a.stdout+a.stderr, "name") {
		t.Fatalf("init with other data: %+v", a)
	}
	servertest.ExecMySQL(t, servers["ap"], "shop", "UPDATE people SET nm = 'user 7' WHERE id = 7")
	if a, steps := m.initSteps("ap"); a.code != 0 || steps["data"] != "50 rows in 1 table; the same as in eu, us" {
		t.Fatalf("%+v", a)
	}
	if a, steps := m.initSteps("ap"); a.code != 0 || steps["data"] != "" || strings.Contains(a.stdout, `"changed": true`) {
		t.Fatalf("init again: %+v", a)
	}
	if a := bridge(t, nil, "check", "-c", m.regions["eu"].file, "--peers", m.regions["us"].file, "--peers", m.regions["ap"].file); a.code != 0 || !strings.Contains(a.stdout, "are the same in") ||
		!strings.Contains(a.stdout, `public.users: column "n": numeric(10,2) in eu holds what decimal(10,2) in us, ap can't: NaN`) {
		t.Fatalf("check --peers: %+v", a)
	}
	a = bridge(t, nil, "status", "-c", m.regions["us"].file)
	if a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "log") || !strings.Contains(a.stdout, "ends at 0000") {
		t.Fatalf("status of a bridge that isn't running: %+v", a)
	}
	servertest.ExecMySQL(t, servers["us"], "shop", "INSERT INTO people VALUES (60, 'new', NULL, 0.5)") // before any bridge ran
	m.start("eu", "us", "ap")
	servertest.ExecMySQL(t, servers["ap"], "shop", "DELETE FROM people WHERE id = 1; UPDATE people SET n = 9.5 WHERE id = 2")
	m.exec("eu", `UPDATE public.users SET name = 'Zoë' WHERE id = 3; INSERT INTO public.users VALUES (61, '', -0.01)`)
	a, r := comparison(t, m.files()...)
	if a.code != 0 || len(r.Tables) != 1 || r.Verdict != compare.Equal {
		t.Fatalf("compare: %+v", a)
	}
	want := "[3 Zoë 0.75]"
	for region, server := range servers {
		if got := fmt.Sprint(servertest.QueryMySQL(t, server, "shop", "SELECT concat_ws(' ', id, nm, n) FROM people WHERE id = 3")); got != want {
			t.Errorf("region %s has %s, want %s", region, got, want)
		}
	}
}
