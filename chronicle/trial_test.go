package chronicle_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bridge/change"
	"bridge/chronicle"
	"bridge/conflict"
	"bridge/history"
)

func (m *mesh) regions() (names []string) {
	for _, s := range m.sites {
		names = append(names, s.origin.Region())
	}
	return names
}

// through feeds the regions' transactions to a window, in any order between them, and looks through it at random.
func (m *mesh) through(w *chronicle.Window, chunk int) {
	next := make([]int, len(m.sites))
	for {
		var open []int
		for i, s := range m.sites {
			if next[i] < len(s.log) {
				open = append(open, i)
			}
		}
		if len(open) == 0 {
			break
		}
		i := open[m.rng.IntN(len(open))]
		for range chunk {
			if s := m.sites[i]; next[i] < len(s.log) {
				w.Add(s.log[next[i]])
				w.Learn(s.origin.Region(), s.learnt[next[i]])
				next[i]++
				w.Look()
			}
		}
		if next[i] == len(m.sites[i].log) {
			w.Finish(m.sites[i].origin.Region())
		}
	}
	w.Flush()
}

// TestWindow: what a window gives away, part by part, comes to the same as all at once: no part is given before all that's
// concurrent with it has come.
func TestWindow(t *testing.T) {
	parts, rows := 0, 0
	for seed := range uint64(300) {
		m := newMesh(rand.New(rand.NewPCG(seed, 2)), conflict.LastWriteWins)
		m.run(20 + m.rng.IntN(150))
		m.settle()
		given := map[change.Key][]history.Row{}
		w := chronicle.NewWindow(m.regions(), func(key change.Key, ops history.Row) { given[key] = append(given[key], ops) })
		m.through(w, 1+m.rng.IntN(3))
		for id := range m.bases {
			key := itemKey(id)
			var want, got []string
			for _, e := range chronicle.Episodes(key, m.sites[0].known[key], conflict.All(conflict.LastWriteWins)) {
				if !onlyTruncates(e.Ops) {
					want = append(want, dots(e.Ops))
				}
			}
			rows++
			for _, ops := range given[key] {
				parts++
				for _, e := range chronicle.Episodes(key, ops, conflict.All(conflict.LastWriteWins)) {
					if !onlyTruncates(e.Ops) {
						got = append(got, dots(e.Ops))
					}
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s: given as %v, want %v", seed, key, got, want)
			}
		}
		if n := w.Held(); n != 0 {
			t.Fatalf("seed %d: %d operations are left", seed, n)
		}
	}
	if parts < 3*rows {
		t.Errorf("%d rows were given in %d parts only", rows, parts)
	}
}

func onlyTruncates(ops history.Row) bool {
	return !slices.ContainsFunc(ops, func(e history.Entry) bool { return e.Kind != change.Truncate })
}

func dots(ops history.Row) string {
	var out []string
	for _, e := range ops {
		out = append(out, fmt.Sprintf("%s/%d", e.Tag.Dot, e.Order))
	}
	return strings.Join(out, " ")
}

// TestTrial: the same rules make no difference; others differ exactly where the outcomes do.
func TestTrial(t *testing.T) {
	for from, current := range rules() {
		for to, changed := range rules() {
			different, latest := 0, 0
			for seed := range uint64(60) {
				m := newMesh(rand.New(rand.NewPCG(seed, 3)), current)
				m.run(20 + m.rng.IntN(60))
				m.settle()
				trial := chronicle.NewTrial(conflict.All(current), conflict.All(changed), nil, 1000)
				w := chronicle.NewWindow(m.regions(), trial.Row)
				m.through(w, 1)
				checkTrial(t, from+" to "+to, seed, m, changed, trial)
				if c := trial.Tables[items.TableName]; c != nil {
					different += c.Different
					if from == to && c.Different > 0 {
						t.Fatalf("%s: seed %d: %d conflicts differ under the same rule", from, seed, c.Different)
					}
				}
				for _, d := range trial.Differences {
					if d.Latest {
						latest++
					}
				}
			}
			if from != to && (different == 0 || latest == 0 || latest == different) {
				t.Errorf("%s to %s: %d conflicts differ, %d of them the rows' latest", from, to, different, latest)
			}
		}
	}
}

func checkTrial(t *testing.T, name string, seed uint64, m *mesh, changed *conflict.Rule, trial *chronicle.Trial) {
	t.Helper()
	count, different := chronicle.Count{}, map[string]bool{}
	rows := map[int]bool{}
	for id := range m.bases {
		episodes := chronicle.Episodes(itemKey(id), m.sites[0].known[itemKey(id)], conflict.All(m.rule))
		for _, e := range episodes {
			if !e.Contested() || onlyTruncates(e.Ops) {
				continue
			}
			if changed.Lacking(e.Ops) != nil {
				count.Lacking++
				continue
			}
			count.Conflicts++
			then := changed.Replay(e.Ops, e.Base)
			a, b := e.Outcome, then
			if a.Exists == b.Exists && (!a.Exists || slices.Equal(changed.Canonical(items, m.rule.Canonical(items, a.Image)), changed.Canonical(items, m.rule.Canonical(items, b.Image)))) {
				continue
			}
			count.Different++
			rows[id] = true
			different[dots(e.Ops)] = true
		}
	}
	count.Rows = len(rows)
	got := chronicle.Count{}
	if c := trial.Tables[items.TableName]; c != nil {
		got = *c
	}
	got.Operations = 0
	if got != count {
		t.Fatalf("%s: seed %d: counted %+v, want %+v", name, seed, got, count)
	}
	for _, d := range trial.Differences {
		if !different[dots(d.Ops)] {
			t.Fatalf("%s: seed %d: %s is no difference", name, seed, dots(d.Ops))
		}
	}
}

// TestTrialCut: what may be concurrent with a transaction that wasn't read isn't decided.
func TestTrialCut(t *testing.T) {
	write := func(origin change.Origin, seq uint64, at change.Timestamp, deps change.Vector, name string) *change.Transaction {
		return &change.Transaction{
			Tag: change.Tag{Dot: change.Dot{Origin: origin, Seq: seq}, Time: at, Deps: deps}, Last: true,
			Operations: []change.Operation{{Kind: change.Update, Table: items, Key: itemKey(1), New: change.Image{change.Text("1"), change.Text(name), change.Null, change.Null}}},
		}
	}
	seen := func(o change.Origin, seq uint64) change.Vector {
		return change.NewVector(change.Seen{Origin: o, Seq: seq})
	}
	trial := chronicle.NewTrial(conflict.All(conflict.LastWriteWins), conflict.All(conflict.LastWriteWins), seen("b/1", 4), 10)
	w := chronicle.NewWindow([]string{"a", "b"}, trial.Row)
	w.Add(write("a/1", 1, 10, seen("b/1", 3), "hadn't seen b's 4"))
	w.Add(write("b/1", 5, 11, nil, "concurrent"))
	w.Add(write("a/1", 2, 20, seen("b/1", 5), "had seen all"))
	w.Add(write("b/1", 6, 21, seen("a/1", 1), "concurrent"))
	w.Flush()
	if c := *trial.Tables[items.TableName]; c != (chronicle.Count{Operations: 4, Conflicts: 1, Cut: 1}) {
		t.Errorf("%+v", c)
	}
}
