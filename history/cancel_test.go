package history

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"bridge/change"
)

// TestCancelLeavesNothing: a history from which a transaction was cancelled is the one that never had it, now and
// after everything else has become stable.
func TestCancelLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		with, without := New("a/1", abc, 0), New("a/1", abc, 0)
		both := func(f func(*History)) { f(with); f(without) }
		ops := func() (ops []change.Operation) {
			for range rapid.IntRange(0, 4).Draw(t, "operations") {
				if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
					ops = append(ops, truncate()...)
				} else {
					ops = append(ops, update(rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "row"))...)
				}
			}
			return ops
		}
		seq := map[string]uint64{}
		next := func(o string) *change.Tag {
			seq[o]++
			return tag(o, seq[o], change.Timestamp(10*seq[o]))
		}
		for range rapid.IntRange(0, 6).Draw(t, "before") {
			tx, o := next(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "origin")), ops()
			both(func(h *History) { h.Add(tx, o, 0, 0) })
		}
		if rapid.Bool().Draw(t, "prune") {
			seen := change.NewVector(change.Seen{Origin: "b/1", Seq: seq["b"]})
			both(func(h *History) {
				for _, m := range abc {
					h.Learn(m, seen)
				}
				h.Prune()
			})
		}
		cancelled := *tag("b", seq["b"]+1, 1000)
		first := uint32(0)
		var rows []change.Operation // of the cancelled one, with their places
		var order []uint32
		for range rapid.IntRange(1, 3).Draw(t, "pieces") {
			o := ops()
			if rapid.Bool().Draw(t, "bulk") {
				with.AddBulk(&cancelled, o, first, 0)
			} else {
				with.Add(&cancelled, o, first, 0)
			}
			for i := range o {
				if o[i].Kind != change.Truncate {
					rows, order = append(rows, o[i]), append(order, first+uint32(i))
				}
			}
			if len(rows) > 0 && rapid.Bool().Draw(t, "the table is filled in") {
				with.Fill(Ref{cancelled.Dot, change.Key{Table: rows[0].Key.Table}}, rows, order)
			}
			first += uint32(len(o))
			if rapid.Bool().Draw(t, "a local one meanwhile") {
				tx, o := next("a"), ops()
				both(func(h *History) { h.Add(tx, o, 0, 0) })
			}
		}
		with.Cancel(cancelled.Dot)
		same(t, with, without)
		all := change.NewVector(change.Seen{Origin: "a/1", Seq: 99}, change.Seen{Origin: "b/1", Seq: 99}, change.Seen{Origin: "c/1", Seq: 99})
		both(func(h *History) {
			for _, m := range abc {
				h.Learn(m, all)
			}
			h.Prune()
		})
		same(t, with, without)
		if s := with.Stats(); s.Operations != 0 || s.Bytes != 0 {
			t.Fatalf("still holds %+v", s)
		}
	})
}

func same(t *rapid.T, a, b *History) {
	if a.Stats() != b.Stats() {
		t.Fatalf("holds %+v, want %+v", a.Stats(), b.Stats())
	}
	for _, row := range []string{"x", "y", "z"} {
		key := update(row)[0].Key
		if x, y := fmt.Sprint(dots(a.Row(key, ^uint64(0)))), fmt.Sprint(dots(b.Row(key, ^uint64(0)))); x != y {
			t.Fatalf("row %s is %s, want %s", row, x, y)
		}
	}
}
