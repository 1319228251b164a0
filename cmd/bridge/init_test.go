package main

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/watch"
	"bridge/internal/postgres"
)

// initSteps runs "bridge init" and returns what its steps said.
func (m *mesh) initSteps(region string, args ...string) (answer, map[string]string) {
	m.t.Helper()
	a := bridge(m.t, nil, append([]string{"init", "--json", "-c", m.regions[region].file}, args...)...)
	var e struct {
		Result struct{ Steps []engines.Step }
	}
	if err := json.Unmarshal([]byte(a.stdout), &e); err != nil {
		m.t.Fatalf("%v: %+v", err, a)
	}
	steps := map[string]string{}
	for _, s := range e.Result.Steps {
		steps[s.Step] = s.Detail
	}
	return a, steps
}

func (m *mesh) slotExists(region string) bool {
	m.t.Helper()
	conn, err := pgx.Connect(m.t.Context(), m.regions[region].db.SocketDSN())
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close(m.t.Context()) //nolint:errcheck // it was only read from
	slot, err := postgres.LoadSlot(m.t.Context(), conn, "slot_"+m.regions[region].db.Name)
	if err != nil {
		m.t.Fatal(err)
	}
	return slot != nil
}

// Regions that don't begin alike are refused, with the table and without anything left behind; then it's
// mended and they're set up.
func TestInitComparesTheData(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	m.exec("us", `UPDATE public.users SET name = 'x' WHERE id = 1; DELETE FROM public.mixed WHERE b = 10`)
	m.exec("ap", `ALTER TABLE public.users ALTER n SET DEFAULT 1, ALTER at TYPE timestamp`)
	if a, steps := m.initSteps("eu"); a.code != 0 || steps["data"] != "5500 rows in 2 tables; to be compared when it's set up: ap, us" {
		t.Fatalf("%+v", a)
	}
	m.exec("eu", `DELETE FROM public.users WHERE id < 100`) // after its slot: it's shipped
	a, _ := m.initSteps("us")
	for _, want := range []string{
		"public.mixed", "has 499 rows in us and 500 in eu", "public.users", "has 5000 rows in both us and eu, but not the same ones",
		"the regions don't begin with the same data: public.mixed has 499 rows in us and 500 in eu (and 1 more)",
	} {
		if a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, want) {
			t.Errorf("no %q in %+v", want, a)
		}
	}
	if m.slotExists("us") {
		t.Error("the slot of a region that isn't set up keeps the log")
	}
	if text := bridge(t, nil, "init", "-c", m.regions["us"].file); text.code != shell.ExitEnvironment || !strings.Contains(text.stdout, "error    public.mixed: has 499 rows") ||
		!strings.Contains(text.stdout, "bridge check --peers") || strings.Contains(text.stdout, "next ") {
		t.Errorf("%+v", text)
	}
	if a := bridge(t, nil, "run", "-c", m.regions["us"].file); a.code == 0 || !strings.Contains(a.stderr, "bridge init") {
		t.Errorf("run after a failed init: %+v", a)
	}
	if a, _ := m.initSteps("ap"); a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "isn't defined alike in ap and eu") {
		t.Errorf("%+v", a)
	}
	m.exec("us", `UPDATE public.users SET name = 'user 1' WHERE id = 1; INSERT INTO public.mixed SELECT chr(64 + i % 50) || i, i / 4.0, i, '{}' FROM generate_series(40, 40) i`)
	m.exec("ap", `ALTER TABLE public.users ALTER n DROP DEFAULT, ALTER at TYPE timestamptz`)
	if a, steps := m.initSteps("us"); a.code != 0 || steps["data"] != "5500 rows in 2 tables; the same as in eu; to be compared when it's set up: ap" {
		t.Errorf("%+v", a)
	}
	if a, steps := m.initSteps("ap"); a.code != 0 || steps["data"] != "5500 rows in 2 tables; the same as in eu, us" {
		t.Errorf("%+v", a)
	}
	m.start(meshNames...)
	if a, r := comparison(t, m.files()...); a.code != 0 || r.Tables[1].Rows["us"] != 3900 && r.Tables[1].Rows["us"] != 5000 {
		t.Errorf("%+v", a)
	}
}

