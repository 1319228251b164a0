package casebooktest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"bridge/casebook"
)

// mended: a row's cases that wait for a merge are resolved together, or not at all, and no other cases.
func mended(t *testing.T, b *Bed) {
	b.Exec(t, createItems)
	b.Exec(t, `INSERT INTO app.item VALUES (1, 2, 'x')`)
	one := conflicting(row("1", "NULL"), row("2", "x"))
	other := one
	other.Key = []string{"2"}
	var ids []int64
	for i, c := range []casebook.Case{one, other, one, one, one} {
		id := b.record(t, c)
		b.Exec(t, fmt.Sprintf(`UPDATE bridge.conflicts SET awaits = '%s' WHERE id = %d`, []string{"merge", "merge", "person", "both", "merge"}[i], id))
		ids = append(ids, id)
	}
	book := open(t, b)
	waiting := func() []int64 { return numbers(t, book, casebook.Filter{Merge: true, Oldest: true}) }
	if got, want := waiting(), []int64{ids[0], ids[1], ids[3], ids[4]}; !slices.Equal(got, want) {
		t.Fatalf("cases %v wait for a merge, want %v", got, want)
	}
	first := one
	first.ID = ids[0]
	mend := func(fail error) error {
		return book.Mend(t.Context(), &first, func(c *casebook.Case) casebook.Mark {
			if c.ID == ids[3] {
				return casebook.Mark{By: "bridge", How: "merged", Awaits: "person"}
			}
			return casebook.Mark{By: "bridge", How: "merged"}
		}, func(cases []*casebook.Case, row *casebook.Row) (casebook.Change, error) {
			var got []int64
			for _, c := range cases {
				got = append(got, c.ID)
			}
			if want := []int64{ids[0], ids[3], ids[4]}; !slices.Equal(got, want) {
				t.Errorf("cases %v are the row's, want %v", got, want)
			}
			five := "5"
			return casebook.Change{Kind: casebook.Update, Values: casebook.Image{"n": &five}}, fail
		})
	}
	refused := errors.New("refused")
	if err := mend(refused); !errors.Is(err, refused) || len(waiting()) != 4 {
		t.Errorf("%v, and cases %v wait; want what decide returned, and all", err, waiting())
	}
	if err := mend(nil); err != nil {
		t.Fatal(err)
	}
	if got := b.Rows(t, `SELECT id, n, note FROM app.item`); !slices.Equal(got, []string{"1|5|x"}) {
		t.Errorf("the row is %v", got)
	}
	if got := waiting(); !slices.Equal(got, ids[1:2]) {
		t.Errorf("cases %v wait, want %v", got, ids[1:2])
	}
	if got, want := numbers(t, book, casebook.Filter{Awaits: "person", Oldest: true}), []int64{ids[2], ids[3]}; !slices.Equal(got, want) {
		t.Errorf("cases %v wait for a person, want %v", got, want)
	}
	if err := mend(nil); !errors.Is(err, casebook.ErrResolved) {
		t.Errorf("%v, want %v", err, casebook.ErrResolved)
	}
}
