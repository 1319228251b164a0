package conflict_test

import (
	"slices"
	"strings"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// write is one operation on a cart by a region that has seen nothing.
func write(region string, at change.Timestamp, kind change.Kind) history.Entry {
	row := func(x string) change.Image {
		image := make(change.Image, len(cart.Columns))
		for c := range image {
			image[c] = change.Null
		}
		image[0], image[1] = change.Text("1"), change.Text(x)
		return image
	}
	e := history.Entry{Tag: &change.Tag{Dot: change.Dot{Origin: change.NewOrigin(region, 1), Seq: 1}, Time: at}, Kind: kind, Table: cart}
	if kind != change.Insert {
		e.Old = row("a")
	}
	if kind != change.Delete {
		e.Image = row("a")
		e.Image[10] = change.Text("of " + region)
	}
	return e
}

// TestExplainedCases: what the words say of a delete beside another operation is what the rule does.
func TestExplainedCases(t *testing.T) {
	for name, rule := range ruleSet() {
		for _, c := range rule.Explain(cart, []string{"a", "b"}).Cases {
			kind, other, _ := strings.Cut(c.Conflict, " / ")
			if other != "delete" || kind == "delete" {
				continue
			}
			for _, regions := range [][2]string{{"a", "b"}, {"b", "a"}} {
				for _, deletesFirst := range []bool{true, false} {
					removal, writing := write(regions[0], 1, change.Delete), write(regions[1], 2, map[string]change.Kind{"insert": change.Insert, "update": change.Update}[kind])
					if !deletesFirst {
						removal.Tag.Time = 3
					}
					ops := history.Row{}.Insert(removal).Insert(writing)
					want := deletesFirst // that the row is there
					switch subject, _, _ := strings.Cut(c.Text, " wins"); subject {
					case "The delete":
						want = false
					case "The " + kind:
						want = true
					case "The later one":
					case "The earlier one":
						want = !want
					case "The better region's": // b before a
						want = regions[1] == "b"
					case "The home region's": // a is at home
						want = regions[1] == "a"
					default:
						t.Fatalf("%s, %s: %s", name, c.Conflict, c.Text)
					}
					if o := rule.Replay(ops, conflict.Base{Table: cart, Image: removal.Old}); o.Exists != want {
						t.Errorf("%s, %s by %v, delete first: %v: the row is there: %v; the words: %s", name, c.Conflict, regions, deletesFirst, o.Exists, c.Text)
					}
				}
			}
		}
	}
}

// TestRowExample: which region's row stands in the example of two updates.
func TestRowExample(t *testing.T) {
	for name, rule := range ruleSet() {
		text := rule.Explain(cart, []string{"a", "b"}).Cases[1].Text
		_, example, found := strings.Cut(text, "So when a sets x and then, before it has seen that, b sets n, the row has the ")
		if !found {
			if rule.Columns == nil && rule.Order != conflict.ByHome {
				t.Errorf("%s: no example in %q", name, text)
			}
			continue
		}
		o := rule.Replay(history.Row{write("a", 1, change.Update), write("b", 2, change.Update)}, conflict.Base{})
		want := map[string]string{"a": "x that a set and the n that it had there.", "b": "n that b set and the x that it had there."}
		if w := o.Winner.Tag.Dot.Origin.Region(); example != want[w] {
			t.Errorf("%s: %s's row stands, and the example says %q", name, w, example)
		}
	}
}

// TestExplainedColumns: each way to merge has words and an example, which is the rule's own doing.
func TestExplainedColumns(t *testing.T) {
	rule := &conflict.Rule{Columns: columns(), Groups: [][]string{{"street", "city"}}}
	want := map[string]string{
		"x":    "last_write_wins: old, first, second: second",
		"n":    "counter: 10, 13, 8: 11",
		"top":  "max: 10, 15, 12: 15",
		"low":  "min: 10, 5, 8: 5",
		"tags": "set: {1,2}, {1,2,3}, {2}: {2,3}",
		"doc":  `map: {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 1, "c": 3}: {"a":2,"b":1,"c":3}`,
		"log":  "append: one, one, two, one, three: one, two, three",
		"list": "append: 1, 1,2, 1,3: 1,2,3",
	}
	for _, w := range rule.Explain(cart, nil).Columns {
		e := w.Example
		if w.Text == "" || w.Problem != "" || e == nil {
			t.Errorf("%+v", w)
			continue
		}
		got := w.Merge + ": " + strings.Join([]string{e.Before, e.First, e.Second}, ", ") + ": " + e.After
		if want[w.Column] != "" && got != want[w.Column] {
			t.Errorf("%s: %s, want %s", w.Column, got, want[w.Column])
		}
		if w.Column == "street" && !strings.Contains(w.Text, "goes with city") {
			t.Errorf("street: %s", w.Text)
		}
	}
	bad := &conflict.Rule{Columns: map[string]conflict.Column{"x": {Merge: conflict.Counter}, "low": {Merge: conflict.Set}}}
	var problems []string
	for _, w := range bad.Explain(cart, nil).Columns {
		if w.Problem != "" {
			problems = append(problems, w.Column)
		}
	}
	if !slices.Equal(problems, []string{"x", "low"}) {
		t.Errorf("problems of %v", problems)
	}
}
