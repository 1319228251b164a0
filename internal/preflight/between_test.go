package preflight_test

import (
	"slices"
	"testing"

	"bridge/change"
	"bridge/internal/preflight"
)

// TestDifferences: what counts is which rows a constraint hides, not its name or the order of its columns.
func TestDifferences(t *testing.T) {
	name := func(s string) change.TableName { return change.TableName{Schema: "public", Name: s} }
	cols := func(names ...string) (out []preflight.KeyColumn) {
		for _, n := range names {
			out = append(out, preflight.KeyColumn{Name: "local " + n, Between: n})
		}
		return out
	}
	region := func(region string, tables ...*preflight.Constrained) preflight.RegionConstraints {
		return preflight.RegionConstraints{Region: region, Tables: tables}
	}
	users := func(unique []preflight.Unique, foreign ...preflight.Foreign) *preflight.Constrained {
		return &preflight.Constrained{Between: name("users"), Unique: unique, Foreign: foreign}
	}
	found := preflight.Differences([]preflight.RegionConstraints{
		region("eu", users([]preflight.Unique{{Name: "x", Columns: cols("a", "b")}, {Columns: cols("mail")}, {Columns: cols("nick")}, {Columns: cols("x"), Untold: "has a condition"}},
			preflight.Foreign{Columns: cols("p", "q"), Parent: name("sites"), Refers: []string{"a", "b"}}, preflight.Foreign{Columns: cols("boss"), Parent: name("users"), Refers: []string{"id"}}),
			&preflight.Constrained{Between: name("only_here"), Unique: []preflight.Unique{{Columns: cols("z")}}}),
		region("us", users([]preflight.Unique{{Name: "y", Columns: cols("b", "a")}, {Columns: cols("mail"), Untold: "is of an expression"}, {Columns: cols("nick"), NullsEqual: true}},
			preflight.Foreign{Columns: cols("q", "p"), Parent: name("sites"), Refers: []string{"b", "a"}}, preflight.Foreign{Columns: cols("boss"), Parent: name("users"), Refers: []string{"code"}})),
		region("ap", users([]preflight.Unique{{Name: "z", Columns: cols("b", "a")}, {Columns: cols("mail")}, {Columns: cols("nick")}},
			preflight.Foreign{Columns: cols("q", "p"), Parent: name("sites"), Refers: []string{"b", "a"}}, preflight.Foreign{Columns: cols("boss"), Parent: name("users"), Refers: []string{"id"}})),
	})
	const isnt, hidden, fix = "warning: isn't constrained alike in the regions: ", " only; a row that it hides there is shown in the others", " [add the constraint in the other regions, or drop it there]"
	want := []string{
		isnt + "foreign key (boss to code) of public.users is in us" + hidden + fix,
		isnt + "foreign key (boss to id) of public.users is in ap, eu" + hidden + fix,
		isnt + "unique key (mail) is in ap, eu" + hidden + fix,
		isnt + "unique key (nick) is in ap, eu" + hidden + fix,
		isnt + "unique key (nick) that counts NULLs as equal is in us" + hidden + fix,
	}
	if got := lines(found); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	computed := func(column, definition string) preflight.Unique {
		return preflight.Unique{Columns: []preflight.KeyColumn{{Name: column, Between: column}}, Computed: true, Definition: definition}
	}
	mapped := preflight.Unique{Columns: cols("mail"), Computed: true, Definition: `lower("local mail")`}
	found = preflight.Differences([]preflight.RegionConstraints{
		region("eu", users([]preflight.Unique{computed("mail", "lower(mail)"), computed("seat", "seat WHERE gone IS NULL"), computed("seat", "abs(seat)")})),
		region("us", users([]preflight.Unique{computed("mail", "upper(mail)"), computed("seat", "abs(seat)"), computed("seat", "seat WHERE gone IS NULL")})),
		region("ap", users([]preflight.Unique{mapped, computed("seat", "abs(seat)"), computed("seat", "seat WHERE gone IS NULL")})),
	})
	want = []string{"warning: isn't constrained alike in the regions: unique key computed from (mail) is lower(mail) in eu, upper(mail) in us; a row that it hides in one region may be shown in another" +
		" [define the key in the same way in every region; servers of different versions, or for columns of different types, may print the same definition differently]"}
	if got := lines(found); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if found[0].Object != "public.users" {
		t.Errorf("it's of %s", found[0].Object)
	}
}
