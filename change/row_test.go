package change

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var users = NewTable(TableName{"public", "users"}, []Column{
	{Name: "region", Type: "text", Key: true},
	{Name: "note", Type: "text"},
	{Name: "id", Type: "numeric", Key: true},
}, false)

func TestKeyOfRefusesRowsWithoutAName(t *testing.T) {
	none := NewTable(TableName{"public", "log"}, []Column{{Name: "line", Type: "text"}}, false)
	for _, tc := range []struct {
		name  string
		table *Table
		image Image
		want  string
	}{
		{"no key", none, Image{Text("x")}, "public.log has no key"},
		{"null", users, Image{Text("eu"), Null, Null}, `column "id" is NULL`},
		{"absent", users, Image{Absent, Null, Text("1")}, `column "region" is NULL or absent`},
		{"short", users, Image{Text("eu")}, `lacks key column "id"`},
	} {
		if _, err := KeyOf(tc.table, tc.image, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.name, err, tc.want)
		}
	}
}

func TestKeyOfNormalizes(t *testing.T) {
	cut := func(s string) string { return strings.TrimRight(strings.TrimRight(s, "0"), ".") }
	a, errA := KeyOf(users, Image{Text("eu"), Null, Text("1.00")}, []Normalize{nil, nil, cut})
	b, errB := KeyOf(users, Image{Text("eu"), Text("x"), Text("1")}, []Normalize{nil, nil, cut})
	if errA != nil || errB != nil || a != b {
		t.Errorf("%v %v differ (%v, %v)", a, b, errA, errB)
	}
	if a.String() != "public.users (eu, 1)" {
		t.Errorf("String() = %q", a)
	}
}

// Keys must be injective: two rows that share a Key would be one row to bridge.
func TestKeyIsInjectiveAndReadable(t *testing.T) {
	value := rapid.OneOf(rapid.SampledFrom([]string{"", "\x00", "\x01a", "a", strings.Repeat("z", 128)}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		u := []string{value.Draw(t, "u0"), value.Draw(t, "u1")}
		v := []string{value.Draw(t, "v0"), value.Draw(t, "v1")}
		ku, err := KeyOf(users, Image{Text(u[0]), Absent, Text(u[1])}, nil)
		if err != nil || ku.Row == "" {
			t.Fatalf("key %v: %v", ku, err)
		}
		kv, _ := KeyOf(users, Image{Text(v[0]), Null, Text(v[1])}, nil)
		if (ku == kv) != slices.Equal(u, v) {
			t.Fatalf("%q and %q: equal keys %v", u, v, ku == kv)
		}
		if back, ok := ku.Values(); !ok || !slices.Equal(back, u) {
			t.Fatalf("%q came back as %q %v", u, back, ok)
		}
	})
}

func FuzzKeyValues(f *testing.F) {
	f.Add("\x02eu\x011")
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Add("\x80\x00")
	f.Fuzz(func(t *testing.T, row string) {
		k := Key{TableName{"s", "t"}, row}
		v, ok := k.Values()
		if !ok || row == "" {
			_ = k.String()
			return
		}
		columns, image := make([]Column, len(v)), make(Image, len(v))
		for i := range v {
			columns[i], image[i] = Column{Name: "c", Type: "text", Key: true}, Text(v[i])
		}
		if again, err := KeyOf(NewTable(k.Table, columns, false), image, nil); err != nil || again != k {
			t.Errorf("%q taken apart as %q, put together as %q, %v", row, v, again.Row, err)
		}
	})
}

func TestFingerprintTellsDefinitionsApart(t *testing.T) {
	cols := func(c ...Column) []Column { return c }
	name := TableName{"public", "t"}
	tables := []*Table{
		NewTable(name, cols(Column{"a", "int", true}), false),
		NewTable(name, cols(Column{"a", "int", true}), true),
		NewTable(name, cols(Column{"a", "int", true}), false).On("mysql"),
		NewTable(name, cols(Column{"a", "int", true}), false).On("mariadb"),
		NewTable(name, cols(Column{"a", "int", false}), false),
		NewTable(name, cols(Column{"a", "text", true}), false),
		NewTable(name, cols(Column{"ai", "nt", true}), false),
		NewTable(name, cols(Column{"a", "int", true}, Column{"b", "int", false}), false),
		NewTable(name, cols(Column{"b", "int", false}, Column{"a", "int", true}), false),
		NewTable(TableName{"publi", "ct"}, cols(Column{"a", "int", true}), false),
		NewTable(name, cols(Column{"a", "int", true}, Column{"b", "key", false}), false),
		NewTable(name, cols(Column{"a", "int", false}, Column{"key", "b", true}), false),
	}
	for i, a := range tables {
		for j, b := range tables {
			if (a.Fingerprint() == b.Fingerprint()) != (i == j) {
				t.Errorf("tables %d and %d: fingerprints %x %x", i, j, a.Fingerprint(), b.Fingerprint())
			}
		}
	}
	same := NewTable(name, cols(Column{"a", "int", true}), false)
	if same.Fingerprint() != tables[0].Fingerprint() {
		t.Error("equal definitions differ")
	}
}

func TestImageOver(t *testing.T) {
	x, y := Text("x"), Text("y")
	for _, tc := range []struct {
		name          string
		r, base, want Image
	}{
		{"complete stays", Image{x, Null}, Image{y, y}, Image{x, Null}},
		{"absent is filled", Image{x, Absent}, Image{y, y}, Image{x, y}},
		{"null isn't absent", Image{Null, Absent}, Image{y, Null}, Image{Null, Null}},
		{"no base", Image{Absent, x}, nil, Image{Absent, x}},
		{"short base", Image{Absent, Absent}, Image{y}, Image{y, Absent}},
	} {
		before := slices.Clone(tc.r)
		if got := tc.r.Over(tc.base); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
		if !slices.Equal(tc.r, before) {
			t.Errorf("%s: the receiver was changed", tc.name)
		}
	}
}

func TestZeroValuesMeanNothing(t *testing.T) {
	var v Value
	if !v.IsAbsent() || v.IsNull() || v == Text("") || v == Null {
		t.Error("the zero Value must be Absent")
	}
	if s, ok := Text("").Text(); s != "" || !ok {
		t.Error("an empty text is a value")
	}
	if Kind(0).String() != "kind 0" {
		t.Errorf("kind 0 is called %q", Kind(0))
	}
}
