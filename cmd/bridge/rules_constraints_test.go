package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"bridge/cmd/bridge/internal/explain"
	"bridge/cmd/bridge/internal/shell"
	"bridge/config"
	"bridge/internal/testserver/servertest"
)

const constrainedTables = `
CREATE TABLE public.sites (id int PRIMARY KEY);
CREATE TABLE public.users (id int PRIMARY KEY, email text UNIQUE, org int NOT NULL, name varchar(60), site int REFERENCES public.sites,
	boss int REFERENCES public.users, UNIQUE (org, name));
CREATE UNIQUE INDEX lower_name ON public.users (lower(name));`

const policyRules = `{default: last_write_wins, tables: {public.users: {unique: {email: {"null": email}, "org, name": {rename: name}}, foreign_keys: {boss: set_null}}}}`

// TestRulesOfConstraints: the policies of keys are checked against the tables, and explained.
func TestRulesOfConstraints(t *testing.T) {
	t.Parallel()
	m := newMesh(t, constrainedTables)
	file := m.withRules("eu", policyRules)
	a := bridge(t, nil, "rules", "explain", "public.users", "-c", file)
	for _, want := range []string{
		"unique key (email), null: When two regions take one value at once, the row with the later write has it. The other one is shown with NULL in email until the value is free.",
		"unique key (org, name), rename: ", "is shown with another name, made of its own",
		"foreign key (boss) of public.users, set_null: ", "shown with NULL in these columns until the parent is back.",
		"foreign key (site) of public.sites, park: ", "hidden, and stands in bridge.parked until the parent is back.",
		"unique key (name), park: ", // of the expression lower(name), which reads this column
	} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("no %q in %+v", want, a)
		}
	}
	a = bridge(t, nil, "rules", "explain", "public.users", "-c", file, "--json")
	var e struct{ Result explain.TableResult }
	if err := json.Unmarshal([]byte(a.stdout), &e); err != nil || len(e.Result.Unique) != 3 || len(e.Result.Foreign) != 2 || e.Result.Foreign[0].Policy != "set_null" || e.Result.Foreign[1].Parent != "public.sites" {
		t.Errorf("%v: %+v", err, a)
	}
	if a := bridge(t, nil, "check", "-c", file); a.code != 0 || !strings.Contains(a.stdout, "lower_name, computed from (name): parked; (email): shown with NULL in email; (org, name): shown with another name") {
		t.Errorf("%+v", a)
	}
	file = m.withRules("eu", strings.TrimSuffix(policyRules, "}")+`, next: {default: last_write_wins, tables: {public.users: {unique: {email: {rename: email}, "org, name": {"null": org}}, foreign_keys: {boss: set_null}}}}}`)
	if a := bridge(t, nil, "rules", "explain", "public.users", "-c", file); a.code != 0 || strings.Count(a.stdout, "with conflicts.next") != 2 ||
		!strings.Contains(a.stdout, "unique key (email), null: ") || !strings.Contains(a.stdout, "  with conflicts.next, rename: When two regions take one value at once") {
		t.Errorf("%+v", a)
	}
	if a := bridge(t, nil, "check", "-c", file); a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, `conflicts.next: the policy of unique key (org, name) alters column "org", which mustn't be NULL`) {
		t.Errorf("%+v", a)
	}
	file = m.withRules("eu", strings.NewReplacer("set_null", "keep_parent", "null\": email", "null\": mail", "{email", "{mail").Replace(policyRules))
	if a := bridge(t, nil, "check", "-c", file); a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "public.users: the policy of foreign key (boss) of public.users is keep_parent, which inserts deleted rows of this table again: that needs whole rows in the log") ||
		!strings.Contains(a.stdout, `ALTER TABLE "public"."users" REPLICA IDENTITY FULL;`) || !strings.Contains(a.stdout, "parents that rows lack by the foreign key (boss) are inserted again by the bridge of region ap") ||
		!strings.Contains(a.stdout, "has no unique key besides the one that names its rows (mail), and a policy for it") || !strings.Contains(a.stdout, "those of the table are (email), (name), (org, name)") {
		t.Errorf("%+v", a)
	}
	if a := bridge(t, nil, "rules", "explain", "public.users", "-c", file); a.code != 0 || !strings.Contains(a.stdout, "foreign key (boss) of public.users, keep_parent: ") ||
		!strings.Contains(a.stdout, "the bridge of region ap inserts the parent again, in all regions, as it was") {
		t.Errorf("%+v", a)
	}
}

