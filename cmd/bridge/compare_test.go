package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/watch"
	"bridge/compare"
)

const meshTables = `
CREATE TABLE public.users (id int PRIMARY KEY, name text, n numeric, at timestamptz);
CREATE TABLE public.mixed (a text, b numeric, c float8, "D d" jsonb, PRIMARY KEY (b, a));
INSERT INTO public.users SELECT i, 'user ' || i, i / 7.0, '2026-11-21' FROM generate_series(-1000, 3999) i;
INSERT INTO public.mixed SELECT chr(64 + i % 50) || i, i / 4.0, i, '{}' FROM generate_series(1, 500) i;`

// meshLoad writes some rows in one transaction: updates all over, inserts and deletes at the end.
const meshLoad = `
UPDATE public.users SET name = random()::text, at = clock_timestamp() WHERE id = (random() * 3000)::int;
INSERT INTO public.users VALUES (4000 + (random() * 200)::int, 'new') ON CONFLICT DO NOTHING;
DELETE FROM public.users WHERE id = 4000 + (random() * 200)::int;
UPDATE public.mixed SET c = random() WHERE b = (random() * 400)::int;
SELECT pg_sleep(0.005);`

// comparison runs the command with --json and decodes its result.
func comparison(t *testing.T, args ...string) (answer, *compare.Result) {
	t.Helper()
	a := bridge(t, nil, append([]string{"compare", "--json"}, args...)...)
	var e struct{ Result *compare.Result }
	if err := json.Unmarshal([]byte(a.stdout), &e); err != nil {
		t.Fatalf("%v: %+v", err, a)
	}
	return a, e.Result
}

func differentKeys(r *compare.Result, table string) (keys []string) {
	for _, t := range r.Tables {
		for _, d := range t.Different {
			if t.Table == table {
				keys = append(keys, strings.Join(d.Key, ","))
			}
		}
	}
	return slices.Sorted(slices.Values(keys))
}

// Regions under load are found equal; after hand-made damage exactly the damaged rows are found, still under load.
// The damage is made where bridge can't see it: while the tables aren't published.
func TestCompareUnderLoad(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	m.setUp()
	m.start(meshNames...)
	var stops []func() int
	for _, name := range meshNames {
		stops = append(stops, m.load(name, meshLoad))
	}
	a, r := comparison(t, m.files()...)
	if a.code != 0 || r.Verdict != compare.Equal || len(r.Tables) != 2 || r.Tables[1].Rows["eu"] < 4500 {
		t.Fatalf("%d %s %s", a.code, a.stdout, a.stderr)
	}
	m.exec("us", `
ALTER PUBLICATION bridge DROP TABLE public.users, public.mixed;
UPDATE public.users SET name = 'damaged' WHERE id = -7;
DELETE FROM public.users WHERE id = -9;
UPDATE public.mixed SET c = -1 WHERE b = 124.75;
ALTER PUBLICATION bridge ADD TABLE public.users, public.mixed;
UPDATE bridge.published AS p SET entry = r.oid FROM pg_publication_rel r WHERE r.prrelid = p.table_oid; -- or the bridge would notice`)
	a, r = comparison(t, m.files()...)
	if got := differentKeys(r, "public.users"); a.code != 1 || !slices.Equal(got, []string{"-7", "-9"}) {
		t.Errorf("exit %d, different %v in\n%s%s", a.code, got, a.stdout, a.stderr)
	}
	if got := differentKeys(r, "public.mixed"); len(got) != 1 || !strings.HasPrefix(got[0], "124.75,") {
		t.Errorf("different %v", got)
	}
	for _, stop := range stops {
		if n := stop(); n < 10 {
			t.Errorf("only %d transactions were written meanwhile", n)
		}
	}
	// For people, and chosen tables; with -c and one other file.
	text := bridge(t, nil, "compare", "--tables=public.u*", "-c", m.regions["eu"].file, m.regions["us"].file)
	for _, want := range []string{"public.users  ", "2 rows different", "(id) = (-7): eu | us\n", "(id) = (-9): eu | missing in us\n"} {
		if text.code != 1 || !strings.Contains(text.stdout, want) {
			t.Errorf("no %q in %+v", want, text)
		}
	}
	if strings.Contains(text.stdout, "damaged") || strings.Contains(text.stdout, "mixed") {
		t.Errorf("values or other tables in %+v", text)
	}
}

