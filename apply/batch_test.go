package apply

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// Several operations on one row, in one transaction, come to one write.
func TestNetEffect(t *testing.T) {
	u, d, i := Update, Delete, Upsert
	for _, tc := range []struct {
		name  string
		ops   []change.Operation
		kinds []WriteKind
		last  string // the last write's columns
	}{
		{"insert", []change.Operation{ins("1", "x", "y")}, []WriteKind{i}, "1 x y"},
		{"insert, update", []change.Operation{ins("1", "x", "y"), upd("1", "z", "-")}, []WriteKind{i}, "1 z y"},
		{"insert, delete", []change.Operation{ins("1", "x", "y"), del("1")}, []WriteKind{d}, ""},
		{"update", []change.Operation{upd("1", "x", "-")}, []WriteKind{u}, "1 x -"},
		{"update, update", []change.Operation{upd("1", "x", "y"), upd("1", "z", "-")}, []WriteKind{u}, "1 z y"},
		{"update, update of the absent", []change.Operation{upd("1", "x", "-"), upd("1", "z", "w")}, []WriteKind{u}, "1 z w"},
		{"update, delete", []change.Operation{upd("1", "x", "y"), del("1")}, []WriteKind{d}, ""},
		{"delete, insert", []change.Operation{del("1"), ins("1", "x", "y")}, []WriteKind{i}, "1 x y"},
		{"update, delete, insert, update", []change.Operation{upd("1", "o", "o"), del("1"), ins("1", "x", "y"), upd("1", "z", "-")},
			[]WriteKind{i}, "1 z y"},
		{"key change", []change.Operation{del("1"), ins("2", "x", "y")}, []WriteKind{d, i}, "2 x y"},
		{"keys swapped", []change.Operation{del("1"), ins("3", "x", "x"), del("2"), ins("1", "y", "y"), del("3"), ins("2", "x", "x")},
			[]WriteKind{i, d, i}, "2 x x"},
		{"truncate, insert", []change.Operation{trunc(), ins("1", "x", "y")}, []WriteKind{Truncate, i}, "1 x y"},
		{"a row before and after a truncate", []change.Operation{ins("1", "o", "o"), trunc(), ins("1", "x", "y")},
			[]WriteKind{Truncate, i}, "1 x y"},
		{"a row before a truncate", []change.Operation{upd("1", "o", "o"), trunc()}, []WriteKind{Truncate, d}, ""},
		{"truncated twice", []change.Operation{trunc(), ins("1", "x", "y"), trunc()}, []WriteKind{Truncate, d}, ""},
	} {
		writes := NewBatch(txOf("b", 1, 1, tc.ops...), 0).Writes()
		var kinds []WriteKind
		for _, w := range writes {
			kinds = append(kinds, w.Kind)
		}
		last := rows{writes[len(writes)-1].Key: writes[len(writes)-1].Image}.String()
		if !equal(kinds, tc.kinds) || tc.last != "" && !strings.HasSuffix(last, ") "+tc.last+"]") {
			t.Errorf("%s: writes %v, the last %s; want %v, %s", tc.name, kinds, last, tc.kinds, tc.last)
		}
	}
}

func equal(a, b []WriteKind) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A transaction that alters its table between two operations on a row: columns are matched by name.
func TestNetEffectAcrossShapes(t *testing.T) {
	altered := change.NewTable(tbl.TableName, []change.Column{
		{Name: "id", Type: "integer", Key: true}, {Name: "t", Type: "text"}, {Name: "n", Type: "integer"}}, false) // a dropped, n added
	after := change.Operation{Kind: change.Update, Table: altered, Key: upd("1", "", "").Key,
		New: change.Image{change.Text("1"), change.Absent, change.Text("7")}}
	w := NewBatch(txOf("b", 1, 1, ins("1", "x", "toast"), after), 0).Writes()
	if got := (rows{w[0].Key: w[0].Image}).String(); got != "[public.docs (1) 1 toast 7]" || w[0].Kind != Upsert || w[0].Table != altered {
		t.Errorf("wrote %s of kind %d", got, w[0].Kind)
	}
}

