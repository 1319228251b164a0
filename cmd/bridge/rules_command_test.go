package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bridge/cmd/bridge/internal/explain"
	"bridge/cmd/bridge/internal/shell"
	"bridge/conflict"
	"bridge/internal/testserver/servertest"
)

const cartTable = `
CREATE TABLE public.carts (id int PRIMARY KEY, qty int, tags text[], note text);
ALTER TABLE public.carts REPLICA IDENTITY FULL;
INSERT INTO public.carts VALUES (1, 10, '{a}', 'old'), (2, 5, '{}', 'two');
CREATE TABLE public.prices (price numeric, item text, PRIMARY KEY (item, price));`

const cartRules = `{default: last_write_wins, tables: {public.carts: {deletes: update_wins, columns: {qty: counter, tags: set}}}}`

// withRules writes a copy of a region's configuration with other conflict rules.
func (m *mesh) withRules(region, rules string) string {
	m.t.Helper()
	text, err := os.ReadFile(m.regions[region].file)
	if err != nil {
		m.t.Fatal(err)
	}
	const now = "conflicts: {default: last_write_wins}"
	if !strings.Contains(string(text), now) {
		m.t.Fatalf("no %q in %s", now, text)
	}
	file := filepath.Join(m.t.TempDir(), "changed.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), now, "conflicts: "+rules, 1)), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return file
}

func TestRulesExplain(t *testing.T) {
	t.Parallel()
	m := newMesh(t, cartTable+`CREATE TABLE public.notes (id int PRIMARY KEY, text text);`)
	file := m.withRules("eu", cartRules)
	a := bridge(t, nil, "rules", "explain", "public.carts", "-c", file)
	for _, want := range []string{
		"The later write wins", "An insert or update wins over deletes", "update / delete  The update wins",
		"qty", "counter", "10 made 13, and later, without having seen that, 8: 11", "text[]", "{1,2} made {1,2,3}", "This region's log has them.",
		"table public.carts: columns, update_wins",
	} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("no %q in %+v", want, a)
		}
	}
	for _, tc := range []struct {
		rules, table string
		code         int
		want         string
	}{
		{"{default: last_write_wins}", "public.notes", 0, "The rule needs nothing of the log"},
		{"{default: first_write_wins}", "public.notes", 0, `log lacks them: ALTER TABLE "public"."notes" REPLICA IDENTITY FULL;`},
		{"{default: last_write_wins}", "public.nothing", shell.ExitUsage, "there's no table public.nothing"},
		{"{default: last_write_wins}", "bridge.node", shell.ExitUsage, "isn't replicated"},
		{"{default: last_write_wins, tables: {public.notes: {columns: {text: counter}}}}", "public.notes", 0, "It can't be: a counter must be an integer"},
	} {
		a := bridge(t, nil, "rules", "explain", tc.table, "-c", m.withRules("eu", tc.rules))
		if a.code != tc.code || !strings.Contains(a.stdout+a.stderr, tc.want) {
			t.Errorf("%s, %s: no %q in %+v", tc.rules, tc.table, tc.want, a)
		}
	}
	a = bridge(t, nil, "rules", "explain", "public.carts", "-c", file, "--json")
	var e struct{ Result explain.TableResult }
	if err := json.Unmarshal([]byte(a.stdout), &e); err != nil {
		t.Fatalf("%v: %+v", err, a)
	}
	if r := e.Result; len(r.Columns) != 3 || r.Columns[0].Example == nil || r.Columns[0].Example.After != "11" || len(r.Cases) != 6 || !r.Images.Needed || !r.Images.Logged {
		t.Errorf("%+v", r)
	}
}

// apart writes to a row in two regions, neither of which has seen the other's, and waits until all have both.
func (m *mesh) apart(first, sql, second, sql2 string) {
	m.t.Helper()
	for _, name := range []string{first, second} {
		m.regions[name].stop()
	}
	m.exec(first, sql)
	m.exec(second, sql2)
	m.start(first, second)
	m.alike()
}

// alike waits until the regions have the same rows.
func (m *mesh) alike() {
	m.t.Helper()
	if a := bridge(m.t, nil, append([]string{"compare"}, m.files()...)...); a.code != 0 {
		m.t.Fatalf("the regions differ: %+v", a)
	}
}

func TestRulesTryAndBlame(t *testing.T) {
	t.Parallel()
	m := newMesh(t, cartTable)
	m.setUp()
	m.start(meshNames...)
	m.alike() // and running
	m.apart("eu", `UPDATE public.carts SET qty = qty + 3 WHERE id = 1`, "us", `UPDATE public.carts SET qty = qty - 2, tags = '{a,b}' WHERE id = 1`)
	m.apart("eu", `DELETE FROM public.carts WHERE id = 2`, "us", `UPDATE public.carts SET note = 'kept' WHERE id = 2`)
	m.exec("ap", `UPDATE public.carts SET note = 'later' WHERE id = 1; INSERT INTO public.prices VALUES (1.50, 'pen')`)
	m.alike()
	m.exec("us", `DELETE FROM public.prices`)
	m.alike()
	t.Run("try", m.tryRules)
	t.Run("blame", m.blameRows)
}