// An idle mesh is compared, too: only heartbeats tell where the regions are.
func TestCompareAnIdleMesh(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	m.exec("ap", `DELETE FROM public.users WHERE id = 5; UPDATE public.users SET n = NULL WHERE id = 6`)
	m.setUpOne("eu")
	m.setUpOne("us")
	m.setUpOne("ap", "--no-verify")
	m.start(meshNames...)
	a, r := comparison(t, m.files()...)
	if got := differentKeys(r, "public.users"); a.code != 1 || !slices.Equal(got, []string{"5", "6"}) {
		t.Errorf("%+v", a)
	}
	// A write that a stopped bridge hasn't read may be what makes the rows equal.
	m.regions["ap"].stop()
	m.exec("ap", `UPDATE public.users SET name = 'y' WHERE id = 7`)
	a, r = comparison(t, append(m.files(), "--timeout=2s")...)
	if a.code != shell.ExitEnvironment || r.Verdict != compare.Undecided || !strings.Contains(r.Reason, "ap") {
		t.Errorf("with a stopped bridge: %+v", a)
	}
}

func TestCompareAtRest(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	if a, r := comparison(t, append(m.files(), "--at-rest")...); a.code != 0 || r.Verdict != compare.Equal {
		t.Errorf("%+v", a)
	}
	m.exec("us", `UPDATE public.mixed SET "D d" = '{"a": 1}' WHERE b = 10; ALTER TABLE public.users ALTER name TYPE varchar(40)`)
	a, r := comparison(t, append(m.files(), "--at-rest")...)
	if got := differentKeys(r, "public.mixed"); a.code != 1 || len(got) != 1 || !strings.HasPrefix(got[0], "10,") {
		t.Errorf("%+v", a)
	}
	if !strings.Contains(a.stdout, `character varying(40) in us; text in eu, ap`) {
		t.Errorf("%+v", a)
	}
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-c", m.files()[0]}, shell.ExitUsage, "two or more regions"},
		{[]string{m.files()[0], m.files()[0]}, shell.ExitUsage, "two of the files are of region eu"},
		{append(m.files(), "--tables=nothing.*"), shell.ExitEnvironment, "no table to compare"},
		{[]string{"/nope.yaml", m.files()[0]}, shell.ExitUsage, "no such file"},
	} {
		if a := bridge(t, nil, append([]string{"compare"}, tc.args...)...); a.code != tc.code || !strings.Contains(a.stderr, tc.want) {
			t.Errorf("%q: %+v", tc.args, a)
		}
	}
}

// What an operator does before the first start: check the definitions and the rows.
func TestCheckPeers(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	files := m.files()
	peers := "--peers=" + files[1] + "," + files[2]
	m.exec("us", `UPDATE public.users SET name = 'x' WHERE id = 1; ALTER TABLE public.mixed DROP COLUMN c`)
	a := bridge(t, nil, "check", "-c", files[0], peers)
	for _, want := range []string{`column "c": double precision in eu, ap; missing in us`, "1 row different between the regions, such as (id) = (1): eu and ap | us"} {
		if a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, want) {
			t.Errorf("no %q in %+v", want, a)
		}
	}
	m.exec("us", `UPDATE public.users SET name = 'user 1' WHERE id = 1; ALTER TABLE public.mixed ADD COLUMN c float8; UPDATE public.mixed SET c = b * 4`)
	if a := bridge(t, nil, "check", "-c", files[0], peers); a.code != 0 || !strings.Contains(a.stdout, "rows: are the same in eu, us, ap: 5500 rows in 2 tables") || strings.Contains(a.stdout, "alike") {
		t.Errorf("equal regions: %+v", a)
	}
	m.setUp()
	if a := bridge(t, nil, "check", "-c", files[0], peers); a.code != 0 {
		t.Errorf("after init: %+v", a)
	}
	m.start("eu")
	statusUntil(t, files[0], func(r *watch.StatusResult) bool { return r.Running && r.Status.Ready })
	if a := bridge(t, nil, "check", "-c", files[1], "--peers="+files[0]); a.code != 0 || !strings.Contains(a.stdout, "the bridge of region eu is running") {
		t.Errorf("while a bridge runs: %+v", a)
	}
}