// Writes while regions are being set up are behind some slots and before none: nothing is lost or doubled.
func TestInitUnderLoad(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	m.setUpOne("eu")
	stop := m.load("eu", meshLoad)
	var all sync.WaitGroup
	for _, region := range []string{"us", "ap"} { // at the same time
		all.Go(func() {
			if a := bridge(t, nil, "init", "-c", m.regions[region].file); a.code != 0 {
				t.Errorf("%+v", a)
			}
		})
	}
	all.Wait()
	m.start(meshNames...)
	if n := stop(); n == 0 {
		t.Error("nothing was written")
	}
	if a, _ := comparison(t, m.files()...); a.code != 0 {
		t.Errorf("%+v", a)
	}
}

func TestInitAfterAnInterruption(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	m.exec("eu", `SELECT pg_create_logical_replication_slot('slot_`+m.regions["eu"].db.Name+`', 'pgoutput')`)
	if a, _ := m.initSteps("eu"); a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "SELECT pg_drop_replication_slot('slot_") {
		t.Errorf("a slot of an interrupted init: %+v", a)
	}
	if a, steps := m.initSteps("eu", "--no-verify"); a.code != 0 || steps["data"] != "" {
		t.Errorf("%+v", a)
	}
	// It's set up now, and that is all that init looks at.
	if a, steps := m.initSteps("eu"); a.code != 0 || !strings.Contains(steps["replication slot"], "confirmed up to") {
		t.Errorf("%+v", a)
	}
	m.exec("eu", `ALTER PUBLICATION bridge DROP TABLE public.users; ALTER PUBLICATION bridge ADD TABLE public.users`)
	if text := bridge(t, nil, "init", "-c", m.regions["eu"].file); text.code != 0 ||
		!strings.Contains(text.stdout, "WARNING    not shipped: table public.users was out of publication bridge for a while") {
		t.Errorf("%+v", text)
	}
	if a, steps := m.initSteps("eu"); a.code != 0 || steps["not shipped"] != "" {
		t.Errorf("%+v", a)
	}
	m.start("eu")
	statusUntil(t, m.regions["eu"].file, func(r *watch.StatusResult) bool {
		return r.Running && r.Status.Published != "" && r.Status.Published != "0/0"
	})
	if a := bridge(t, nil, "tail", "-c", m.regions["eu"].file, "--heartbeats", "-f", "--from=oldest", "-n1"); a.code != 0 {
		t.Fatalf("%+v", a)
	}
	if a, steps := m.initSteps("us"); a.code != 0 || !strings.Contains(steps["data"], "NOT compared") || !strings.Contains(steps["data"], "eu") {
		t.Errorf("a region that tells no baseline: %+v", a)
	}
	m.regions["eu"].stop()

	// A database that was made anew, and the topic of the old one.
	m.exec("eu", `SELECT pg_drop_replication_slot('slot_`+m.regions["eu"].db.Name+`'); DROP SCHEMA bridge CASCADE`)
	if a, _ := m.initSteps("eu"); a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "of an earlier life of region eu") || m.slotExists("eu") {
		t.Errorf("an old topic: %+v", a)
	}
}

// Without a broker there's no slot either: it would keep the log.
func TestInitWithoutABroker(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	address := m.broker.Addr()
	m.stopBroker()
	a := bridge(t, nil, "init", "-c", m.regions["eu"].file, "--timeout=10s") // the database is looked at first
	if a.code != shell.ExitEnvironment || !strings.Contains(a.stderr, address) || m.slotExists("eu") {
		t.Errorf("%+v", a)
	}
}
