package conflict

import (
	"slices"
	"testing"

	"bridge/change"
	"bridge/history"

	"pgregory.net/rapid"
)

// What two concurrent operations on one row come to, the earlier and the later by (timestamp, origin).
func TestLastWriteWinsOfTwo(t *testing.T) {
	const later, gone = "[id=1 a=late t=late]", "no row"
	for _, tc := range []struct {
		first, second change.Kind
		want          string
	}{
		{change.Insert, change.Insert, later},
		{change.Insert, change.Update, later},
		{change.Insert, change.Delete, gone},
		{change.Insert, change.Truncate, gone},
		{change.Update, change.Insert, later},
		{change.Update, change.Update, later},
		{change.Update, change.Delete, gone},
		{change.Update, change.Truncate, gone},
		{change.Delete, change.Insert, later},
		{change.Delete, change.Update, later},
		{change.Delete, change.Delete, gone},
		{change.Delete, change.Truncate, gone},
		{change.Truncate, change.Insert, later},
		{change.Truncate, change.Update, later},
		{change.Truncate, change.Delete, gone},
		{change.Truncate, change.Truncate, gone},
	} {
		for _, ties := range []bool{false, true} {
			e, l := at("a1", 10, tc.first, nil), at("b1", 20, tc.second, nil)
			if ties {
				l.Tag.Time = 10 // then b/1 comes after a/1
			}
			if !removes(e.Kind) {
				e.Image = img("early", "early")
			}
			if !removes(l.Kind) {
				l.Image = img("late", "late")
			}
			want := tc.want + ", by b/1:1/0"
			for _, arrival := range [][]history.Entry{{e, l}, {l, e}} {
				if got := show(LastWriteWins.Decide(rowOf(arrival...), nil)); got != want {
					t.Errorf("%v then %v, ties %v: got %s, want %s", tc.first, tc.second, ties, got, want)
				}
			}
		}
	}
}

// The cases that two complete operations don't show.
func TestLastWriteWins(t *testing.T) {
	const ins, upd, del, trunc = change.Insert, change.Update, change.Delete, change.Truncate
	for _, tc := range []struct {
		name string
		ops  []history.Entry
		want string
	}{
		{"one alone", []history.Entry{at("a1", 1, upd, img("x", "-"))}, "[id=1 a=x t=-], by a/1:1/0"},
		{"an unchanged column isn't assigned by the winner, the loser assigns it",
			[]history.Entry{at("a1", 1, upd, img("x", "toast")), at("b1", 2, upd, img("y", "-"))},
			"[id=1 a=y t=toast], by b/1:1/0"},
		{"an unchanged column of the loser stays the winner's",
			[]history.Entry{at("a1", 1, upd, img("x", "-")), at("b1", 2, upd, img("y", "toast"))},
			"[id=1 a=y t=toast], by b/1:1/0"},
		{"a column that nobody carries stays as it is",
			[]history.Entry{at("a1", 1, upd, img("x", "-")), at("b1", 2, upd, img("y", "-"))},
			"[id=1 a=y t=-], by b/1:1/0"},
		{"an update that lacks a column can't beat a concurrent delete, though later",
			[]history.Entry{at("a1", 1, del, nil), at("b1", 2, upd, img("y", "-"))},
			"no row, by a/1:1/0"},
		{"nor a concurrent truncate",
			[]history.Entry{at("a1", 1, trunc, nil), at("b1", 2, upd, img("y", "-"))},
			"no row, by a/1:1/0"},
		{"the cycle: incomplete update latest, complete one in the middle, delete earliest",
			[]history.Entry{at("a1", 1, del, nil), at("b1", 2, upd, img("x", "toast")), at("c1", 3, upd, img("y", "-"))},
			"[id=1 a=y t=toast], by b/1:1/0"},
		{"the cycle with the delete in the middle",
			[]history.Entry{at("a1", 1, upd, img("x", "toast")), at("b1", 2, del, nil), at("c1", 3, upd, img("y", "-"))},
			"no row, by b/1:1/0"},
		{"a delete that an insert had seen doesn't hold back an incomplete update",
			[]history.Entry{at("a1", 1, del, nil), at("a2", 2, ins, img("new", "new")), at("b1", 3, upd, img("y", "-"))},
			"[id=1 a=y t=new], by b/1:1/0"},
		{"nothing before an insert shows through it",
			[]history.Entry{at("b1", 1, upd, img("old", "old")), at("a1", 2, ins, img("new", "-"))},
			"[id=1 a=new t=-], by a/1:1/0"},
		{"a write that had seen the delete wins although a concurrent one lies between",
			[]history.Entry{at("a1", 1, del, nil), at("b1", 2, upd, img("x", "x")), at("a2", 3, ins, img("new", "new"))},
			"[id=1 a=new t=new], by a/1:2/0"},
		{"a delete that had seen the update isn't outdone by it",
			[]history.Entry{at("a1", 1, upd, img("x", "x")), at("b1", 2, del, nil, "a1")},
			"no row, by b/1:1/0"},
		{"existence is between maximal operations: the delete that was seen is out, the later one isn't",
			[]history.Entry{at("a1", 1, del, nil), at("b1", 2, ins, img("x", "x"), "a1"), at("c1", 3, del, nil)},
			"no row, by c/1:1/0"},
		{"an incomplete update of a row inserted after a concurrent delete can stand on that insert",
			[]history.Entry{at("a1", 1, del, nil), at("b1", 2, ins, img("new", "new")), at("b2", 3, upd, img("y", "-"))},
			"[id=1 a=y t=new], by b/1:2/0"},
		{"but not on one before the delete, which may be dropped earlier",
			[]history.Entry{at("b1", 1, ins, img("new", "new")), at("a1", 2, del, nil), at("b2", 3, upd, img("y", "-"))},
			"no row, by a/1:1/0"},
		{"nor on one that it hadn't seen",
			[]history.Entry{at("a1", 1, del, nil), at("b1", 2, ins, img("new", "new")), at("b2", 4, del, nil), at("c1", 5, upd, img("y", "-"))},
			"no row, by b/1:2/0"},
		{"delete and re-insert against an update in between",
			[]history.Entry{at("a1", 1, del, nil), at("a2", 5, ins, img("new", "new")), at("b1", 3, upd, img("x", "x"))},
			"[id=1 a=new t=new], by a/1:2/0"},
	} {
		for i := range tc.ops { // arrival in every rotation
			arrival := append(append([]history.Entry{}, tc.ops[i:]...), tc.ops[:i]...)
			if got := show(LastWriteWins.Decide(rowOf(arrival...), nil)); got != tc.want {
				t.Errorf("%s (arrival %d): got %s, want %s", tc.name, i, got, tc.want)
			}
		}
	}
}

