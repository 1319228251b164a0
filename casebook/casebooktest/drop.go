package casebooktest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bridge/casebook"
	"bridge/visibility"
)

// dropped: a row is gone and recorded once, or nothing is done.
func dropped(t *testing.T, b *Bed) {
	b.execAll(t, createShows)
	b.park(t, "seat", visibility.ByParent, "in_hall", []string{"id=7", "hall=blue", "seat=A1", "note=it's"})
	b.park(t, "seat", visibility.ByParent, "in_hall", []string{"id=8", "hall=blue", "seat=A2", "note=NULL"})
	b.park(t, "seat", visibility.ByParent, "in_hall", []string{"id=9", "hall=blue", "seat=A3", "note=NULL"})
	b.park(t, "seat", visibility.ByParent, "in_hall", []string{"id=1", "hall=blue", "seat=A4", "note=NULL"})
	before := b.Rows(t, `SELECT * FROM app.seat ORDER BY id`)
	book, other := open(t, b), open(t, b)
	seen := map[string]*casebook.Parked{}
	for _, key := range []string{"7", "8", "9", "1"} {
		seen[key] = find(t, book, "seat", key)
	}
	// Row 8 was parked anew since it was read, row 9 is shown by now, and row 1 was written by an application.
	b.Exec(t, `DELETE FROM bridge.parked WHERE table_name = 'seat' AND document LIKE '%A2%'`)
	b.park(t, "seat", visibility.ByParent, "in_hall", []string{"id=8", "hall=green", "seat=A2", "note=NULL"})
	b.Exec(t, `DELETE FROM bridge.parked WHERE table_name = 'seat' AND document LIKE '%A3%'`)
	for _, tc := range []struct {
		key  string
		book casebook.Book
		want error
	}{
		{"7", book, nil}, {"7", book, casebook.ErrNotParked}, {"7", other, casebook.ErrNotParked}, // by another bridge
		{"8", book, casebook.ErrNotParked}, {"9", book, casebook.ErrNotParked}, {"1", book, casebook.ErrSuperseded},
	} {
		p := seen[tc.key]
		if err := tc.book.Drop(t.Context(), p, casebook.NewDropped(p)); !errors.Is(err, tc.want) {
			t.Errorf("row %s: %v, want %v", tc.key, err, tc.want)
		}
	}
	if after := b.Rows(t, `SELECT * FROM app.seat ORDER BY id`); !slices.Equal(before, after) {
		t.Errorf("rows became\n%q, and were\n%q", after, before)
	}
	var left []string
	if err := book.Parked(t.Context(), casebook.ParkedFilter{}, func(p *casebook.Parked) error { left = append(left, p.Key[0]); return nil }); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(left); !slices.Equal(left, []string{"1", "8"}) {
		t.Errorf("rows %q are parked", left)
	}
	var cases []*casebook.Case
	if err := book.Cases(t.Context(), casebook.Filter{Outcome: casebook.Dropped}, func(c *casebook.Case) error { cases = append(cases, c); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 1 {
		t.Fatalf("%d cases, want one: %+v", len(cases), cases)
	}
	c := cases[0]
	if c.Row() != "shop.seat (7)" || c.Rule != "constraint in_hall" || c.Result == nil || c.Result.Exists || c.Winner() != nil ||
		*c.Versions[0].Image["note"] != "it's" || !c.Versions[0].Time.Equal(claimed) || !strings.Contains(strings.Join(c.Story(), " "), "The row was last written by us/1") {
		t.Errorf("%+v", c)
	}
	// A person gives it its parent again, and the row.
	b.Exec(t, `INSERT INTO app.hall VALUES ('blue', 2)`)
	b.Exec(t, `UPDATE app.seat SET seat = 'B1' WHERE id = 1`)
	choice := casebook.Choice{Pick: "us"}
	if err := book.Resolve(t.Context(), c.ID, casebook.Mark{By: "zoe", How: choice.String()}, false, choice.Change); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.Rows(t, `SELECT * FROM app.seat WHERE id = 7`), " "); got != "7|blue|A1|it's" {
		t.Errorf("the row that was picked is %q", got)
	}
}
