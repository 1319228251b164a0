package integration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bridge/change"
	"bridge/config"
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
	reinsert = write{"reinsert", `BEGIN; DELETE FROM conflicting WHERE id = k; INSERT INTO conflicting VALUES (k, 'w', 'inserted again'); COMMIT`, "insert", true}
	update   = write{"update", `UPDATE conflicting SET writer = 'w', note = 'updated' WHERE id = k`, "update", true}
	remove   = write{"delete", `DELETE FROM conflicting WHERE id = k`, "delete", false}
)

// trial is two writes of one row by two regions, in the order of their commits.
type trial struct {
	key    int
	writes [2]write
	by     [2]*region
}

func (c trial) String() string {
	return fmt.Sprintf("%s in %s, then %s in %s", c.writes[0].name, c.by[0].name, c.writes[1].name, c.by[1].name)
}

// write does one of the two.
func (c trial) write(i int) {
	key := fmt.Sprint(c.key)
	c.by[i].exec(strings.NewReplacer("(k", "("+key, "= k", "= "+key, "'w'", "'"+c.by[i].name+"'").Replace(c.writes[i].sql))
}

// TestConflictMatrix has two regions write the same row while neither hears of the other: every kind of
// write against every other, the one's commit before the other's and after it. The later one must stand, in
// three regions, the third of which sees both from afar; each region that learned of one write after the
// other must have told of the conflict, with the loser's image.
func TestConflictMatrix(t *testing.T) {
	onEach(t, [][]string{
		{config.PostgreSQL, config.PostgreSQL, config.PostgreSQL},
		{config.MySQL, config.MariaDB, config.MySQL},
		threeEngines,
	}, testConflictMatrix)
}

func testConflictMatrix(t *testing.T, engines []string) {
	m := start(t, options{engines: engines, schema: `CREATE TABLE conflicting (id int PRIMARY KEY, writer text NOT NULL, note text);`})
	eu, us := m.regions[0], m.regions[1]
	var trials []trial
	add := func(first, second write) {
		for _, by := range [][2]*region{{eu, us}, {us, eu}} {
			trials = append(trials, trial{len(trials) + 1, [2]write{first, second}, by})
		}
	}
	add(insert, insert)
	for _, first := range []write{reinsert, update, remove} {
		for _, second := range []write{reinsert, update, remove} {
			add(first, second)
		}
	}
	for _, c := range trials {
		if c.writes[0].name != "insert" {
			eu.exec(fmt.Sprintf(`INSERT INTO conflicting VALUES (%d, 'nobody', 'from the start')`, c.key))
		}
	}
	m.settle()
	for _, r := range m.regions {
		r.bridge.pause(t)
	}
	for i := range 2 {
		for _, c := range trials {
			c.write(i)
		}
		m.nextSecond()
	}
	for _, r := range m.regions {
		r.bridge.signal(syscall.SIGCONT)
	}
	m.settle()
	told := map[*region][]conflict{}
	for _, r := range m.regions {
		told[r] = r.conflicts("conflicting")
	}
	for _, c := range trials {
		c.check(m, told)
	}
	t.Logf("%d trials, %d conflicts recorded", len(trials), m.conflicts())
}

// nextSecond waits until commits are later than those before it: MariaDB's log has whole seconds.
func (m *mesh) nextSecond() {
	m.t.Helper()
	for _, r := range m.regions {
		if m.engine(r.index) != config.MariaDB {
			continue
		}
		const now = `SELECT unix_timestamp()`
		began := r.one(now)
		eventually(m.t, "the next second", func() (bool, string) { at := r.one(now); return at != began, at })
	}
}

// check checks what became of a trial's row, and what each region tells of it.
func (c trial) check(m *mesh, told map[*region][]conflict) {
	m.t.Helper()
	var want []string
	if c.writes[1].row {
		want = []string{c.by[1].name}
	}
	of := func(r *region) (here []conflict) {
		for _, one := range told[r] {
			if one.key == fmt.Sprint(c.key) {
				here = append(here, one)
			}
		}
		return here
	}
	for _, r := range m.regions {
		if got := r.query(fmt.Sprintf(`SELECT writer FROM conflicting WHERE id = %d`, c.key)); !slices.Equal(got, want) {
			m.t.Errorf("%s: region %s has a row by %q, want %q", c, r.name, got, want)
		}
		if len(of(r)) == 0 {
			m.t.Errorf("%s: region %s tells of no conflict", c, r.name)
		}
	}
	for i, w := range c.writes { // at the other one's region, this write comes in
		here := c.by[1-i]
		got := of(here)
		if want := conflictType(w, c.writes[1-i].row); len(got) != 1 || got[0].kind != want {
			m.t.Errorf("%s: region %s calls it %+v, want %s", c, here.name, got, want)
			continue
		}
		lost := version{Kind: c.writes[0].kind, Origin: change.NewOrigin(c.by[0].name, 1)}
		if c.writes[0].row {
			lost.Image.Writer = c.by[0].name
		}
		if !slices.Contains(got[0].versions, lost) {
			m.t.Errorf("%s: region %s keeps %+v, want the loser %+v", c, here.name, got[0].versions, lost)
		}
	}
}

// conflict is a row of bridge.conflicts.
type conflict struct {
	key, kind string
	versions  []version
}

// version is one of the writes that took part.
type version struct {
	Kind   string
	Origin change.Origin
	Image  struct{ Writer string }
	Won    bool
}

// conflicts reads bridge.conflicts for a table whose key is one number.
func (r *region) conflicts(table string) (all []conflict) {
	r.mesh.t.Helper()
	rows, err := r.database.rows(`SELECT c.key, c.type, c.versions FROM bridge.conflicts c WHERE c.table_name = '` + table + `'`)
	if err != nil {
		r.mesh.t.Fatalf("region %s: %v", r.name, err)
	}
	for _, row := range rows {
		one := conflict{key: onlyValue(row[0]), kind: row[1]}
		if err := json.Unmarshal([]byte(row[2]), &one.versions); err != nil {
			r.mesh.t.Fatalf("region %s: versions of a conflict: %v", r.name, err)
		}
		all = append(all, one)
	}
	return all
}

// conflictKeys are the rows of a table that bridge.conflicts names; the table's key is one value.
func (r *region) conflictKeys(table string) (keys []string) {
	r.mesh.t.Helper()
	for _, key := range r.query(`SELECT c.key FROM bridge.conflicts c WHERE c.table_name = '` + table + `'`) {
		keys = append(keys, onlyValue(key))
	}
	return keys
}

// onlyValue is that of an array, as PostgreSQL or as JSON has it.
func onlyValue(array string) string { return strings.Trim(array, `{}[]"`) }

// conflictType is the name of the conflict when w comes in where there is a row or not. A delete and insert
// of one row arrive as one change, named by its first.
func conflictType(w write, present bool) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(w.sql, "BEGIN; "), " ")
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
