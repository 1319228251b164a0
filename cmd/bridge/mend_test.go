package main

import (
	"os"
	"strings"
	"testing"

	"bridge/cmd/bridge/internal/shell"
)

// rules gives all regions a table's conflict rule.
func (m *mesh) rules(yaml string) {
	m.t.Helper()
	for _, r := range m.regions {
		text, err := os.ReadFile(r.file)
		if err != nil {
			m.t.Fatal(err)
		}
		with := strings.Replace(string(text), "conflicts: {default: last_write_wins}", "conflicts: {default: last_write_wins, tables: "+yaml+"}", 1)
		if err := os.WriteFile(r.file, []byte(with), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
}

// TestMerges: what a decision can't merge one region does afterwards, and writes for all.
func TestMerges(t *testing.T) {
	t.Parallel()
	m := newMesh(t, `CREATE TABLE public.docs (id int PRIMARY KEY, body text, n bigint, status text, hits int NOT NULL);
		ALTER TABLE public.docs REPLICA IDENTITY FULL;
		INSERT INTO public.docs VALUES (1, E'the quick fox\njumps\n', 10, 'new', 0)`)
	m.rules(`{public.docs: {columns: {body: text, n: {merge: expression, expression: a + b - base, as: int}, status: manual, hits: counter}}}`)
	m.setUp()
	m.exec("eu", `UPDATE public.docs SET body = E'the slow fox\njumps\n', n = 12, status = 'open', hits = hits + 1`)
	m.exec("us", `UPDATE public.docs SET body = E'the quick dog\njumps\n', n = 15, hits = hits + 2`)
	m.exec("ap", `UPDATE public.docs SET body = E'the quick fox\njumps high\n', status = 'closed', hits = hits + 4`)
	m.start("eu", "us", "ap")
	for _, region := range meshNames {
		m.eventually("the merged row in "+region, func() bool {
			return m.query(region, `SELECT concat_ws('|', body, n, status, hits) FROM public.docs`) == "the slow dog\njumps high\n|17|closed|7"
		})
	}
	m.eventually("the case of the status waits for a person, where the latest change was made", func() bool {
		a := bridge(t, nil, "conflicts", "list", "--awaiting", "--open", "-c", m.regions["ap"].file)
		return a.code == 0 && strings.Contains(a.stdout, "public.docs (1)")
	})
}

// TestExpressionsAreChecked: before anything runs.
func TestExpressionsAreChecked(t *testing.T) {
	t.Parallel()
	m := newMesh(t, `CREATE TABLE public.docs (id int PRIMARY KEY, n bigint)`)
	m.rules(`{public.docs: {columns: {n: {merge: expression, expression: a + c, as: int}}}}`)
	a := bridge(t, nil, "check", "-c", m.regions["eu"].file)
	if a.code != shell.ExitEnvironment || !strings.Contains(a.stdout, "conflicts.tables.public.docs.columns.n.expression") || !strings.Contains(a.stdout, "undeclared reference to 'c'") {
		t.Errorf("%+v", a)
	}
}
