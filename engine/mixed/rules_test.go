package mixed

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"bridge/change"
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
		m.startAll()
		for i := range ruleCases {
			if c := &ruleCases[i]; c.before != nil {
				w := ins("eu", 0, c.before)
				m.regions[0].exec(t, c.table.sql(m.regions[0], i, &w))
			}
		}
		m.settle()
		m.concurrently(ruleCases)
		m.settle()
		m.expectCases()
		m.quiet()
	})
}

func (m *mesh) expectCases() {
	m.t.Helper()
	for _, r := range m.regions {
		rows := map[*declared]map[string]values{}
		for _, d := range ruleTables {
			rows[d] = r.rows(m.t, d)
		}
		for i := range ruleCases {
			c := &ruleCases[i]
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
	m.equalTables()
}

// equalTables wants the same rows everywhere.
func (m *mesh) equalTables() {
	m.t.Helper()
	for _, d := range ruleTables {
		first := m.regions[0].rows(m.t, d)
		for _, r := range m.regions[1:] {
			if rows := r.rows(m.t, d); !maps.EqualFunc(rows, first, maps.Equal[values, values]) {
				m.t.Errorf("table %s: %s has %v, %s has %v", d.name, r.name, rows, m.regions[0].name, first)
			}
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