func TestAddRefusesWhatDoesNotFit(t *testing.T) {
	whole := func(seq uint64, ops ...change.Operation) *change.Transaction {
		return txOf("b", seq, change.Timestamp(seq), ops...)
	}
	piece := func(before uint32, last bool) *change.Transaction {
		tx := whole(1, upd("1", "x", "y"))
		tx.Before, tx.Last = before, last
		return tx
	}
	altered := change.NewTable(tbl.TableName, tbl.Columns[:2], false)
	again := change.NewTable(tbl.TableName, tbl.Columns, false)
	for _, tc := range []struct {
		name     string
		has, add *change.Transaction
		want     bool
	}{
		{"two whole ones", whole(1, upd("1", "x", "y")), whole(2, upd("1", "z", "y")), true},
		{"an equal shape read anew", whole(1, upd("1", "x", "y")), whole(2, op(change.Update, again, "1", "z", "y")), true},
		{"another shape of a row", whole(1, upd("1", "x", "y")), whole(2, op(change.Update, altered, "1", "z")), false},
		{"another row in another shape", whole(1, upd("1", "x", "y")), whole(2, op(change.Update, altered, "2", "z")), true},
		{"a piece first", piece(0, false), whole(2, upd("1", "z", "y")), false},
		{"a last piece first", piece(3, true), whole(2, upd("1", "z", "y")), false},
		{"a piece to follow", whole(1, upd("1", "x", "y")), piece(0, false), false},
		{"a last piece to follow", whole(1, upd("1", "x", "y")), piece(3, true), false},
		{"a truncate first", whole(1, trunc()), whole(2, upd("1", "z", "y")), false},
		{"a truncate to follow", whole(1, upd("1", "x", "y")), whole(2, del("1"), trunc()), false},
		{"nothing to follow", whole(1, upd("1", "x", "y")), whole(2), true},
	} {
		b := NewBatch(tc.has, 10)
		before := len(b.Writes())
		if got := b.Add(tc.add, 11); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		} else if !got && (len(b.Writes()) != before || len(b.Transactions) != 1 || b.Marker.Offset != 10) {
			t.Errorf("%s: refused, but the batch changed", tc.name)
		}
	}
}

func TestMarkerIsTheLastTransactions(t *testing.T) {
	b := NewBatch(txOf("b", 4, 40, upd("1", "x", "y")), 100)
	b.Add(txOf("b", 5, 50), 101)
	if m := b.Marker; m.Origin != "b/1" || m.Seq != 5 || m.Time != 50 || m.Offset != 101 {
		t.Errorf("marker %+v", m)
	}
}

// A batch's writes do to a database what its operations did one by one, however they are split into
// batches, and again after Reset.
func TestNetEffectIsThatOfTheOperations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		origin, here := rows{}, rows{}
		for id := range 3 {
			if rapid.Bool().Draw(t, "there") {
				o := ins(string(rune('1'+id)), "old", "old")
				origin.operate(&o)
			}
		}
		maps.Copy(here, origin)
		var b *Batch
		flush := func() {
			if b == nil {
				return
			}
			again := maps.Clone(here)
			here.write(b.Writes())
			b.Missing([]int{0})
			b.Reset()
			again.write(b.Writes())
			if again.String() != here.String() || b.AnyMissing() {
				t.Fatalf("at first %v, after Reset %v", here, again)
			}
		}
		for seq := range rapid.Uint64Range(1, 6).Draw(t, "transactions") {
			tx := drawTransaction(t, origin, "b", seq+1, true)
			if b == nil || rapid.IntRange(0, 3).Draw(t, "split") == 0 || !b.Add(tx, 0) {
				flush()
				b = NewBatch(tx, 0)
			}
		}
		flush()
		if here.String() != origin.String() {
			t.Fatalf("the origin has\n%v, here is\n%v", origin, here)
		}
	})
}

// A row that a step finds is there for the steps after it; what counts is the last one.
func TestSteps(t *testing.T) {
	b := NewBatch(txOf("b", 1, 10, upd("1", "x", "-"), upd("2", "y", "-"), upd("1", "z", "-"), del("3"), ins("3", "a", "b"), del("4")), 7)
	steps, rows := b.Steps()
	if want := []int{0, 1, 0, 2, 2, 3}; !slices.Equal(rows, want) {
		t.Fatalf("rows %v, want %v", rows, want)
	}
	kinds := []WriteKind{Update, Update, Update, Delete, Upsert, Delete}
	for i, k := range kinds {
		if steps[i].Kind != k {
			t.Errorf("step %d has kind %d, want %d", i, steps[i].Kind, k)
		}
	}
	b.MissingSteps([]int{0, 2, 3}, rows) // row 3 was made after it was missed
	for i, want := range []bool{true, false, false, false} {
		if b.rows[i].missing != want {
			t.Errorf("row %d missing: %t", i, !want)
		}
	}
}

// What deletes a row knows its key as the row has it, if any operation of the batch did: the key's form may be another text.
func TestDeletesTellTheKey(t *testing.T) {
	old := func(op change.Operation) change.Operation {
		op.Old = ins("7", "a", "b").New
		return op
	}
	truncated := change.Operation{Kind: change.Truncate, Table: ins("7", "a", "b").Table, Key: change.Key{Table: ins("7", "a", "b").Key.Table}}
	for name, tc := range map[string]struct {
		ops  []change.Operation
		want bool
	}{
		"with an image":    {[]change.Operation{old(del("7"))}, true},
		"without":          {[]change.Operation{del("7")}, false},
		"after an insert":  {[]change.Operation{ins("7", "a", "b"), del("7")}, true},
		"before a restore": {[]change.Operation{upd("7", "a", "-"), old(del("7"))}, true},
		"truncated":        {[]change.Operation{ins("7", "a", "b"), truncated}, true},
	} {
		b := NewBatch(txOf("b", 1, 10, tc.ops...), 7)
		w := b.byKey[ins("7", "a", "b").Key].written
		if w.Kind != Delete || (w.Image != nil) != tc.want {
			t.Errorf("%s: kind %d, image %v", name, w.Kind, w.Image)
		}
	}
}
