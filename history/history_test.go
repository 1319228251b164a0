package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

func TestInsertSortsAndKeepsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []Entry
		for i := range rapid.IntRange(1, 8).Draw(t, "n") {
			tg := tag(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "origin"), 0, change.Timestamp(rapid.IntRange(1, 3).Draw(t, "time")))
			tg.Dot.Seq = uint64(tg.Time) // an origin's timestamps rise with its seq
			entries = append(entries, Entry{Tag: tg, Order: uint32(rapid.IntRange(0, 2).Draw(t, "order")), At: uint64(i)})
		}
		var r Row
		for _, e := range entries {
			before := len(r)
			had := slices.ContainsFunc(r, func(f Entry) bool { return f.Tag.Dot == e.Tag.Dot && f.Order == e.Order })
			r = r.Insert(e)
			if (len(r) == before) != had {
				t.Fatalf("inserting %v/%d: %d became %d", e.Tag.Dot, e.Order, before, len(r))
			}
		}
		if !slices.IsSortedFunc(r, func(e, f Entry) int { return e.Compare(&f) }) {
			t.Fatalf("not sorted: %s", dots(r))
		}
		for i := range r {
			for j := range r {
				if r[i].Saw(&r[j]) && j >= i {
					t.Fatalf("%v saw %v, which comes later", r[i].Tag.Dot, r[j].Tag.Dot)
				}
			}
		}
	})
}

func TestAddAgainChangesNothing(t *testing.T) {
	h := New("a/1", abc, 0)
	tx1, tx2 := tag("b", 1, 1), tag("b", 2, 5)
	h.Add(tx1, update("x"), 0, 0)
	h.Add(tx2, append(update("x"), append(truncate(), update("y")...)...), 0, 0)
	want := h.Stats()
	h.Add(tag("b", 1, 1), update("x"), 0, 0)
	h.Add(tag("b", 2, 5), append(update("x"), append(truncate(), update("y")...)...), 0, 0)
	if got := h.Stats(); got != want {
		t.Errorf("held %+v, then %+v", want, got)
	}
}

// The pieces of a transaction count on: what a later piece does to a row comes later.
func TestPiecesOfATransaction(t *testing.T) {
	h := New("a/1", abc, 0)
	h.Add(tag("b", 1, 1), update("x"), 7, 0)
	h.Add(tag("b", 1, 1), update("x"), 3, 0)
	r := h.Row(update("x")[0].Key, 0)
	if len(r) != 2 || r[0].Order != 3 || r[1].Order != 7 || !r[1].Saw(&r[0]) || r[0].Saw(&r[1]) {
		t.Errorf("got %+v", r)
	}
}

func TestRowShowsTheLogUpToAPlace(t *testing.T) {
	h := New("a/1", abc, 0)
	h.Add(tag("a", 1, 1), update("x"), 0, 10)
	h.Add(tag("b", 1, 2), update("x"), 0, 0)
	h.Add(tag("a", 2, 3), truncate(), 0, 20)
	key := update("x")[0].Key
	for asOf, want := range map[uint64]string{0: "b/1:1 ", 10: "a/1:1 b/1:1 ", 19: "a/1:1 b/1:1 ", 20: "a/1:1 b/1:1 a/1:2 "} {
		if got := dots(h.Row(key, asOf)); got != want {
			t.Errorf("as of %d: %s, want %s", asOf, got, want)
		}
	}
	r := h.Row(key, 99)
	r = append(r[:0], r[2:]...)
	if got := dots(h.Row(key, 99)); got != "a/1:1 b/1:1 a/1:2 " || len(r) != 1 {
		t.Errorf("a caller's change of its row shows: %s", got)
	}
}

func TestConcurrentAndKeys(t *testing.T) {
	h := New("a/1", abc, 0)
	h.Add(tag("a", 1, 1), update("x"), 0, 1)
	h.Add(tag("a", 2, 2), append(update("y"), update("w")...), 0, 2)
	x, y, z := update("x")[0].Key, update("y")[0].Key, update("z")[0].Key
	saw1, saw2 := tag("b", 1, 9, change.Seen{Origin: "a/1", Seq: 1}), tag("b", 1, 9, change.Seen{Origin: "a/1", Seq: 2})
	for _, tc := range []struct {
		key  change.Key
		tag  *change.Tag
		want bool
	}{{x, saw1, false}, {y, saw1, true}, {y, saw2, false}, {z, tag("b", 1, 9), false}, {x, tag("b", 1, 9), true}} {
		if got := h.Concurrent(tc.key, tc.tag); got != tc.want {
			t.Errorf("%v with %v: %v", tc.key, tc.tag.Deps, got)
		}
	}
	// in a fixed order, so that a simulation repeats from its seed
	if got := fmt.Sprint(h.Keys(tableT.TableName, saw1)); got != fmt.Sprint([]change.Key{update("w")[0].Key, y}) {
		t.Errorf("keys %v", got)
	}
	h.Add(tag("c", 1, 3), truncate(), 0, 0)
	if !h.Concurrent(z, saw2) {
		t.Error("a truncate is concurrent with every row of its table")
	}
	if h.Keys(tableU.TableName, saw1) != nil || h.Concurrent(change.Key{Table: tableU.TableName, Row: "x"}, saw1) {
		t.Error("another table has nothing")
	}
}

func TestFullNamesTheRegionThatHoldsItBack(t *testing.T) {
	h := New("a/1", abc, 1000)
	var err error
	for i := uint64(1); i <= 100 && err == nil; i++ {
		err = h.Add(tag("b", i, change.Timestamp(i)), update(fmt.Sprint(i)), 0, 0)
		h.Learn("a/1", change.NewVector(change.Seen{Origin: "b/1", Seq: i}))
	}
	h.Learn("b/1", nil) // it writes all of this, and has seen nothing of the idle others
	h.Learn("c/1", change.NewVector(change.Seen{Origin: "b/1", Seq: 1}))
	var full *ErrFull
	if !errors.As(err, &full) || full.Bytes <= full.Limit {
		t.Fatalf("got %v", err)
	}
	if got := h.furthestBehind(); got != "c/1" {
		t.Errorf("%s is said to be furthest behind, c/1 is", got)
	}
	if n := h.Stats().Operations; n == 0 || !strings.Contains(err.Error(), "max_bytes") {
		t.Errorf("%d operations, %v", n, err)
	}
	if err := h.Add(tag("z", 1, 1), nil, 0, 0); err == nil || errors.As(err, &full) {
		t.Errorf("an origin that isn't a member: %v", err)
	}
}