func TestOperationsOfOneTransactionStandInItsOrder(t *testing.T) {
	tag := &change.Tag{Dot: dotOf("a1"), Time: 5}
	op := func(order uint32, kind change.Kind, image change.Image) history.Entry {
		return history.Entry{Tag: tag, Kind: kind, Table: docs, Image: image, Order: order}
	}
	rival := at("b1", 4, change.Update, img("rival", "rival"))
	reborn := rowOf(op(2, change.Update, img("z", "-")), op(0, change.Delete, nil), rival, op(1, change.Insert, img("y", "t1")))
	if got, want := show(LastWriteWins.Decide(reborn, nil)), "[id=1 a=z t=t1], by a/1:1/2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	gone := rowOf(op(1, change.Delete, nil), op(0, change.Insert, img("y", "y")), rival)
	if got, want := show(LastWriteWins.Decide(gone, nil)), "no row, by a/1:1/1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestColumnsAreMatchedByNameAcrossShapes(t *testing.T) {
	wide := change.NewTable(docs.TableName, []change.Column{
		{Name: "t", Type: "text"}, {Name: "extra", Type: "text"}, {Name: "id", Type: "integer", Key: true}}, false)
	narrow := at("a1", 1, change.Update, img("x", "toast"))
	late := at("b1", 2, change.Update, change.Image{absent, change.Text("e"), change.Text("1")})
	late.Table = wide
	if got, want := show(LastWriteWins.Decide(rowOf(narrow, late), nil)), "[t=toast extra=e id=1], by b/1:1/0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	late.Image = change.Image{change.Text("t2"), absent, change.Text("1")}
	late.Tag.Time = 0
	narrow.Image = img("x", "-")
	if got, want := show(LastWriteWins.Decide(rowOf(narrow, late), nil)), "[id=1 a=x t=t2], by a/1:1/0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	copied := *docs // a table read twice is another pointer
	narrow.Table = change.NewTable(copied.TableName, copied.Columns, copied.Full)
	if got := valueAs(&narrow, narrow.Image, docs, 1); got != change.Text("x") {
		t.Errorf("an equal shape behind another pointer: %v", got)
	}
}

