package naming

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bridge/change"
)

func name(s string) change.TableName {
	schema, table, _ := strings.Cut(s, ".")
	return change.TableName{Schema: schema, Name: table}
}

// example is a MySQL region whose database shop is the others' public, with one table moved and renamed.
func example(t *testing.T) Names {
	n, err := New(Rules{
		Schemas: map[string]string{"shop": "public", "public": "rest"},
		Tables: []Table{
			{Local: name("shop.usr"), Stream: name("auth.users"), Columns: map[string]string{"nm": "name"}},
			{Local: name("shop.item"), Columns: map[string]string{"a": "b", "b": "a"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNames(t *testing.T) {
	n := example(t)
	for _, tc := range []struct{ local, stream string }{
		{"shop.orders", "public.orders"}, {"public.orders", "rest.orders"}, {"other.t", "other.t"},
		{"shop.usr", "auth.users"}, {"shop.item", "public.item"}, {"auth.other", "auth.other"},
	} {
		stream, err := n.Stream(name(tc.local))
		local, back := n.Local(name(tc.stream))
		if err != nil || back != nil || stream != name(tc.stream) || local != name(tc.local) {
			t.Errorf("%s: %v (%v), back %v (%v); want %s", tc.local, stream, err, local, back, tc.stream)
		}
	}
	for _, local := range []string{"rest.orders", "auth.users"} {
		if stream, err := n.Stream(name(local)); err == nil {
			t.Errorf("%s got the name %s, which is another's", local, stream)
		}
	}
	for _, stream := range []string{"shop.orders", "public.usr"} {
		if local, err := n.Local(name(stream)); err == nil {
			t.Errorf("%s is said to be %s here, which has another name in the streams", stream, local)
		}
	}
}

func TestTables(t *testing.T) {
	n := example(t)
	local := change.NewTable(name("shop.item"), []change.Column{{Name: "id", Type: "int", Key: true}, {Name: "a", Type: "int"}, {Name: "b", Type: "text"}}, true).On("mysql")
	stream, err := n.StreamTable(local)
	if err != nil {
		t.Fatal(err)
	}
	want := change.NewTable(name("public.item"), []change.Column{{Name: "id", Type: "int", Key: true}, {Name: "b", Type: "int"}, {Name: "a", Type: "text"}}, true).On("mysql")
	if stream.Fingerprint() != want.Fingerprint() {
		t.Errorf("got %+v", stream)
	}
	back, err := n.LocalTable(stream)
	if err != nil || back.Fingerprint() != local.Fingerprint() {
		t.Errorf("back: %+v %v", back, err)
	}
	taken := change.NewTable(name("shop.usr"), []change.Column{{Name: "nm", Type: "int", Key: true}, {Name: "name", Type: "int"}}, true)
	if _, err := n.StreamTable(taken); err == nil {
		t.Error("two columns got the same name")
	}
	if same, err := (Names{}).StreamTable(local); same != local || err != nil {
		t.Errorf("the zero Names made %v, %v", same, err)
	}
}

func TestContradictions(t *testing.T) {
	for _, tc := range []struct {
		why   string
		rules Rules
	}{
		{"schemas", Rules{Schemas: map[string]string{"a": "x", "b": "x"}}},
		{"empty", Rules{Schemas: map[string]string{"a": ""}}},
		{"bridge's own", Rules{Schemas: map[string]string{"a": "bridge"}}},
		{"two rules", Rules{Tables: []Table{{Local: name("a.t"), Stream: name("b.t")}, {Local: name("a.t"), Stream: name("c.t")}}}},
		{"same name", Rules{Tables: []Table{{Local: name("a.t"), Stream: name("x.t")}, {Local: name("b.t"), Stream: name("x.t")}}}},
		{"columns", Rules{Tables: []Table{{Local: name("a.t"), Columns: map[string]string{"c": "x", "d": "x"}}}}},
	} {
		if _, err := New(tc.rules); err == nil || !strings.Contains(err.Error(), tc.why) {
			t.Errorf("%s: %v", tc.why, err)
		}
	}
}

// TestOneToOne: whatever the rules, names that are mapped at all come back as they were, and no two become one.
func TestOneToOne(t *testing.T) {
	letter := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) change.TableName {
			return change.TableName{Schema: letter.Draw(t, label), Name: letter.Draw(t, label)}
		}
		r := Rules{Schemas: rapid.MapOf(letter, letter).Draw(t, "schemas")}
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			r.Tables = append(r.Tables, Table{Local: draw("local"), Stream: draw("stream"), Columns: rapid.MapOf(letter, letter).Draw(t, "columns")})
		}
		n, err := New(r)
		if err != nil {
			return
		}
		local := draw("name")
		if stream, err := n.Stream(local); err == nil {
			if back, err := n.Local(stream); err != nil || back != local {
				t.Fatalf("%s became %s, and that %s (%v)", local, stream, back, err)
			}
		}
		if mine, err := n.Local(local); err == nil {
			if again, err := n.Stream(mine); err != nil || again != local {
				t.Fatalf("%s is %s here, and that %s (%v)", local, mine, again, err)
			}
		}
		column := letter.Draw(t, "column")
		if stream, err := n.StreamColumn(local, column); err == nil {
			if back, err := n.LocalColumn(local, stream); err != nil || back != column {
				t.Fatalf("column %s became %s, and that %s (%v)", column, stream, back, err)
			}
		}
	})
}
