package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/casebook"
	"bridge/cmd/bridge/internal/shell"
	"bridge/compare"
	"bridge/internal/testserver/servertest"
)

// result reads what --json shows of a command that succeeds.
func result[T any](t *testing.T, a answer) (out T) {
	t.Helper()
	var e struct{ Result *T }
	e.Result = &out
	if err := json.Unmarshal([]byte(a.stdout), &e); err != nil || a.code != 0 {
		t.Fatalf("%v: %+v", err, a)
	}
	return out
}

// cases waits until a region has recorded a conflict on items, and returns them all.
func (m *mesh) cases(region string) []casebook.Case {
	m.t.Helper()
	m.eventually(region+" has recorded a conflict", func() bool {
		a := bridge(m.t, nil, "conflicts", "list", "-c", m.regions[region].file, "--json")
		return len(result[[]casebook.Case](m.t, a)) > 0
	})
	return result[[]casebook.Case](m.t, bridge(m.t, nil, "conflicts", "list", "-c", m.regions[region].file, "--json"))
}

// eventually looks again and again whether something that another process does has come about.
func (m *mesh) eventually(what string, holds func() bool) {
	m.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("%s: not after two minutes", what)
		}
	}
}

func (m *mesh) query(region, sql string) string {
	m.t.Helper()
	conn, err := pgx.Connect(m.t.Context(), m.regions[region].db.SocketDSN())
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close(m.t.Context()) //nolint:errcheck // it was only read from
	var text string
	if err := conn.QueryRow(m.t.Context(), sql).Scan(&text); err != nil {
		m.t.Fatal(err)
	}
	return text
}

// TestConflicts is the way of an operator who finds a lost update and brings it back.
func TestConflicts(t *testing.T) {
	t.Parallel()
	m := newMesh(t, `CREATE TABLE public.items (id int PRIMARY KEY, qty int, colour text); INSERT INTO public.items VALUES (1, 5, 'red'), (2, 5, 'red')`)
	m.setUp()
	on := func(region string, args ...string) answer {
		return bridge(t, nil, append(append([]string{"conflicts"}, args...), "-c", m.regions[region].file)...)
	}
	if a := on("eu", "list"); a.code != 0 || a.stdout != "0 conflicts\n" {
		t.Fatalf("list of nothing: %+v", a)
	}
	m.exec("eu", `UPDATE public.items SET qty = 6 WHERE id = 1`) // before any bridge runs: nobody sees the other
	m.exec("us", `UPDATE public.items SET colour = 'blue' WHERE id = 1`)
	m.start("eu", "us", "ap")
	cases := m.cases("eu")
	if len(cases) != 1 || cases[0].Type != "update_concurrent" || cases[0].Winner().Origin != "us/1" {
		t.Fatalf("%+v", cases)
	}
	id := fmt.Sprint(cases[0].ID)
	a := on("eu", "list", "--table", "items", "--since", "1h", "--open", "--type", "update_concurrent", "--key", "1")
	for _, want := range []string{"public.items (1)", "last_write_wins", "us/1:1", "eu/1:1", "1 conflict\n"} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("list lacks %q: %+v", want, a)
		}
	}
	if a := on("eu", "list", "--key", "2"); a.stdout != "0 conflicts\n" {
		t.Errorf("list of another row: %+v", a)
	}
	a = on("eu", "show", id)
	for _, want := range []string{"eu/1:1", "6 (lost)", "blue", "Neither eu/1:1 nor us/1:1 had seen the other.", "us/1:1 at", " won: it's the latest", "Now: the row is as it was decided."} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("show lacks %q: %+v", want, a)
		}
	}
	if a := on("eu", "stats"); a.code != 0 || !strings.Contains(a.stdout, "1 conflict in 1d, 1 open; 1 lost update, 0.042 an hour") {
		t.Errorf("stats: %+v", a)
	}
	if a := on("eu", "export"); a.code != 0 || strings.Count(a.stdout, "\n") != 1 || !strings.Contains(a.stdout, `"outcome":"applied"`) {
		t.Errorf("export: %+v", a)
	}

	// The two changes are put together, and every region gets that.
	a = on("eu", "resolve", id, "--value", "qty=6", "--by", "zoe", "--note", "both were meant")
	if a.code != 0 || !strings.Contains(a.stdout, "is resolved: update of public.items (1)") {
		t.Fatalf("resolve: %+v", a)
	}
	for _, region := range meshNames {
		m.eventually("the resolution in "+region, func() bool {
			return m.query(region, `SELECT concat_ws(' ', id, qty, colour) FROM public.items WHERE id = 1`) == "1 6 blue"
		})
	}
	if a := on("eu", "show", id); !strings.Contains(a.stdout, "by zoe: set qty: both were meant") || !strings.Contains(a.stdout, "Now: the row has been changed since: qty.") {
		t.Errorf("show: %+v", a)
	}
	if a := on("eu", "resolve", id, "--pick", "eu"); a.code != shell.ExitRuntime || !strings.Contains(a.stderr, "is resolved already") {
		t.Errorf("resolve again: %+v", a)
	}

	// In another region the same conflict is another case. Its row has changed since.
	id = fmt.Sprint(m.cases("ap")[0].ID)
	if a := on("ap", "resolve", id, "--pick", "eu/1:1"); a.code != shell.ExitRuntime || !strings.Contains(a.stderr, "the row has been changed since: qty") {
		t.Errorf("resolve a row that has changed: %+v", a)
	}
	if a := on("ap", "resolve", id, "--pick", "eu/1:1", "--force"); a.code != 0 {
		t.Errorf("resolve: %+v", a)
	}
	m.eventually("the resolution in us", func() bool {
		return m.query("us", `SELECT concat_ws(' ', id, qty, colour) FROM public.items WHERE id = 1`) == "1 6 red"
	})
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"show 99", shell.ExitRuntime, "no such conflict"},
		{"resolve 99 --keep", shell.ExitRuntime, "no such conflict"},
		{"resolve 1", shell.ExitUsage, "say how the conflict is resolved"},
		{"resolve 1 --keep --delete", shell.ExitUsage, "say how the conflict is resolved"},
		{"resolve 1 --value qty", shell.ExitUsage, "not of the form column=value"},
		{"list --since never", shell.ExitUsage, "neither an age"},
	} {
		if a := on("eu", strings.Fields(tt.args)...); a.code != tt.code || !strings.Contains(a.stderr, tt.want) {
			t.Errorf("%s: %+v", tt.args, a)
		}
	}
}