// TestRegionsAreConstrainedAlike: where they aren't, they can show different rows.
func TestRegionsAreConstrainedAlike(t *testing.T) {
	t.Parallel()
	m := newMesh(t, constrainedTables)
	peers := []string{"check", "-c", m.regions["eu"].file, "--peers", m.regions["us"].file, "--peers", m.regions["ap"].file}
	if a := bridge(t, nil, peers...); a.code != 0 || strings.Contains(a.stdout, "constrained alike") {
		t.Fatalf("%+v", a)
	}
	m.exec("us", `ALTER TABLE public.users DROP CONSTRAINT users_email_key`)
	m.exec("ap", `ALTER TABLE public.users DROP CONSTRAINT users_boss_fkey`)
	m.exec("us", `DROP INDEX public.lower_name; CREATE UNIQUE INDEX lower_name ON public.users (upper(name))`)
	a := bridge(t, nil, peers...)
	for _, want := range []string{
		"unique key computed from (name) is lower((name)::text) in eu, ap, upper((name)::text) in us; a row that it hides in one region may be shown in another",
		"public.users: isn't constrained alike in the regions: unique key (email) is in ap, eu only; a row that it hides there is shown in the others",
		"foreign key (boss to id) of public.users is in eu, us only",
	} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("no %q in %+v", want, a)
		}
	}
}

// TestUniqueTextsOfEngines: a region that holds other texts equal than another shows other rows. What's printed makes them alike.
func TestUniqueTextsOfEngines(t *testing.T) {
	t.Parallel()
	m, servers := newMixedMesh(t)
	m.exec("eu", `ALTER TABLE public.users ADD UNIQUE (name)`)
	for region, server := range servers {
		grant(t, server, m.regions[region].file)
		servertest.ExecMySQL(t, server, "shop", `ALTER TABLE people ADD UNIQUE (nm)`)
	}
	file := func(region string) string { return m.regions[region].file }
	peers := []string{"check", "-c", file("eu"), "--peers", file("us"), "--peers", file("ap")}
	a := bridge(t, nil, peers...)
	for region, collation := range map[string]string{"us": "utf8mb4_0900_bin", "ap": "utf8mb4_nopad_bin"} {
		statement := "ALTER TABLE `shop`.`people` MODIFY `nm` varchar(20) CHARACTER SET utf8mb4 COLLATE " + collation + " NOT NULL"
		if a.code != 0 || !strings.Contains(a.stdout, `unique key (name), column "name" in eu and `+region+": ") || !strings.Contains(a.stdout, "in "+region+": "+statement+";") {
			t.Errorf("no %q in %+v", statement, a)
		}
		if own := bridge(t, nil, "check", "-c", file(region)); !strings.Contains(own.stdout, `unique key "nm", column "nm": equality is the collation's`) || !strings.Contains(own.stdout, statement) {
			t.Errorf("%+v", own)
		}
		servertest.ExecMySQL(t, servers[region], "shop", statement)
	}
	if a := bridge(t, nil, peers...); a.code != 0 || strings.Contains(a.stdout, "column \"name\" in") || strings.Contains(a.stdout, "constrained alike") {
		t.Errorf("after the statements: %+v", a)
	}
}

// TestPrintedPolicies: what print-config prints is read as the same.
func TestPrintedPolicies(t *testing.T) {
	text := fmt.Sprintf("cluster: c\nregion: eu\nregions: {eu: {}}\ndatabase: {host: /x, dbname: x, user: x}\nkafka: {brokers: [\"x:1\"]}\nconflicts: %s\n", policyRules)
	file := t.TempDir() + "/c.yaml"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := config.Load(file, config.Outside{})
	if err != nil {
		t.Fatal(err)
	}
	a := bridge(t, nil, "print-config", "-c", file)
	again, err := config.Parse("printed", []byte(a.stdout), config.Outside{})
	if err != nil || !reflect.DeepEqual(first.Conflicts, again.Conflicts) {
		t.Errorf("%v: %+v", err, a)
	}
}

