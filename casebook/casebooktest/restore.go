package casebooktest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bridge/casebook"
	"bridge/change"
	"bridge/visibility"
)

// lacking parks a row whose parents were deleted, in the order in which they'd be inserted: the first of the texts of each is the table.
func (b *Bed) lacking(t *testing.T, texts []string, lost ...[]string) {
	t.Helper()
	p := visibility.Parked{Row: rowOf(t, "seat", texts), Reason: visibility.ByParent, Constraint: "in_hall"}
	for i, l := range lost {
		p.Lost = append(p.Lost, visibility.Lost{Row: rowOf(t, l[0], l[1:]), Dot: change.Dot{Origin: "eu/1", Seq: uint64(40 + i)}, Time: change.TimestampOf(claimed)})
	}
	b.put(t, p)
}

// Restored is the part of the contract about deleted rows: they are there again, with their own parents, and recorded once; or nothing is done.
func Restored(t *testing.T, b *Bed) {
	b.execAll(t, `CREATE TABLE app.town (name varchar(20) PRIMARY KEY, n int UNIQUE);
CREATE TABLE app.hall (code varchar(20) PRIMARY KEY, n int, town varchar(20), CONSTRAINT in_town FOREIGN KEY (town) REFERENCES app.town (name));
CREATE TABLE app.seat (id bigint PRIMARY KEY, hall varchar(20), CONSTRAINT in_hall FOREIGN KEY (hall) REFERENCES app.hall (code));
INSERT INTO app.town VALUES ('there', 1); INSERT INTO app.hall VALUES ('red', 1, 'there')`)
	town, far := []string{"town", "name=gone", "n=2"}, []string{"town", "name=far", "n=1"} // whose n another one has
	for _, seat := range []struct {
		id   string
		lost [][]string
	}{
		{"1", [][]string{{"hall", "code=blue", "n=NULL", "town=there"}}},
		{"2", [][]string{{"hall", "code=blue", "n=7", "town=there"}}},                       // which is there by then
		{"3", [][]string{town, {"hall", "code=green", "n=3", "town=gone", "extra=x"}}},      // of a column that the table lacks
		{"4", [][]string{{"hall", "code=black", "n=3", "town=nowhere"}}},                    // whose own parent isn't known
		{"5", [][]string{far, {"hall", "code=white", "n=3", "town=far"}}},                   // a value is taken
		{"6", [][]string{{"hall", "code=pink", "n=3", "town=NULL"}}},                        // shown by now
		{"7", [][]string{{"hall", "code=it's", "n=3", "town=NULL"}}},                        // parked anew since
		{"8", [][]string{{"hall", "code=red", "n=9", "town=NULL"}}}, {"9", [][]string(nil)}, // nothing is to do
	} {
		b.lacking(t, []string{"id=" + seat.id, "hall=some"}, seat.lost...)
	}
	book, other := open(t, b), open(t, b)
	seen := map[string]*casebook.Parked{}
	for _, key := range strings.Fields("1 2 3 4 5 6 7 8 9") {
		seen[key] = find(t, book, "seat", key)
	}
	b.Exec(t, `DELETE FROM bridge.parked WHERE document LIKE '%[{"t":"6"}%'`)
	b.Exec(t, `DELETE FROM bridge.parked WHERE document LIKE '%[{"t":"7"}%'`)
	b.lacking(t, []string{"id=7", "hall=other"})
	for _, tc := range []struct {
		key  string
		book casebook.Book
		want string // restored rows
		err  error
	}{
		{"1", book, "shop.hall (blue)", nil}, {"1", other, "", nil}, {"2", other, "", nil}, {"3", book, "shop.town (gone) shop.hall (green)", nil},
		{"4", book, "", casebook.ErrUntaken}, {"5", book, "", casebook.ErrUntaken}, {"6", book, "", casebook.ErrNotParked}, {"7", book, "", casebook.ErrNotParked},
		{"8", book, "", nil}, {"9", book, "", nil},
	} {
		cases, err := tc.book.Restore(t.Context(), seen[tc.key])
		var rows []string
		for _, c := range cases {
			rows = append(rows, c.Row())
		}
		if got := strings.Join(rows, " "); got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("seat %s: %q (%v), want %q (%v)", tc.key, got, err, tc.want, tc.err)
		}
		if err != nil && (strings.Contains(err.Error(), "nowhere") || !strings.Contains(err.Error(), "shop.")) {
			t.Errorf("seat %s: %v", tc.key, err)
		}
	}
	if got := strings.Join(b.Rows(t, `SELECT * FROM app.hall ORDER BY code`), " "); got != "blue|NULL|there green|3|gone red|1|there" {
		t.Errorf("halls: %s", got)
	}
	if got := strings.Join(b.Rows(t, `SELECT * FROM app.town ORDER BY name`), " "); got != "gone|2 there|1" {
		t.Errorf("towns: %s", got)
	}
	var cases []*casebook.Case
	if err := book.Cases(t.Context(), casebook.Filter{Outcome: "restored", Oldest: true}, func(c *casebook.Case) error { cases = append(cases, c); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 3 || cases[0].Row() != "shop.hall (blue)" || cases[1].Row() != "shop.town (gone)" || cases[2].Row() != "shop.hall (green)" {
		t.Fatalf("%d cases: %+v", len(cases), cases)
	}
	c := cases[0]
	if v := c.Versions[0]; c.Rule != "constraint in_hall" || c.Type != "delete_concurrent" || !c.Result.Exists || c.Origin != "eu/1" || c.Seq != 40 || v.Fate != "lost" || *v.Before["town"] != "there" ||
		!v.Time.Equal(claimed) || !strings.Contains(strings.Join(c.Story(), " "), "eu/1:40 deleted the row at") {
		t.Errorf("%+v", c)
	}
	// A person sides with the delete. The seats are parked still: the running bridge would have shown them.
	choice := casebook.Choice{Pick: "eu"}
	if err := book.Resolve(t.Context(), c.ID, casebook.Mark{By: "zoe", How: choice.String()}, false, choice.Change); err != nil {
		t.Fatal(err)
	}
	if left := b.Rows(t, `SELECT code FROM app.hall ORDER BY code`); !slices.Equal(left, []string{"green", "red"}) {
		t.Errorf("halls are left: %q", left)
	}
}
