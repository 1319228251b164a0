package mixed

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"bridge/change"
	"bridge/compare"
	"bridge/conflict"
	"bridge/value"
)

// meshes are the engines that each rule is tested on.
var meshes = [][]value.Engine{
	{value.Postgres, value.Postgres, value.Postgres},
	{value.MySQL, value.MySQL, value.MySQL},
	{value.MariaDB, value.MariaDB, value.MariaDB},
	{value.Postgres, value.MySQL, value.MariaDB},
}

func onMeshes(t *testing.T, test func(t *testing.T, engines []value.Engine)) {
	for _, engines := range meshes {
		t.Run(strings.Trim(fmt.Sprint(engines), "[]"), func(t *testing.T) { test(t, engines) })
	}
}

// newRulesMesh has tables under rules.
func newRulesMesh(t *testing.T, engines []value.Engine, tables ...*declared) *mesh {
	m := newMesh(t, func(r *region) string {
		var sql []string
		for _, d := range tables {
			sql = append(sql, d.create(r))
		}
		return strings.Join(sql, "; ")
	}, engines...)
	m.rules = func() *conflict.Rules {
		rules := &conflict.Rules{Default: conflict.LastWriteWins, Tables: map[change.TableName]*conflict.Rule{}, Fingerprint: "test"}
		for _, d := range tables {
			rules.Tables[change.TableName{Schema: "public", Name: d.name}] = d.rule
		}
		return rules
	}
	return m
}

// TestRules: whatever regions do to a row without hearing of each other, each rule comes to the same row in all of them,
// and to the one that it promises, also after that was written back in the spelling of each engine.
func TestRules(t *testing.T) {
	onMeshes(t, func(t *testing.T, engines []value.Engine) {
		m := newRulesMesh(t, engines, ruleTables...)
		tables, cases := suited(m)
		m.startAll()
		for i := range cases {
			if c := &cases[i]; c.before != nil {
				w := ins("eu", 0, c.before)
				m.regions[0].exec(t, c.table.sql(m.regions[0], i, &w))
			}
		}
		m.settle()
		m.concurrently(cases)
		m.settle()
		m.expectCases(tables, cases)
		m.quiet()
		m.compare()
	})
}

func (m *mesh) expectCases(tables []*declared, cases []ruleCase) {
	m.t.Helper()
	for _, r := range m.regions {
		rows := map[*declared]map[string]values{}
		for _, d := range tables {
			rows[d] = r.rows(m.t, d)
		}
		for i := range cases {
			c := &cases[i]
			got, exists := rows[c.table][fmt.Sprint(i)]
			if exists != (c.want != nil) {
				m.t.Errorf("%s: %s, %s: row %v, want %v", r.name, c.table.name, c.name, got, c.want)
				continue
			}
			c.table.each(func(column, form string) {
				want, told := c.want[column]
				if told && got[column] != canonical(m.t, form, want) {
					m.t.Errorf("%s: %s, %s: column %s is %s, want %s", r.name, c.table.name, c.name, column, got[column], want)
				}
			})
		}
	}
	m.equalTables(tables)
}

// equalTables wants the same rows everywhere.
func (m *mesh) equalTables(tables []*declared) {
	m.t.Helper()
	for _, d := range tables {
		first := m.regions[0].rows(m.t, d)
		for _, r := range m.regions[1:] {
			if rows := r.rows(m.t, d); !maps.EqualFunc(rows, first, maps.Equal[values, values]) {
				m.t.Errorf("table %s: %s has %v, %s has %v", d.name, r.name, rows, m.regions[0].name, first)
			}
		}
	}
}

// compare wants what "bridge compare" finds equal.
func (m *mesh) compare() {
	m.t.Helper()
	var members []compare.Member
	for _, r := range m.regions {
		topic, err := m.topic(r.name)
		if err != nil {
			m.t.Fatal(err)
		}
		defer topic.Close() //nolint:errcheck // the test is over
		members = append(members, compare.Member{Region: r.compared(), Topic: topic})
	}
	result, err := compare.Run(m.t.Context(), members, compare.Options{})
	if err != nil {
		m.t.Fatal(err)
	}
	for _, table := range result.Tables {
		if len(table.Different) > 0 || len(table.Undecided) > 0 || len(table.Definition) > 0 {
			m.t.Errorf("%s: different %+v, undecided %+v, definition %q", table.Table, table.Different, table.Undecided, table.Definition)
		}
	}
}

