package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/cmd/bridge/internal/shell"
	"bridge/config"
	"bridge/internal/testserver/servertest"
	"bridge/stream/embedded"
)

// answer is what one command line printed.
type answer struct {
	code           int
	stdout, stderr string
}

// bridge runs a command line in this process, with no environment but env ("NAME=value").
func bridge(t *testing.T, env []string, args ...string) answer {
	t.Helper()
	vars := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		vars[name] = value
	}
	var stdout, stderr bytes.Buffer
	outside := config.Outside{LookupEnv: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }}
	code := execute(t.Context(), args, &stdout, &stderr, outside)
	return answer{code, stdout.String(), stderr.String()}
}

func (a answer) envelope(t *testing.T) (e shell.Envelope) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.stdout), &e); err != nil {
		t.Fatalf("not JSON (%v):\n%s\n%s", err, a.stdout, a.stderr)
	}
	if e.OK != (a.code == 0) || e.OK != (e.Error == nil) {
		t.Errorf("exit code %d, ok %v, error %v", a.code, e.OK, e.Error)
	}
	return e
}

// region is a database with a role and a configuration file, and a broker.
type region struct {
	db   servertest.DB
	role string
	file string
}

func newRegion(t *testing.T, sql string) *region {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	r := &region{db: servertest.Database(t, 15), file: filepath.Join(t.TempDir(), "bridge.yaml")}
	r.role = "role_" + r.db.Name
	text := fmt.Sprintf(`
cluster: shop
region: eu
regions: {eu: {}, us: {}}
database: {host: %q, port: %d, dbname: %q, user: %q, slot: %q, password: hunter2}
kafka: {brokers: [%q], replication_factor: 1, min_insync_replicas: 1}
tables: {include: ["public.*"], exclude: ["public.tmp_*"]}
conflicts: {default: last_write_wins}
`, r.db.Server.SocketDir(), r.db.Server.Port(), r.db.Name, r.role, "slot_"+r.db.Name, broker.Addr())
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.psql(t, sql)
	t.Cleanup(func() {
		r.psql(t, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database();
			SELECT format('DROP OWNED BY %I CASCADE', rolname), format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname = '`+r.role+`' \gexec`)
	})
	return r
}

func (r *region) psql(t *testing.T, sql string) {
	t.Helper()
	cmd := exec.Command(r.db.Server.Bin("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-", r.db.SocketDSN())
	cmd.Stdin = strings.NewReader(sql)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
}

const tables = `CREATE TABLE public.users (id uuid PRIMARY KEY); CREATE TABLE public.tmp_x (y int);`

// The way of an operator: grants by the DBA, check, init, check, init again.
func TestSettingUpARegion(t *testing.T) {
	r := newRegion(t, tables)
	on := func(args ...string) answer { return bridge(t, nil, append(args, "-c", r.file)...) }

	if a := on("check"); a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "check user, password and pg_hba.conf") {
		t.Fatalf("check without a role: %+v", a)
	}
	grants := on("grants")
	if grants.code != 0 {
		t.Fatalf("grants: %+v", grants)
	}
	r.psql(t, grants.stdout)

	a := on("check", "--json")
	e := a.envelope(t)
	if a.code != 0 || !strings.Contains(e.Summary, "0 errors") || !strings.Contains(e.Summary, "1 table to replicate") {
		t.Fatalf("check before init: %+v", a)
	}
	a = on("init", "--json")
	if e := a.envelope(t); a.code != 0 || e.Summary != "region eu of cluster shop is set up" || strings.Contains(a.stdout, `"changed": false`) {
		t.Fatalf("init: %+v", a)
	}
	a = on("check")
	if a.code != 0 || strings.Contains(a.stdout, "init") && !strings.Contains(a.stdout, "topic bridge.shop.us") {
		t.Fatalf("check after init: %+v", a)
	}
	a = on("init", "--json")
	if a.code != 0 || strings.Contains(a.stdout, `"changed": true`) {
		t.Fatalf("second init: %+v", a)
	}
}

func TestInitRefusesAndChangesNothing(t *testing.T) {
	r := newRegion(t, tables+`CREATE TABLE public.keyless (x int);`)
	r.psql(t, bridge(t, nil, "grants", "-c", r.file).stdout)
	a := bridge(t, nil, "init", "-c", r.file)
	if a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "public.keyless: has no primary key") || !strings.Contains(a.stderr, "nothing was changed") {
		t.Fatalf("init: %+v", a)
	}
	conn, err := pgx.Connect(t.Context(), r.db.SocketDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var changed bool
	err = conn.QueryRow(t.Context(), `SELECT to_regclass('bridge.node') IS NOT NULL OR EXISTS (SELECT FROM pg_replication_slots WHERE database = current_database())`).Scan(&changed)
	if err != nil || changed {
		t.Errorf("init changed something (%v)", err)
	}
}

func TestInitRefusesALostSlot(t *testing.T) {
	r := newRegion(t, tables)
	r.psql(t, bridge(t, nil, "grants", "-c", r.file).stdout)
	if a := bridge(t, nil, "init", "-c", r.file); a.code != 0 {
		t.Fatalf("init: %+v", a)
	}
	r.psql(t, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()`)
	if a := bridge(t, nil, "init", "-c", r.file); a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "The slot is lost") {
		t.Fatalf("init: %+v", a)
	}
}

func TestCheckReportsAnUnreachableDatabaseAndBroker(t *testing.T) {
	r := newRegion(t, "")
	a := bridge(t, nil, "check", "-c", r.file, "--timeout=2s", "--set=database.host=/nowhere", "--set=kafka.brokers=127.0.0.1:1", "--json")
	a.envelope(t)
	if a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, `"object": "database"`) || !strings.Contains(a.stdout, `"object": "topic bridge.shop.eu"`) {
		t.Fatalf("%+v", a)
	}
}