// TestPoliciesInAMesh: losers are shown as the policies say, in every region; they get their values back when these are free, and keep what they
// show once somebody has written to them.
func TestPoliciesInAMesh(t *testing.T) {
	t.Parallel()
	m := newMesh(t, `
CREATE TABLE public.users (id int PRIMARY KEY, email text UNIQUE, org int NOT NULL, name varchar(60), boss int REFERENCES public.users, UNIQUE (org, name));
CREATE TABLE public.notes (id int PRIMARY KEY, code text UNIQUE, text text, author int REFERENCES public.users);
ALTER TABLE public.notes REPLICA IDENTITY FULL;
INSERT INTO public.users VALUES (3, 'boss@x', 3, 'boss', NULL), (4, 'chief@x', 3, 'chief', NULL)`)
	for _, name := range meshNames {
		m.regions[name].file = m.withRules(name, `{default: last_write_wins, tables: {
			public.users: {unique: {email: {"null": email}, "org, name": {rename: name}}, foreign_keys: {boss: set_null}},
			public.notes: {unique: {code: {"null": code}}}}}`)
	}
	m.setUp()
	m.exec("eu", `INSERT INTO public.users VALUES (1, 'ann@x', 1, 'ann', NULL), (2, 'bob@x', 1, 'bob', NULL); INSERT INTO public.notes VALUES (1, 'a', 'eu', NULL), (2, 'b', 'eu', NULL)`)
	m.exec("us", `INSERT INTO public.users VALUES (11, 'ann@x', 2, 'ann', NULL), (12, 'bert@x', 1, 'bob', NULL); INSERT INTO public.notes VALUES (11, 'a', 'us', NULL), (12, 'b', 'us', NULL)`)
	m.start(meshNames...)
	shows := func(sql, want string) {
		t.Helper()
		for _, region := range meshNames {
			m.eventually(fmt.Sprintf("%s shows %q", region, want), func() bool { return m.query(region, sql) == want })
		}
	}
	const users = `SELECT string_agg(concat_ws(' ', id, coalesce(email, '-'), org, regexp_replace(name, '~.*', '~'), boss), ', ' ORDER BY id) FROM public.users`
	const notes = `SELECT string_agg(concat_ws(' ', id, coalesce(code, '-'), text, author), ', ' ORDER BY id) FROM public.notes`
	shows(users, "1 - 1 ann, 2 bob@x 1 bob~, 3 boss@x 3 boss, 4 chief@x 3 chief, 11 ann@x 2 ann, 12 bert@x 1 bob")
	shows(notes, "1 - eu, 2 - eu, 11 a us, 12 b us")
	if name := m.query("ap", `SELECT name FROM public.users WHERE id = 2`); name != "bob~2" {
		t.Errorf("the renamed one is called %s", name)
	}
	m.tryPolicies()
	m.exec("ap", `UPDATE public.users SET org = 7 WHERE id = 2; UPDATE public.notes SET text = 'taken' WHERE id = 1`) // as they are shown
	m.exec("us", `UPDATE public.users SET email = NULL WHERE id = 11; DELETE FROM public.users WHERE id = 12; UPDATE public.notes SET code = 'z' WHERE id IN (11, 12) AND code = 'a'; DELETE FROM public.notes WHERE id = 12`)
	shows(users, "1 ann@x 1 ann, 2 bob@x 7 bob~, 3 boss@x 3 boss, 4 chief@x 3 chief, 11 - 2 ann")
	shows(notes, "1 - taken, 2 b eu, 11 z us")
	m.apart("eu", `DELETE FROM public.users WHERE id IN (3, 4)`, "us", `INSERT INTO public.users VALUES (31, NULL, 9, NULL, 3); INSERT INTO public.notes VALUES (31, NULL, 'of 4', 4)`)
	shows(users, "1 ann@x 1 ann, 2 bob@x 7 bob~, 11 - 2 ann, 31 - 9")
	shows(notes, "1 - taken, 2 b eu, 11 z us")
	m.exec("ap", `INSERT INTO public.users VALUES (3, 'boss@x', 3, 'new boss', NULL), (4, NULL, 3, NULL, NULL)`)
	shows(users, "1 ann@x 1 ann, 2 bob@x 7 bob~, 3 boss@x 3 new boss, 4 - 3, 11 - 2 ann, 31 - 9 3")
	shows(notes, "1 - taken, 2 b eu, 11 z us, 31 - of 4 4")
	for _, region := range meshNames {
		m.parkedIn(region, 0)
	}
	m.alike()
}

// tryPolicies wants to be told what other policies would make of the rows that are parked now.
func (m *mesh) tryPolicies() {
	m.t.Helper()
	text, err := os.ReadFile(m.regions["eu"].file)
	if err != nil {
		m.t.Fatal(err)
	}
	other := m.t.TempDir() + "/other.yaml"
	if err := os.WriteFile(other, []byte(strings.NewReplacer(`{"null": code}`, "park", "boss: set_null", "boss: drop").Replace(string(text))), 0o600); err != nil {
		m.t.Fatal(err)
	}
	a := bridge(m.t, nil, "rules", "try", other, "-c", m.regions["eu"].file)
	for _, want := range []string{
		"public.notes, unique key (code): null now; under park, 2 rows that this region has parked now (bridge parked list --table public.notes) would be parked\n",
		"public.users, foreign key (boss): set_null now; under drop, nothing changes at once: no row is parked by it in this region\n",
	} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			m.t.Errorf("no %q in %+v", want, a)
		}
	}
	if a := bridge(m.t, nil, "rules", "try", other, "-c", m.regions["eu"].file, "--tables", "public.users", "--json"); strings.Contains(a.stdout, `"code"`) || !strings.Contains(a.stdout, `"then": "drop"`) {
		m.t.Errorf("%+v", a)
	}
}
