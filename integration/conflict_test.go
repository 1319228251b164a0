package integration

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bridge/change"
)

// write is one side of a conflict: what a region does to a row while it's cut off.
type write struct {
	name string
	sql  string // k stands for the key, w for the writer
	kind string // of the last operation, in bridge.conflicts
	row  bool   // whether a row is left if this write wins
}

var (
	insert   = write{"insert", `INSERT INTO conflicting VALUES (k, 'w', 'inserted')`, "insert", true}
	reinsert = write{"reinsert", `DELETE FROM conflicting WHERE id = k; INSERT INTO conflicting VALUES (k, 'w', 'inserted again')`, "insert", true}
	update   = write{"update", `UPDATE conflicting SET writer = 'w', note = 'updated' WHERE id = k`, "update", true}
	remove   = write{"delete", `DELETE FROM conflicting WHERE id = k`, "delete", false}
)

// TestConflictMatrix has two regions write the same row while neither hears of the other: every kind of
// write against every other, the one's commit before the other's and after it. The later one must stand, in
// three regions, the third of which sees both from afar; each region that learned of one write after the
// other must have told of the conflict, with the loser's image.
func TestConflictMatrix(t *testing.T) {
	t.Parallel()
	m := start(t, options{regions: 3, schema: `CREATE TABLE conflicting (id int PRIMARY KEY, writer text NOT NULL, note text);`})
	eu, us := m.regions[0], m.regions[1]
	type trial struct {
		key           int
		first, second write // in the order of their commits
		by            [2]*region
	}
	var trials []trial
	add := func(first, second write) {
		for _, by := range [][2]*region{{eu, us}, {us, eu}} {
			trials = append(trials, trial{len(trials) + 1, first, second, by})
		}
	}
	add(insert, insert)
	for _, first := range []write{reinsert, update, remove} {
		for _, second := range []write{reinsert, update, remove} {
			add(first, second)
		}
	}
	for _, c := range trials {
		if c.first.name != "insert" {
			eu.exec(fmt.Sprintf(`INSERT INTO conflicting VALUES (%d, 'nobody', 'from the start')`, c.key))
		}
	}
	m.settle()
	for _, r := range m.regions {
		r.bridge.signal(syscall.SIGSTOP)
	}
	for _, c := range trials {
		for i, w := range []write{c.first, c.second} {
			by := c.by[i]
			by.exec(strings.NewReplacer("k)", fmt.Sprint(c.key)+")", "(k", fmt.Sprintf("(%d", c.key), "= k", fmt.Sprintf("= %d", c.key), "'w'", "'"+by.name+"'").Replace(w.sql))
		}
	}
	for _, r := range m.regions {
		r.bridge.signal(syscall.SIGCONT)
	}
	m.settle()
	for _, c := range trials {
		what := fmt.Sprintf("%s in %s, then %s in %s", c.first.name, c.by[0].name, c.second.name, c.by[1].name)
		var want []string
		if c.second.row {
			want = []string{c.by[1].name}
		}
		for _, r := range m.regions {
			if got := r.query(fmt.Sprintf(`SELECT writer FROM conflicting WHERE id = %d`, c.key)); !slices.Equal(got, want) {
				t.Errorf("%s: region %s has a row by %q, want %q", what, r.name, got, want)
			}
			told := r.query(fmt.Sprintf(`SELECT type, outcome, versions FROM bridge.conflicts WHERE table_name = 'conflicting' AND key = '{%d}'`, c.key))
			if len(told) == 0 {
				t.Errorf("%s: region %s tells of no conflict", what, r.name)
			}
		}
		for i, w := range []write{c.first, c.second} { // at the other one's region, this write comes in
			here := c.by[1-i]
			got := here.query(fmt.Sprintf(`SELECT type FROM bridge.conflicts WHERE key = '{%d}'`, c.key))
			met := []write{c.second, c.first}[i]
			if want := conflictType(w, met.row); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: region %s calls it %q, want %s", what, here.name, got, want)
			}
			loser := c.by[0]
			kept := here.query(fmt.Sprintf(`SELECT v ->> 'kind', coalesce(v -> 'image' ->> 'writer', '') FROM bridge.conflicts, jsonb_array_elements(versions) v
				WHERE key = '{%d}' AND v ->> 'origin' = '%s' AND v -> 'won' IS NULL`, c.key, change.NewOrigin(loser.name, 1)))
			image := ""
			if c.first.row {
				image = loser.name
			}
			if want := c.first.kind + "|" + image; !slices.Contains(kept, want) {
				t.Errorf("%s: region %s keeps %q of the loser, want %q", what, here.name, kept, want)
			}
		}
	}
	t.Logf("%d trials, %d conflicts recorded", len(trials), m.conflicts())
}

// conflictType is the name of the conflict when w comes in where there is a row or not. A delete and insert
// of one row arrive as one change, named by its first.
func conflictType(w write, present bool) string {
	first, _, _ := strings.Cut(w.sql, " ")
	kind := strings.ToLower(first)
	switch {
	case kind == "insert" && present:
		return "insert_exists"
	case kind == "insert":
		return "insert_concurrent"
	case present:
		return kind + "_concurrent"
	}
	return kind + "_missing"
}