func TestPrintConfig(t *testing.T) {
	r := newRegion(t, "")
	a := bridge(t, []string{"BRIDGE_LOG_LEVEL=debug", "BRIDGE_HTTP_LISTEN=:1"}, "print-config", "-c", r.file, "--set", "log.level=error")
	for _, want := range []string{"password: '***'", "level: error", "listen: :1", "retention: 7d", "max_bytes: 512MiB"} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("no %q in %+v", want, a)
		}
	}
	if strings.Contains(a.stdout, "hunter2") {
		t.Error("a secret is shown")
	}
	a = bridge(t, nil, "print-config", "-c", r.file, "--json")
	if e := a.envelope(t); e.Result.(map[string]any)["cluster"] != "shop" {
		t.Errorf("%+v", a)
	}
	// What it prints can be read back.
	again := filepath.Join(t.TempDir(), "again.yaml")
	if err := os.WriteFile(again, []byte(bridge(t, nil, "print-config", "-c", r.file).stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if b := bridge(t, nil, "print-config", "-c", again, "--json"); b.stdout != a.stdout {
		t.Errorf("read back:\n%s\nwas:\n%s", b.stdout, a.stdout)
	}
}

func TestExitCodes(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("cluster: X\nfoo: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"version", 0, "bridge dev"},
		{"--help", 0, "Usage: bridge"},
		{"", shell.ExitUsage, "expected one of"},
		{"frobnicate", shell.ExitUsage, "unexpected argument frobnicate"},
		{"check -c /nope.yaml", shell.ExitUsage, "no such file"},
		{"check -c " + broken, shell.ExitUsage, "broken.yaml:2: foo: unknown key"},
		{"print-config --set nonsense -c " + broken, shell.ExitUsage, "not of the form path=value"},
	} {
		a := bridge(t, nil, strings.Fields(tt.args)...)
		if a.code != tt.code || !strings.Contains(a.stdout+a.stderr, tt.want) {
			t.Errorf("%q: %+v, want exit %d and %q", tt.args, a, tt.code, tt.want)
		}
	}
	a := bridge(t, nil, "check", "-c", broken, "--json")
	if e := a.envelope(t); e.Error.Exit != shell.ExitUsage || len(e.Error.Problems) < 5 || a.stderr != "" {
		t.Errorf("%+v", a)
	}
}