// TestConflictsAcrossEngines resolves conflicts on MySQL and on MariaDB, in tables and columns that have other names there.
func TestConflictsAcrossEngines(t *testing.T) {
	t.Parallel()
	m, servers := newMixedMesh(t)
	for region, server := range servers {
		grant(t, server, m.regions[region].file)
	}
	m.setUp()
	servertest.ExecMySQL(t, servers["us"], "shop", "UPDATE people SET nm = 'us' WHERE id = 5; UPDATE people SET nm = 'us' WHERE id = 6")
	servertest.ExecMySQL(t, servers["ap"], "shop", "UPDATE people SET n = 7.5 WHERE id = 5; DELETE FROM people WHERE id = 6")
	m.start("eu", "us", "ap")
	on := func(region string, args ...string) answer {
		return bridge(t, nil, append(append([]string{"conflicts"}, args...), "-c", m.regions[region].file)...)
	}
	// id is a region's case of a row.
	id := func(region, key string) string {
		var found string
		m.eventually(region+" has recorded a conflict on "+key, func() bool {
			for _, c := range m.cases(region) {
				if c.Row() == "public.users ("+key+")" {
					found = fmt.Sprint(c.ID)
				}
			}
			return found != ""
		})
		return found
	}
	for _, region := range meshNames {
		a := on(region, "show", id(region, "5"))
		for _, want := range []string{"us/1:1", "ap/1:1", "name", "7.50", "Now: the row is as it was decided."} {
			if a.code != 0 || !strings.Contains(a.stdout, want) {
				t.Errorf("%s: show lacks %q: %+v", region, want, a)
			}
		}
		if a := on(region, "show", id(region, "6")); a.code != 0 || !strings.Contains(a.stdout, "Now: the row is as it was decided.") || !strings.Contains(a.stdout, "no row") {
			t.Errorf("%s: show of a row that was deleted: %+v", region, a)
		}
	}
	if a := on("us", "resolve", id("us", "5"), "--pick", "us", "--value", "n=7.50", "--by", "zoe"); a.code != 0 {
		t.Errorf("resolve on MySQL: %+v", a)
	}
	six := []string{"resolve", id("ap", "6"), "--pick", "us", "--null", "n", "--by", "zoe"}
	if a := on("ap", six...); a.code != shell.ExitRuntime || !strings.Contains(a.stderr, "lacks ratio") { // whose unchanged values us doesn't send
		t.Errorf("resolve by a version that isn't whole: %+v", a)
	}
	if a := on("ap", append(six, "--null", "ratio")...); a.code != 0 {
		t.Errorf("resolve on MariaDB: %+v", a)
	}
	const want = "5 us 7.50; 6 us NULL"
	m.eventually("the resolutions in eu", func() bool {
		return m.query("eu", `SELECT string_agg(concat_ws(' ', id, name, coalesce(n::text, 'NULL')), '; ' ORDER BY id) FROM public.users WHERE id IN (5, 6)`) == want
	})
	for region, server := range servers {
		m.eventually("the resolutions in "+region, func() bool {
			rows := servertest.QueryMySQL(t, server, "shop", "SELECT concat_ws(' ', id, nm, coalesce(n, 'NULL')) FROM people WHERE id IN (5, 6) ORDER BY id")
			return strings.Join(rows, "; ") == want
		})
	}
	if a, r := comparison(t, m.files()...); a.code != 0 || r.Verdict != compare.Equal {
		t.Errorf("compare: %+v", a)
	}
}