// quiet wants that nothing but the application's writes is sent: what a region decided isn't sent on (I6).
func (m *mesh) quiet() {
	m.t.Helper()
	applied := func() []string {
		return m.regions[0].query(m.t, "SELECT max(seq) FROM bridge.progress GROUP BY origin ORDER BY origin")
	}
	before := applied()
	m.settle()
	for i, after := range applied() {
		was, _ := strconv.Atoi(before[i])
		if is, _ := strconv.Atoi(after); is != was+1 {
			m.t.Errorf("another region sent %d transactions, and its application made one", is-was)
		}
	}
}

// TestRulesUnderLoad: regions that write the same rows at random under all rules are equal in the end, also when a bridge and a
// server are killed in between.
func TestRulesUnderLoad(t *testing.T) {
	onMeshes(t, func(t *testing.T, engines []value.Engine) {
		m := newRulesMesh(t, engines, ruleTables...)
		tables, cases := suited(m)
		m.startAll()
		seed := rand.Uint64() % 1e6
		t.Logf("seed %d", seed)
		for round := range uint64(3) {
			var all sync.WaitGroup
			for _, r := range m.regions {
				if round == 2 {
					r.stop() // all of it comes to conflict
				}
			}
			for i, r := range m.regions {
				if round == 1 && i == 1 {
					continue // it's killed
				}
				all.Go(func() { r.writeRandomly(t, cases, rand.New(rand.NewPCG(seed+round, uint64(i))), 150) })
			}
			if round == 1 {
				r := m.regions[1]
				r.stop()
				r.writeRandomly(t, cases, rand.New(rand.NewPCG(seed+round, 1)), 50) // nobody hears of it yet
				r.kill()
				m.start(r, nil)
			}
			all.Wait()
			if round == 2 {
				m.startAll()
			}
			m.settle()
			m.equalTables(tables)
		}
		m.quiet()
		for _, r := range m.regions {
			t.Logf("%s: %s conflicts", r.name, r.query(t, "SELECT count(*) FROM bridge.conflicts"))
		}
	})
}

// writeRandomly writes some of few rows, each in a transaction of its own, with the values of the cases of its table.
func (r *region) writeRandomly(t testing.TB, cases []ruleCase, rng *rand.Rand, n int) {
	for range n {
		c := &cases[rng.IntN(len(cases))]
		id := rng.IntN(3)
		v := values{}
		for _, w := range c.writes {
			for _, column := range slices.Sorted(maps.Keys(w.values)) {
				text := w.values[column]
				if rng.IntN(2) == 0 && text != "=n*2" { // which soon is more than the column holds
					v[column] = text
				}
			}
		}
		w := set(r.name, 0, v)
		switch roll := rng.IntN(10); {
		case roll == 0:
			w = del(r.name, 0)
		case roll < 4:
			maps.DeleteFunc(v, func(_, text string) bool { return strings.HasPrefix(text, "=") }) // of a row that isn't there
			w = ins(r.name, 0, v)
		case len(v) == 0:
			continue
		}
		sql := c.table.sql(r, id, &w)
		if w.kind == change.Insert {
			sql = r.is(sql+" ON CONFLICT DO NOTHING", strings.Replace(sql, "INSERT", "INSERT IGNORE", 1))
		}
		r.exec(t, sql)
	}
}

// TestCounterBeyondItsColumn: a sum that the column can't hold parks its row in every region, and nothing else waits; when the column is
// wider the row is shown, with the sum, and counts on.
func TestCounterBeyondItsColumn(t *testing.T) {
	tiny := &declared{"tiny", []string{"n small", "a text"}, byColumns(merged(conflict.Counter, "n"))}
	onMeshes(t, func(t *testing.T, engines []value.Engine) {
		m := newRulesMesh(t, engines, tiny)
		m.startAll()
		m.regions[0].exec(t, "INSERT INTO tiny (id, n) VALUES (7, 32000)")
		m.settle()
		for _, r := range m.regions {
			r.stop()
		}
		m.regions[0].exec(t, "UPDATE tiny SET n = n + 500")
		m.regions[1].exec(t, "UPDATE tiny SET n = n + 600")
		m.startAll()
		m.settle()
		m.shows("SELECT n FROM tiny")
		m.shows("SELECT table_name, reason FROM bridge.parked", "tiny\trefused")
		for _, r := range m.regions {
			r.exec(t, r.is("ALTER TABLE tiny ALTER COLUMN n TYPE integer", "ALTER TABLE tiny MODIFY n int"))
			r.node.Retry()
		}
		m.shows("SELECT n FROM tiny", "33100")
		m.regions[2].exec(t, "UPDATE tiny SET n = n + 1")
		m.shows("SELECT n FROM tiny", "33101")
		m.shows("SELECT count(*) FROM bridge.parked", "0")
	})
}