func (m *mesh) tryRules(t *testing.T) {
	eu := m.regions["eu"].file
	try := func(rules string, args ...string) (answer, explain.TrialResult) {
		t.Helper()
		a := bridge(t, nil, append([]string{"rules", "try", m.withRules("eu", rules), "-c", eu, "--json"}, args...)...)
		var e struct{ Result explain.TrialResult }
		if err := json.Unmarshal([]byte(a.stdout), &e); a.code != 0 || err != nil && !strings.Contains(err.Error(), "columns") {
			t.Fatalf("%v: %+v", err, a)
		}
		return a, e.Result
	}
	a, r := try(cartRules)
	if len(r.Tables) != 2 || r.Tables[0].Conflicts != 2 || len(r.Conflicts) != 1 || r.Conflicts[0].Key[0] != "1" {
		t.Fatalf("%+v", a)
	}
	c := r.Conflicts[0]
	if c.Latest || !slices.Equal(c.Columns, []string{"qty"}) || !c.Now.Exists || !c.Then.Exists || len(c.Writes) != 2 {
		t.Errorf("%+v", c)
	}
	text := bridge(t, nil, "rules", "try", m.withRules("eu", cartRules), "-c", eu, "--values")
	for _, want := range []string{"public.carts (1) at ", ", written again since", "now   a row, by us/1:1 (update): qty = 8\n", "then  a row, by us/1:1 (update): qty = 11\n"} {
		if !strings.Contains(text.stdout, want) {
			t.Errorf("no %q in %s", want, text.stdout)
		}
	}
	if hidden := bridge(t, nil, "rules", "try", m.withRules("eu", cartRules), "-c", eu); strings.Contains(hidden.stdout, "qty = ") || !strings.Contains(hidden.stdout, "in    qty\n") {
		t.Errorf("%s", hidden.stdout)
	}
	a, r = try("{default: last_write_wins}")
	if len(r.Conflicts) != 0 || !strings.Contains(a.envelope(t).Summary, "the rules are the same") {
		t.Errorf("%+v", a)
	}
	_, r = try("{default: last_write_wins, tables: {public.carts: {deletes: delete_wins}}}")
	if len(r.Conflicts) != 1 || r.Conflicts[0].Key[0] != "2" || r.Conflicts[0].Then.Exists || !r.Conflicts[0].Latest {
		t.Errorf("%+v", r)
	}
	if _, r = try(cartRules, "--since="+time.Now().Add(time.Hour).Format(time.RFC3339)); len(r.Conflicts) != 0 {
		t.Errorf("since the future: %+v", r)
	}
	if a := bridge(t, nil, "rules", "try", eu, "-c", m.withRules("eu", cartRules)); a.code != 0 || !strings.Contains(a.stdout, "were written under other rules") {
		t.Errorf("%+v", a)
	}
	if _, r = try(cartRules, "--tables=public.other"); len(r.Tables) != 0 {
		t.Errorf("another table: %+v", r)
	}
	if a := bridge(t, nil, "rules", "try", "/nope.yaml", "-c", eu); a.code != shell.ExitUsage {
		t.Errorf("%+v", a)
	}
}