// differs reports whether two arrivals of the same operations come out differently, when each is put
// into a row by insert.
func differs(insert func(history.Row, history.Entry) history.Row, one, other []history.Entry) (string, string, bool) {
	decide := func(ops []history.Entry) string {
		var r history.Row
		for _, e := range ops {
			r = insert(r, e)
		}
		return show(LastWriteWins.Decide(r, nil))
	}
	a, b := decide(one), decide(other)
	return a, b, a != b
}

// I1: a decision is a function of the set of operations, whatever the order of arrival.
func TestDecideIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := drawOps(t)
		if a, b, bad := differs(history.Row.Insert, ops, shuffled(t, ops)); bad {
			t.Fatalf("arrivals differ: %s, and %s", a, b)
		}
	})
}

// The property has teeth: twins that order by time alone, by arrival, or keep duplicates' places, fail it.
func TestDecideTwinsAreCaught(t *testing.T) {
	tieIgnored := func(r history.Row, e history.Entry) history.Row {
		i := len(r)
		for i > 0 && r[i-1].Tag.Time > e.Tag.Time {
			i--
		}
		return append(r[:i:i], append(history.Row{e}, r[i:]...)...)
	}
	arrival := func(r history.Row, e history.Entry) history.Row { return append(r, e) }
	placeIgnored := func(r history.Row, e history.Entry) history.Row {
		for i := range r {
			if r[i].Tag == e.Tag {
				return r
			}
		}
		return r.Insert(e)
	}
	gen := rapid.Custom(func(t *rapid.T) [2][]history.Entry {
		ops := drawOps(t)
		return [2][]history.Entry{ops, shuffled(t, ops)}
	})
	for name, twin := range map[string]func(history.Row, history.Entry) history.Row{
		"tie ignored": tieIgnored, "order of arrival": arrival, "place in the transaction ignored": placeIgnored,
	} {
		caught := false
		for seed := 0; seed < 2000 && !caught; seed++ {
			pair := gen.Example(seed)
			_, _, caught = differs(twin, pair[0], pair[1])
		}
		if !caught {
			t.Errorf("%s: no schedule of 2000 shows it", name)
		}
	}
}

// A winner is maximal, and later than every maximal operation that could have won.
func TestWinnerIsTheBestMaximal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := rowOf(drawOps(t)...)
		w := LastWriteWins.winner(ops)
		stands := func(i int) bool { // on its own image, or on an insert that it saw and no delete comes after
			if removes(ops[i].Kind) || ops[i].Image.Complete() {
				return true
			}
			for j := range ops {
				if isMaximal(ops, j) && removes(ops[j].Kind) && !slices.ContainsFunc(ops[j:], func(e history.Entry) bool {
					return e.Kind == change.Insert && ops[i].Saw(&e)
				}) {
					return false
				}
			}
			return true
		}
		can := func(i int) bool { return isMaximal(ops, i) && stands(i) }
		if !can(w) {
			t.Fatalf("operation %d won, which can't", w)
		}
		for i := w + 1; i < len(ops); i++ {
			if can(i) {
				t.Fatalf("operation %d won, but %d is later", w, i)
			}
		}
	})
}

// isMaximal is the definition: none of ops had seen ops[i].
func isMaximal(ops history.Row, i int) bool {
	for j := range ops {
		if j != i && ops[j].Saw(&ops[i]) {
			return false
		}
	}
	return true
}

func BenchmarkDecide(b *testing.B) {
	for name, n := range map[string]int{"2": 2, "1000": 1000} {
		var ops history.Row
		var seen change.Vector
		for i := range n {
			o := change.NewOrigin(string(rune('a'+i%2)), 1)
			tag := &change.Tag{Dot: change.Dot{Origin: o, Seq: uint64(i/2 + 1)}, Time: change.Timestamp(i + 1)}
			if i < n-2 {
				tag.Deps = seen
			}
			seen = seen.With(o, tag.Dot.Seq)
			ops = ops.Insert(history.Entry{Tag: tag, Kind: change.Update, Table: docs, Image: img("x", "y")})
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				LastWriteWins.Decide(ops, nil)
			}
		})
	}
}
