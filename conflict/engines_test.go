package conflict_test

import (
	"encoding/json"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/value"

	"pgregory.net/rapid"
)

// merged is what two concurrent updates make of a column of a type.
func merged(t rapid.TB, c conflict.Column, typeName, before, first, second string) string {
	table := change.NewTable(cart.TableName, []change.Column{{Name: "c", Type: typeName}}, true)
	image := func(text string) change.Image { return change.Image{change.Text(text)} }
	update := func(origin change.Origin, at change.Timestamp, after string) history.Entry {
		return history.Entry{Tag: &change.Tag{Dot: change.Dot{Origin: origin, Seq: 1}, Time: at}, Kind: change.Update, Table: table, Old: image(before), Image: image(after)}
	}
	rule := &conflict.Rule{Columns: map[string]conflict.Column{"c": c}}
	o := rule.Replay(history.Row{update("a/1", 1, first), update("b/1", 2, second)}, conflict.Base{Table: table, Image: image(before)})
	text, ok := o.Image[0].Text()
	if !ok {
		t.Fatalf("%s: %q, %q and %q come to no value", typeName, before, first, second)
	}
	return text
}

// TestListsAcrossEngines: where one region has an array and another the JSON that the array becomes there, both merge it to
// the same list, in the same order.
func TestListsAcrossEngines(t *testing.T) {
	typeOf := func(engine value.Engine, declaration string) value.Type {
		typ, err := value.Declared(engine, declaration)
		if err != nil {
			t.Fatal(err)
		}
		return typ
	}
	array, document := typeOf(value.Postgres, "text[]"), typeOf(value.MySQL, "json")
	toArray, err := value.NewPlan(document, array, value.RefuseValue)
	if err != nil {
		t.Fatal(err)
	}
	element := rapid.SampledFrom([]string{"", "a", "A", "b", "a b", `"`, `\`, `a"`, "a,b", "{", "}", "NULL", "null", "10", "9", "ä", "~", "!", "\n", "é\\\""})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (asJSON, asArray string) {
			elements := rapid.SliceOfN(element, 0, 6).Draw(t, label)
			text, err := json.Marshal(append([]string{}, elements...))
			if err != nil {
				t.Fatal(err)
			}
			v, err := toArray.Apply(string(text))
			if err != nil {
				t.Fatal(err)
			}
			asArray, _ = v.Text()
			return string(text), asArray
		}
		j0, a0 := draw("before")
		j1, a1 := draw("first")
		j2, a2 := draw("second")
		for _, m := range []conflict.Merge{conflict.Set, conflict.Append} {
			c := conflict.Column{Merge: m}
			inJSON := merged(t, c, "json", j0, j1, j2)
			want, err := toArray.Apply(inJSON)
			if err != nil {
				t.Fatal(err)
			}
			if got := merged(t, c, "text[]", a0, a1, a2); change.Text(got) != want {
				t.Fatalf("%s: the array is %s, the JSON %s", m, got, inJSON)
			}
		}
	})
}

// TestNumbersAcrossEngines: jsonb keeps a number's zeros, and MySQL doesn't: they're one number to a set and to a map.
func TestNumbersAcrossEngines(t *testing.T) {
	for _, tc := range []struct{ merge, before, first, second, want string }{
		{"set", "[1.50, 2]", "[1.5, 2, 3]", "[2.0]", "[2, 3]"},
		{"set", "[100, -0.0]", "[1e2, 0, 4]", "[1.0E+2, 5, 0]", "[0, 100, 4, 5]"},
		{"set", "[]", "[12345678901234567890.10, 1e-3]", "[0.0010]", "[0.001, 12345678901234567890.1]"},
		{"set", "[1e999]", "[1e999, 1]", "[]", "[1]"},
		{"map", `{"a": 1.0, "b": {"c": 2.50}}`, `{"a": 1, "b": {"c": 2.5}, "d": 1}`, `{"a": 1.00, "b": {"c": 3}}`, `{"a":1,"b":{"c":3},"d":1}`},
	} {
		m, _ := conflict.ParseMerge(tc.merge)
		if got := merged(t, conflict.Column{Merge: m}, "json", tc.before, tc.first, tc.second); got != tc.want {
			t.Errorf("%s of %s: %s and %s come to %s, want %s", tc.merge, tc.before, tc.first, tc.second, got, tc.want)
		}
	}
}