func (m *mesh) blameRows(t *testing.T) {
	us := m.regions["us"].file
	blame := func(args ...string) (answer, explain.BlameResult) {
		t.Helper()
		a := bridge(t, nil, append([]string{"blame", "--json", "-c", us}, args...)...)
		var e struct{ Result explain.BlameResult }
		if err := json.Unmarshal([]byte(a.stdout), &e); err != nil {
			t.Fatalf("%v: %+v", err, a)
		}
		return a, e.Result
	}
	a, r := blame("public.carts", "1")
	if a.code != 0 || len(r.Events) != 3 || !r.Exists || !r.Present || len(r.Differs) > 0 || !r.Whole || !r.Told {
		t.Fatalf("%+v", a)
	}
	from := map[string]string{}
	for _, c := range r.Columns {
		if len(c.Events) == 1 {
			from[c.Column] = r.Events[c.Events[0]-1].Dot
		}
	}
	if from["qty"] != "us/1:1" || from["note"] != "ap/1:1" || r.Columns[0].Column != "id" || !r.Columns[0].Before {
		t.Errorf("columns are from %v: %+v", from, r.Columns)
	}
	if e := r.Events[0]; e.Fate != "lost" || e.By != 2 || !slices.Equal(e.Concurrent, []int{2}) || len(e.Changes) != 1 || *e.Changes[0].Before != "10" || *e.Changes[0].After != "13" {
		t.Errorf("%+v", e)
	}
	if len(r.Recorded) != 1 || r.Recorded[0].Type != string(conflict.UpdateConcurrent) {
		t.Errorf("recorded: %+v", r.Recorded)
	}
	text := bridge(t, nil, "blame", "public.carts", "1", "-c", us)
	for _, want := range []string{"lost to 2; concurrent with 2", "10 -> 13", "from 2", "from before all that was read", "Recorded here as conflict", "3 writes; lost to concurrent ones: 1"} {
		if text.code != 0 || !strings.Contains(text.stdout, want) {
			t.Errorf("no %q in %s%s", want, text.stdout, text.stderr)
		}
	}
	// By rules that the row wasn't decided by, its quantity would be 11, and the last write shows 8.
	counted := bridge(t, nil, "blame", "public.carts", "1", "-c", m.withRules("us", cartRules))
	for _, want := range []string{"written under other conflict rules", "qty   8      what was read doesn't tell", "merged from 2, onto {a}"} {
		if !strings.Contains(counted.stdout, want) {
			t.Errorf("no %q in %s%s", want, counted.stdout, counted.stderr)
		}
	}
	m.regions["us"].stop()
	m.exec("us", `SET session_replication_role = replica; UPDATE public.carts SET note = 'unpublished' WHERE id = 1; DELETE FROM public.carts WHERE id = 2`)
	if _, r := blame("public.carts", "1"); !slices.Equal(r.Differs, []string{"note"}) {
		t.Errorf("differs in %v", r.Differs)
	}
	if _, r := blame("public.carts", "2"); !r.Exists || r.Present {
		t.Errorf("%+v", r)
	}
	// The log has the deleted key in its normal form, 1.5, and no row.
	for _, price := range []string{"1.50", "1.5"} {
		a, r := blame("public.prices", price, "pen")
		if len(r.Events) != 2 || r.Events[0].Kind != "insert" || r.Events[1].Kind != "delete" || r.Events[0].By != 2 || r.Exists || r.Present {
			t.Errorf("%s: %+v", price, a)
		}
	}
	if a := bridge(t, nil, "blame", "public.prices", "1.5", "pen", "-c", us); !strings.Contains(a.stdout, "There's no row: 2 is a delete.") {
		t.Errorf("%+v", a)
	}
	if a := bridge(t, nil, "blame", "public.carts", "99", "-c", us); a.code == 0 || !strings.Contains(a.stderr, "the topics hold no write to public.carts (99)") {
		t.Errorf("%+v", a)
	}
}

// TestRulesAndBlameAcrossEngines: what's read of other engines has this region's form, and tables go by their names here.
func TestRulesAndBlameAcrossEngines(t *testing.T) {
	t.Parallel()
	m, servers := newMixedMesh(t)
	m.exec("eu", `ALTER TABLE public.users REPLICA IDENTITY FULL`)
	m.setUpOne("eu")
	for region, server := range servers {
		grant(t, server, m.regions[region].file)
		m.setUpOne(region)
	}
	// Before any bridge runs nobody has seen the others' writes. MariaDB's log cuts its times to seconds, so ap's is the first.
	servertest.ExecMySQL(t, servers["ap"], "shop", "UPDATE people SET n = n + 4 WHERE id = 2")
	m.exec("eu", `UPDATE public.users SET n = n + 1, name = 'Zoë' WHERE id = 2`)
	servertest.ExecMySQL(t, servers["us"], "shop", "UPDATE people SET n = n + 2 WHERE id = 2")
	m.start("eu", "us", "ap")
	m.alike()
	for region, table := range map[string]string{"eu": "public.users", "us": "shop.people", "ap": "shop.people"} {
		file := m.regions[region].file
		changed := m.withRules(region, "{default: last_write_wins, tables: {public.users: {columns: {n: counter}}}}")
		for command, wanted := range map[string][]string{
			"blame " + table + " 2 -c " + file: {
				"ap/1:1 update lost to 3; concurrent with 2, 3 n: 0.50 -> 4.50", "eu/1:1 update lost to 3; concurrent with 1, 3 name: user 2 -> Zoë n: 0.50 -> 1.50",
				"name user 2 from before all that was read n 2.50 from 3", "Recorded here as conflict",
			},
			"rules try " + changed + " -c " + file + " --values": {"n = 2.50", "name = Zoë, n = 7.5", "1 of 1 conflict would come out otherwise"},
			"rules explain " + table + " -c " + changed:          {"n numeric counter", "This region's log has them.", "table " + table},
		} {
			a := bridge(t, nil, strings.Fields(command)...)
			text := strings.ReplaceAll(strings.Join(strings.Fields(a.stdout), " "), "n decimal counter", "n numeric counter")
			for _, want := range wanted {
				if a.code != 0 || !strings.Contains(text, want) || strings.Contains(text, "But in this region's") {
					t.Errorf("%s, %s: no %q in %s%s", region, command, want, a.stdout, a.stderr)
				}
			}
		}
	}
}
