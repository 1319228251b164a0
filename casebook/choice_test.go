package casebook

import (
	"maps"
	"strings"
	"testing"

	"bridge/apply"

	"pgregory.net/rapid"
)

func text(s string) *string { return &s }

func TestChoice(t *testing.T) {
	columns := []Column{{Name: "id", Key: true}, {Name: "a"}, {Name: "b"}, {Name: "sum", Generated: true}}
	of := func(a, b string) Image { return Image{"id": text("1"), "a": text(a), "b": text(b), "sum": text("-")} }
	hole := of("x", "y")
	delete(hole, "b")
	gone := of("x", "y")
	gone["dropped"] = text("z")
	c := &Case{
		ID: 5, Result: &apply.RecordedResult{Exists: true, Image: of("1", "2")},
		Versions: []Version{
			{Origin: "eu/1", Seq: 1, Kind: "update", Image: of("3", "2")},
			{Origin: "ap/1", Seq: 1, Kind: "update", Image: hole},
			{Origin: "af/1", Seq: 1, Kind: "delete"},
			{Origin: "sa/1", Seq: 1, Kind: "update", Image: gone},
			{Origin: "us/1", Seq: 1, Kind: "update", Image: of("1", "2"), Won: true},
		},
	}
	for _, tc := range []struct {
		name   string
		choice Choice
		now    Image // nil is no row
		want   ChangeKind
		values Image
		err    string
	}{
		{"the winner changes nothing", Choice{Pick: "us"}, of("1", "2"), Nothing, nil, ""},
		{"only what differs is written", Choice{Pick: "eu"}, of("1", "2"), Update, Image{"a": text("3")}, ""},
		{"a column beside it", Choice{Pick: "eu", Set: Image{"b": nil}}, of("1", "2"), Update, Image{"a": text("3"), "b": nil}, ""},
		{"a column alone", Choice{Set: Image{"b": text("")}}, of("1", "2"), Update, Image{"b": text("")}, ""},
		{"a version with a hole, on a row", Choice{Pick: "ap"}, of("1", "2"), Update, Image{"a": text("x")}, ""},
		{"a version with a hole, without a row", Choice{Pick: "ap", Force: true}, nil, Nothing, nil, "lacks b"},
		{"the hole filled", Choice{Pick: "ap", Set: Image{"b": text("z")}, Force: true}, nil, Insert, Image{"id": text("1"), "a": text("x"), "b": text("z")}, ""},
		{"a row again", Choice{Pick: "eu", Force: true}, nil, Insert, Image{"id": text("1"), "a": text("3"), "b": text("2")}, ""},
		{"a version that removed it", Choice{Pick: "af"}, of("1", "2"), Delete, nil, ""},
		{"a column of no row", Choice{Pick: "af", Set: Image{"b": nil}}, of("1", "2"), Nothing, nil, "it's a delete"},
		{"a column without a row", Choice{Set: Image{"b": nil}, Force: true}, nil, Nothing, nil, "there's no row now"},
		{"a column that was dropped", Choice{Pick: "sa"}, of("1", "2"), Nothing, nil, `no column "dropped" any more`},
		{"a generated column", Choice{Set: Image{"sum": nil}}, of("1", "2"), Nothing, nil, "is generated"},
		{"a row that was changed", Choice{Pick: "eu"}, of("1", "9"), Nothing, nil, "changed since: b: look at it (bridge conflicts show 5)"},
		{"the same by force", Choice{Pick: "eu", Force: true}, of("1", "9"), Update, Image{"a": text("3"), "b": text("2")}, ""},
		{"a row that was deleted", Choice{Delete: true}, nil, Nothing, nil, "deleted since"},
		{"kept, whatever it is", Choice{Keep: true}, of("8", "9"), Nothing, nil, ""},
	} {
		row := &Row{Columns: columns, Values: tc.now}
		got, err := tc.choice.Change(c, row)
		if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: error %v, want %q", tc.name, err, tc.err)
		}
		if err == nil && (got.Kind != tc.want || !maps.EqualFunc(got.Values, tc.values, Same)) {
			t.Errorf("%s: %v %v", tc.name, got.Kind, got.Values)
		}
	}
}

func TestChoiceMeansOneThing(t *testing.T) {
	for _, tc := range []struct {
		c    Choice
		want string // "" is refused
	}{
		{Choice{}, ""},
		{Choice{Force: true}, ""},
		{Choice{Pick: "eu", Delete: true}, ""},
		{Choice{Set: Image{"a": nil}, Keep: true}, ""},
		{Choice{Delete: true, Keep: true}, ""},
		{Choice{Pick: "eu"}, "picked eu"},
		{Choice{Pick: "eu", Set: Image{"b": text("secret"), "a": nil}}, "picked eu, set a, b"},
		{Choice{Delete: true}, "deleted the row"},
		{Choice{Keep: true}, "kept the row"},
	} {
		if err := tc.c.Check(); (err == nil) != (tc.want != "") || err == nil && tc.c.String() != tc.want {
			t.Errorf("%+v: %q, %v", tc.c, tc.c.String(), err)
		}
	}
}

// Whatever is picked for whatever row, the change makes the row be that, and touches nothing else.
func TestChangeLeadsToTheVersion(t *testing.T) {
	columns := []Column{{Name: "id", Key: true}, {Name: "a"}, {Name: "b"}, {Name: "c"}}
	value := rapid.SampledFrom([]*string{nil, text(""), text("x"), text("y")})
	draw := func(t *rapid.T, label string) Image {
		image := Image{"id": text("1")}
		for _, name := range []string{"a", "b", "c"} {
			image[name] = value.Draw(t, label+name)
		}
		return image
	}
	rapid.Check(t, func(t *rapid.T) {
		now, want := draw(t, "now "), draw(t, "version ")
		if rapid.Bool().Draw(t, "no row") {
			now = nil
		}
		c := &Case{Versions: []Version{{Origin: "eu/1", Seq: 1, Kind: "update", Image: want}}}
		change, err := (&Choice{Pick: "eu", Force: true}).Change(c, &Row{Columns: columns, Values: maps.Clone(now)})
		if err != nil {
			t.Fatal(err)
		}
		became := maps.Clone(now)
		switch change.Kind {
		case Insert:
			became = change.Values
		case Update:
			for name, v := range change.Values {
				if Same(v, now[name]) {
					t.Errorf("column %s is written as it was", name)
				}
				became[name] = v
			}
		case Delete:
			became = nil
		}
		if !maps.EqualFunc(became, want, Same) {
			t.Errorf("became %v by %v %v", became, change.Kind, change.Values)
		}
	})
}
