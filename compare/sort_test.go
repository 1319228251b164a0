package compare

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Rows come out in the order of their keys with all that they have, however little memory there is.
func TestSorter(t *testing.T) {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "A", "ä", "\x00weights", strings.Repeat("x", 300)}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		s := &Selection{Key: []string{"a", "b"}, numbers: []bool{false, true}}
		o := &sorter{selection: s, memory: rapid.SampledFrom([]int{1, 500, 3000, sortMemory}).Draw(t, "memory")}
		defer o.close()
		var want []Row
		for range rapid.IntRange(0, 20).Draw(t, "batches") {
			var rows []Row
			for range rapid.IntRange(1, 5).Draw(t, "rows") {
				r := Row{Key: []string{text.Draw(t, "a"), fmt.Sprint(rapid.IntRange(-20, 20).Draw(t, "b"))}, Hash: text.Draw(t, "hash")}
				if rapid.Bool().Draw(t, "own") {
					r.Own = []string{text.Draw(t, "own a"), "1"}
				}
				rows = append(rows, r)
			}
			want = append(want, rows...)
			if err := o.add(rows); err != nil {
				t.Fatal(err)
			}
		}
		var got []Row
		if err := o.each(func(rows []Row) error { got = append(got, rows...); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(got, func(a, b Row) int { return s.Compare(a.Key, b.Key) }) {
			t.Fatal("not in order")
		}
		if a, b := texts(got), texts(want); !slices.Equal(a, b) {
			t.Fatalf("got %q, want %q", a, b)
		}
	})
}

func texts(rows []Row) (out []string) {
	for i := range rows {
		out = append(out, fmt.Sprintf("%q", rows[i]))
	}
	slices.Sort(out)
	return out
}

// An error of the consumer ends it.
func TestSorterIsEnded(t *testing.T) {
	o := &sorter{selection: &Selection{Key: []string{"a"}, numbers: []bool{true}}, memory: 2000}
	defer o.close()
	for range 100 {
		if err := o.add([]Row{{Key: []string{fmt.Sprint(rand.IntN(1000))}}}); err != nil {
			t.Fatal(err)
		}
	}
	enough := fmt.Errorf("enough")
	if err := o.each(func([]Row) error { return enough }); err != enough {
		t.Error(err)
	}
}
