package history

import (
	"math/rand/v2"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// What is dropped can't be in conflict any more; when all is settled nothing is held (I7).
func TestPruneDropsWhatIsOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMesh(rapid.IntRange(1, 4).Draw(t, "regions"), func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }, sound)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			m.step()
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
		}
		m.settle()
		if err := m.check(); err != nil {
			t.Fatal(err)
		}
		for _, r := range m.regions {
			if s := r.h.Stats(); s != (Stats{}) || len(r.h.tables) != 0 {
				t.Fatalf("%s: everything was seen by everyone, but %+v is held in %d tables", r.self, s, len(r.h.tables))
			}
			for o, q := range r.h.queues {
				if q.len() != 0 {
					t.Fatalf("%s: the queue of %s holds %d", r.self, o, q.len())
				}
			}
		}
	})
}

// The checks have teeth: ways of learning too early are found.
func TestPruneTwinsAreCaught(t *testing.T) {
	for _, w := range []twin{learnOnRead, learnOnApply, pruneAtMajority} {
		caught := false
		for seed := uint64(0); seed < 500 && !caught; seed++ {
			m := newMesh(3, rand.New(rand.NewPCG(seed, 1)).IntN, w)
			for range 100 {
				m.step()
				if err := m.check(); err != nil {
					caught = true
					break
				}
			}
		}
		if !caught {
			t.Errorf("not found in 500 schedules: %s", w)
		}
	}
}

func dot(o string, seq uint64) change.Dot {
	return change.Dot{Origin: change.NewOrigin(o, 1), Seq: seq}
}

func tag(o string, seq uint64, time change.Timestamp, deps ...change.Seen) *change.Tag {
	return &change.Tag{Dot: dot(o, seq), Time: time, Deps: change.NewVector(deps...)}
}

func update(row string) []change.Operation {
	return []change.Operation{{Kind: change.Update, Table: tableT, Key: change.Key{Table: tableT.TableName, Row: row},
		New: change.Image{change.Text(row)}}}
}

func truncate() []change.Operation {
	return []change.Operation{{Kind: change.Truncate, Table: tableT, Key: change.Key{Table: tableT.TableName}}}
}

var abc = []change.Origin{"a/1", "b/1", "c/1"}

func dots(r Row) string {
	s := ""
	for i := range r {
		s += r[i].Tag.Dot.String() + " "
	}
	return s
}

func TestStableIsTheLeastThatAnyOtherHasSeen(t *testing.T) {
	h := New("a/1", abc, 0)
	h.Learn("b/1", change.NewVector(change.Seen{Origin: "a/1", Seq: 5}, change.Seen{Origin: "c/1", Seq: 2}))
	if got := h.Stable("a/1"); got != 0 {
		t.Errorf("c/1 hasn't been heard, but %d is stable", got)
	}
	h.Learn("c/1", change.NewVector(change.Seen{Origin: "a/1", Seq: 3}))
	if got := h.Stable("a/1"); got != 3 {
		t.Errorf("a/1 is stable up to %d, want 3", got)
	}
	h.Learn("c/1", change.NewVector(change.Seen{Origin: "a/1", Seq: 1}, change.Seen{Origin: "b/1", Seq: 9}))
	if v := h.Known("c/1"); v.Get("a/1") != 3 || v.Get("b/1") != 9 {
		t.Errorf("knowledge shrank: %v", v)
	}
	if got := h.Stable("c/1"); got != 0 {
		t.Errorf("this region hasn't seen c/1, but %d is stable", got)
	}
}

// A stable operation waits for an unstable one before it in its row's order, and goes with it.
func TestOperationsAreDroppedInOrder(t *testing.T) {
	h := New("a/1", abc, 0)
	h.Add(tag("b", 1, 1), update("x"), 0, 0)
	h.Add(tag("a", 1, 2), update("x"), 0, 1)
	h.Learn("b/1", change.NewVector(change.Seen{Origin: "a/1", Seq: 1}))
	h.Learn("c/1", change.NewVector(change.Seen{Origin: "a/1", Seq: 1}))
	h.Prune()
	key := update("x")[0].Key
	if got := dots(h.Row(key, 9)); got != "b/1:1 a/1:1 " {
		t.Errorf("kept %s", got)
	}
	h.Learn("c/1", change.NewVector(change.Seen{Origin: "b/1", Seq: 1}))
	h.Learn("a/1", change.NewVector(change.Seen{Origin: "b/1", Seq: 1}))
	h.Prune()
	if got := h.Stats(); got != (Stats{}) {
		t.Errorf("kept %+v: %s", got, dots(h.Row(key, 9)))
	}
}

