package mixed

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/value"
)

// successions are tables whose rules change.
var successions = []struct {
	now  declared
	next *conflict.Rule
}{
	{declared{"stock", []string{"n int", "a text"}, conflict.LastWriteWins}, byColumns(merged(conflict.Counter, "n"))},
	{declared{"visits", []string{"n int", "a text"}, byColumns(merged(conflict.Counter, "n"))}, &conflict.Rule{Deletes: conflict.UpdateWins}},
	{declared{"seats", []string{"n int", "a text"}, &conflict.Rule{Order: conflict.EarliestWins}}, &conflict.Rule{Order: conflict.ByPriority, Regions: []string{"us"}}},
	{declared{"notes", []string{"n int", "a text"}, byColumns(map[string]conflict.Column{})}, byColumns(merged(conflict.Max, "n"))},
}

// TestChangingRules: rules change on running regions, one restarted after the other, while applications go on writing to the same rows, and
// regions are equal all the same; in the end the new rules decide, alone.
func TestChangingRules(t *testing.T) {
	onMeshes(t, func(t *testing.T, engines []value.Engine) {
		var tables []*declared
		now := &conflict.Rules{Default: conflict.LastWriteWins, Tables: map[change.TableName]*conflict.Rule{}, Fingerprint: "now"}
		then := &conflict.Rules{Default: conflict.LastWriteWins, Tables: map[change.TableName]*conflict.Rule{}, Fingerprint: "then"}
		for i := range successions {
			s := &successions[i]
			name := change.TableName{Schema: "public", Name: s.now.name}
			tables = append(tables, &s.now)
			now.Tables[name], then.Tables[name] = s.now.rule, s.next
		}
		becoming, err := now.Becoming(then)
		if err != nil {
			t.Fatal(err)
		}
		m := newRulesMesh(t, engines, tables...)
		m.rules = func() *conflict.Rules { return now }
		m.startAll()
		end := m.writing(tables)
		m.turn(becoming)
		end()
		m.settle()
		m.equalTables(tables)
		end = m.writing(tables)
		m.complete(then)
		end()
		m.settle()
		m.equalTables(tables)
		m.countsAlone(tables[0])
		m.equalTables(tables)
	})
}

// turn restarts one region after the other with rules that become others, and waits until all have gone over.
func (m *mesh) turn(becoming *conflict.Rules) {
	m.t.Helper()
	m.rules = func() *conflict.Rules { return becoming }
	for _, r := range m.regions {
		r.stop()
		m.start(r, nil)
		m.eventually(r, "runs again", func() bool { return r.node.Status().Succession != nil })
	}
	to, _ := becoming.Next()
	for _, r := range m.regions {
		m.eventually(r, "has gone over", func() bool { return r.node.Status().Capture.State.Rules == to })
	}
}

// complete restarts the regions with what rules have become alone, when they may.
func (m *mesh) complete(then *conflict.Rules) {
	m.t.Helper()
	for _, r := range m.regions {
		m.eventually(r, "is done", func() bool { s := r.node.Status().Succession; return s != nil && s.Done() })
	}
	m.rules = func() *conflict.Rules { return then }
	for _, r := range m.regions {
		r.stop()
		m.start(r, nil)
	}
}

// writing has applications write to few rows in all regions until it's told to end.
func (m *mesh) writing(tables []*declared) (end func()) {
	return m.load(func(r *region, rng *rand.Rand, n int) bool {
		d, id := tables[rng.IntN(len(tables))], rng.IntN(4)
		var sql string
		switch roll := rng.IntN(10); {
		case roll == 0:
			sql = fmt.Sprintf("DELETE FROM %s WHERE id = %d", d.name, id)
		case roll < 4:
			sql = fmt.Sprintf("INSERT INTO %s (id, n, a) VALUES (%d, %d, '%s%d')", d.name, id, rng.IntN(100), r.name, n)
			sql = r.is(sql+" ON CONFLICT DO NOTHING", strings.Replace(sql, "INSERT", "INSERT IGNORE", 1))
		case roll < 7:
			sql = fmt.Sprintf("UPDATE %s SET a = '%s%d' WHERE id = %d", d.name, r.name, n, id)
		default:
			sql = fmt.Sprintf("UPDATE %s SET n = n + %d WHERE id = %d", d.name, 1+rng.IntN(9), id)
		}
		r.exec(m.t, sql)
		return true
	})
}

// load has all regions write, one after another the statements that write makes and counts, until it's told to end, or write says so.
func (m *mesh) load(write func(r *region, rng *rand.Rand, n int) bool) (end func()) {
	seed := rand.Uint64() % 1e6
	m.t.Logf("seed %d", seed)
	done := make(chan struct{})
	var all sync.WaitGroup
	for i, r := range m.regions {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				if !write(r, rng, n) {
					return
				}
			}
		})
	}
	return func() {
		close(done)
		all.Wait()
	}
}

// countsAlone wants a table's counter to count what regions add to it without hearing of each other.
func (m *mesh) countsAlone(d *declared) {
	m.t.Helper()
	m.regions[0].exec(m.t, "INSERT INTO "+d.name+" (id, n, a) VALUES (99, 10, 'x')")
	m.settle()
	for _, r := range m.regions {
		r.stop()
	}
	for _, r := range m.regions {
		r.exec(m.t, "UPDATE "+d.name+" SET n = n + 5 WHERE id = 99")
	}
	m.startAll()
	m.settle()
	m.shows("SELECT n FROM "+d.name+" WHERE id = 99", "25")
}
