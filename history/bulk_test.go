package history

import (
	"testing"

	"bridge/change"
)

// piece is a piece of a large transaction that updates rows.
func piece(t *change.Tag, before uint32, last bool, rows ...string) *change.Transaction {
	tx := &change.Transaction{Tag: *t, Before: before, Last: last}
	for _, row := range rows {
		tx.Operations = append(tx.Operations, update(row)...)
	}
	return tx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func keyX() change.Key { return update("x")[0].Key }

func TestLargeTransactionIsKnownByItsRows(t *testing.T) {
	h := New("a/1", abc, 0)
	large := tag("b", 1, 5)
	must(t, h.AddTransaction(piece(large, 0, false, "x", "y"), 0))
	must(t, h.AddTransaction(piece(large, 2, true, "x"), 0))
	other := tag("c", 1, 6)
	if !h.Concurrent(keyX(), other) || h.Concurrent(update("z")[0].Key, other) {
		t.Error("a large transaction wrote x and not z")
	}
	if h.Concurrent(keyX(), tag("c", 1, 6, change.Seen{Origin: "b/1", Seq: 1})) {
		t.Error("it's concurrent with a transaction that saw it")
	}
	refs := h.Lacks(keyX(), 9)
	if len(refs) != 1 || refs[0] != (Ref{large.Dot, keyX()}) || h.Whole() {
		t.Fatalf("lacks %v", refs)
	}
	ops := append(update("x"), update("x")...)
	for range 2 {
		h.Fill(refs[0], ops, []uint32{0, 2})
		if got := dots(h.Row(keyX(), 9)); got != "b/1:1 b/1:1 " || len(h.Lacks(keyX(), 9)) != 0 {
			t.Errorf("after it was filled in, the row has %s and lacks %v", got, h.Lacks(keyX(), 9))
		}
	}
	must(t, h.AddTransaction(piece(large, 3, true, "x"), 0)) // a later piece finds its row filled in
	if got := len(h.Row(keyX(), 9)); got != 3 {
		t.Errorf("%d operations", got)
	}
}

func TestLocalLargeTransactionCountsFromItsPlace(t *testing.T) {
	h := New("a/1", abc, 0)
	must(t, h.AddTransaction(piece(tag("a", 1, 5), 0, true, "x"), 7))
	must(t, h.AddBulk(tag("a", 2, 6), update("x"), 0, 8))
	if got := h.Lacks(keyX(), 7); len(got) != 0 {
		t.Errorf("as of place 7 it lacks %v", got)
	}
	if got := h.Lacks(keyX(), 8); len(got) != 1 {
		t.Errorf("as of place 8 it lacks %v", got)
	}
}

// A large transaction goes only when nothing unstable stands before it, not even another large one.
func TestLargeTransactionsAreDroppedInOrder(t *testing.T) {
	h := New("a/1", abc, 0)
	must(t, h.AddBulk(tag("b", 1, 5), update("x"), 0, 0))
	must(t, h.AddBulk(tag("c", 1, 6), update("x"), 0, 0))
	seenC := change.NewVector(change.Seen{Origin: "c/1", Seq: 1})
	h.Learn("a/1", seenC)
	h.Learn("b/1", seenC)
	h.Prune()
	if got := h.Lacks(keyX(), 9); len(got) != 2 {
		t.Fatalf("the later one was dropped: %v", got)
	}
	if c := h.Cut(); c.Since != (change.Version{Time: 5, Origin: "b/1"}) {
		t.Errorf("cut %+v", c)
	}
	h.Fill(Ref{dot("c", 1), keyX()}, update("x"), []uint32{0})
	seenB := change.NewVector(change.Seen{Origin: "b/1", Seq: 1})
	h.Learn("a/1", seenB)
	h.Learn("c/1", seenB)
	h.Prune()
	if got := h.Stats(); got != (Stats{}) || !h.Whole() {
		t.Errorf("kept %+v", got)
	}
}

func TestCancelledLargeTransactionLeavesNothing(t *testing.T) {
	h := New("a/1", abc, 0)
	must(t, h.AddTransaction(piece(tag("b", 1, 5), 0, false, "x"), 0))
	h.Fill(Ref{dot("b", 1), keyX()}, update("x"), []uint32{0})
	h.Cancel(dot("b", 1))
	if got := h.Stats(); got != (Stats{}) || !h.Whole() {
		t.Errorf("kept %+v", got)
	}
	if c := h.Cut(); !c.Needs(tag("b", 1, 5)) {
		t.Errorf("a restart would pass over it when it's applied again: %+v", c)
	}
}

// What a cut leaves out is just what had been dropped: an operation that is stable but stands behind an
// unstable one is needed, and so is all that comes later.
func TestCutKeepsWhatStandsBehind(t *testing.T) {
	h := New("a/1", abc, 0)
	add := func(h *History, o string, seq uint64, time change.Timestamp) {
		must(t, h.Add(tag(o, seq, time), update("x"), 0, 0))
	}
	all := func(h *History) {
		add(h, "c", 1, 1)
		add(h, "b", 1, 5)
		add(h, "c", 2, 6)
	}
	all(h)
	for _, m := range []change.Origin{"a/1", "b/1"} {
		h.Learn(m, change.NewVector(change.Seen{Origin: "c/1", Seq: 2}))
	}
	h.Prune()
	c := h.Cut()
	again := New("a/1", abc, 0)
	again.Resume(c)
	all(again)
	add(again, "c", 3, 7)
	if got := dots(again.Row(keyX(), 9)); got != "b/1:1 c/1:2 c/1:3 " {
		t.Errorf("resumed with %s", got)
	}
	if next := again.Cut(); next.Known.Get("c/1") != 3 || next.Since != c.Since {
		t.Errorf("cut of the resumed history: %+v", next)
	}
	// A restart before all was added again must not lose it.
	early := New("a/1", abc, 0)
	early.Resume(c)
	if got := early.Cut(); !got.Needs(tag("b", 1, 5)) || got.Needs(tag("c", 1, 1)) {
		t.Errorf("cut of a history that was just resumed: %+v, before it %+v", got, c)
	}
	quiet := New("a/1", abc, 0)
	quiet.Resume(Cut{Since: never, Known: c.Known})
	if got := quiet.Cut(); got.Known.Get("b/1") != 1 || got.Since != never {
		t.Errorf("a history that added nothing forgets what the one before it knew: %+v", got)
	}
}