// A truncate stands in every row's order: before what came later there, behind what came earlier.
func TestTruncateStandsInEveryRow(t *testing.T) {
	h := New("a/1", abc, 0)
	h.Add(tag("b", 1, 1), update("x"), 0, 0)
	h.Add(tag("a", 1, 2), truncate(), 0, 1)
	h.Add(tag("a", 2, 3), update("y"), 0, 2)
	x, y, z := update("x")[0].Key, update("y")[0].Key, update("z")[0].Key
	for key, want := range map[change.Key]string{x: "b/1:1 a/1:1 ", y: "a/1:1 a/1:2 ", z: "a/1:1 ", {Table: tableT.TableName}: "a/1:1 "} {
		if got := dots(h.Row(key, 9)); got != want {
			t.Errorf("%v: %s, want %s", key, got, want)
		}
	}
	all := change.NewVector(change.Seen{Origin: "a/1", Seq: 2})
	h.Learn("b/1", all)
	h.Learn("c/1", all)
	h.Prune()
	if got := dots(h.Row(x, 9)) + "| " + dots(h.Row(y, 9)); got != "b/1:1 a/1:1 | a/1:1 a/1:2 " {
		t.Errorf("a truncate went before what stands in front of it: %s", got)
	}
	h.Learn("a/1", change.NewVector(change.Seen{Origin: "b/1", Seq: 1}))
	h.Learn("c/1", change.NewVector(change.Seen{Origin: "b/1", Seq: 1}))
	h.Prune()
	if got := h.Stats(); got != (Stats{}) {
		t.Errorf("kept %+v", got)
	}
}

// What a truncate hadn't seen stays beside it, though it's stable and comes before: a rule may have let the row outlive it, and a
// restart must not forget that either.
func TestTruncateKeepsWhatItHadNotSeen(t *testing.T) {
	for name, large := range map[string]bool{"an operation": false, "a large transaction": true} {
		t.Run(name, func(t *testing.T) {
			h := New("a/1", abc, 0)
			if unseen := tag("b", 1, 1); large {
				must(t, h.AddBulk(unseen, update("x"), 0, 0))
			} else {
				must(t, h.Add(unseen, update("x"), 0, 0))
			}
			must(t, h.Add(tag("a", 1, 2), truncate(), 0, 1))
			b := change.NewVector(change.Seen{Origin: "b/1", Seq: 1})
			all := b.With("a/1", 1)
			h.Learn("a/1", all)
			h.Learn("c/1", b)
			h.Prune()
			if got := h.Stats().Operations; got != 2 {
				t.Errorf("holds %d operations, want both", got)
			}
			if got := h.Cut(); got.Since.Time != 1 {
				t.Errorf("the cut is at %d", got.Since.Time)
			}
			for _, o := range abc {
				h.Learn(o, all)
			}
			h.Prune()
			h.Prune() // the large one goes after the truncate
			if got := h.Stats(); got != (Stats{}) {
				t.Errorf("kept %+v", got)
			}
		})
	}
}

// Capture may see an apply transaction's echo, and all others may have it, before apply has added it.
func TestAddOfWhatIsStableAlready(t *testing.T) {
	h := New("a/1", abc, 0)
	seen := change.NewVector(change.Seen{Origin: "b/1", Seq: 1})
	h.Learn("c/1", seen)
	h.Learn("a/1", seen)
	h.Prune()
	for range 2 {
		h.Add(tag("b", 1, 1), update("x"), 0, 0)
		h.Prune()
		if got := h.Stats(); got != (Stats{}) {
			t.Errorf("kept %+v", got)
		}
	}
}

func TestAMeshOfOneHoldsNothing(t *testing.T) {
	h := New("a/1", abc[:1], 0)
	h.Add(tag("a", 1, 1), update("x"), 0, 1)
	h.Prune()
	h.Add(tag("a", 2, 2), update("x"), 0, 2)
	h.Prune()
	if got := h.Stats(); got != (Stats{}) {
		t.Errorf("kept %+v", got)
	}
}
