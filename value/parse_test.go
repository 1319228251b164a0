package value

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDeclared(t *testing.T) {
	for _, tc := range []struct {
		engine      Engine
		declaration string
		want        Type
		text        string // when it isn't the declaration
	}{
		{Postgres, "character varying(10)", Type{Name: "character varying", Class: Text, Length: 10}, ""},
		{Postgres, "character varying", Type{Name: "character varying", Class: Text}, ""},
		{Postgres, "character(3)", Type{Name: "bpchar", Class: Text, Length: 3, Fixed: true}, "bpchar(3)"},
		{Postgres, "bpchar", Type{Name: "bpchar", Class: Text, Fixed: true}, ""},
		{Postgres, "numeric(10,2)", Type{Name: "numeric", Class: Decimal, Precision: 10, Scale: 2}, ""},
		{Postgres, "numeric(3,-2)", Type{Name: "numeric", Class: Decimal, Precision: 3, Scale: -2}, ""},
		{Postgres, "timestamp(3) with time zone", Type{Name: "timestamp with time zone", Class: Instant, Fraction: 3}, ""},
		{Postgres, "time(0) without time zone", Type{Name: "time without time zone", Class: Time}, ""},
		{Postgres, "bit(8)", Type{Name: "bit", Class: BitString, Length: 8, Fixed: true}, ""},
		{Postgres, "integer[]", Type{Name: "integer[]", Class: Array, Element: &Type{Engine: Postgres, Name: "integer", Class: Integer, Bits: 32, Declared: true}}, ""},
		{Postgres, "public.mood", Type{Name: "public.mood", Class: Opaque}, ""},
		{Postgres, `"My Schema"."T(1)"`, Type{Name: `"My Schema"."T(1)"`, Class: Opaque}, ""},
		{Postgres, "public.geometry(Point,4326)", Type{Name: "public.geometry", Class: Opaque}, "public.geometry"},
		{MySQL, "int(11) unsigned zerofill", Type{Name: "int unsigned", Class: Integer, Bits: 32, Unsigned: true}, "int unsigned"},
		{MySQL, "tinyint(1)", Type{Name: "tinyint", Class: Integer, Bits: 8}, "tinyint"},
		{MySQL, "decimal(10,2) unsigned", Type{Name: "decimal unsigned", Class: Decimal, Precision: 10, Scale: 2, Unsigned: true}, ""},
		{MySQL, "datetime", Type{Name: "datetime", Class: DateTime}, ""},
		{MySQL, "timestamp(6)", Type{Name: "timestamp", Class: Instant, Fraction: 6}, ""},
		{MySQL, "float(7,4)", Type{Name: "float", Class: Float, Bits: 32, Precision: 7, Scale: 4}, ""},
		{MySQL, "enum('a','it''s','x,y)')", Type{Name: "enum", Class: Enum, Labels: []string{"a", "it's", "x,y)"}}, "enum"},
		{MySQL, "set('\"','b')", Type{Name: "set", Class: Set, Labels: []string{`"`, "b"}}, "set"},
		{MySQL, "char", Type{Name: "char", Class: Text, Length: 1, Fixed: true}, "char(1)"},
		{MariaDB, "uuid", Type{Name: "uuid", Class: UUID}, ""},
		{MariaDB, "text /*M!100301 COMPRESSED*/", Type{Name: "text", Class: Text, MaxBytes: 65535}, "text"},
		{MariaDB, "varchar(20)", Type{Name: "varchar", Class: Text, Length: 20}, ""},
		{MySQL, "varchar(20) collate latin1_german1_ci", Type{Name: "varchar", Class: Text, Length: 20, Charset: "latin1", Collation: "latin1_german1_ci"}, "varchar(20)"},
		{MySQL, "enum('x collate y')", Type{Name: "enum", Class: Enum, Labels: []string{"x collate y"}}, "enum"},
	} {
		got, err := Declared(tc.engine, tc.declaration)
		tc.want.Engine, tc.want.Declared = tc.engine, true
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s %s: %+v, %v; want %+v", tc.engine, tc.declaration, got, err, tc.want)
		}
		if tc.text == "" {
			tc.text = tc.declaration
		}
		if got.String() != tc.text {
			t.Errorf("%s %s reads %q", tc.engine, tc.declaration, got)
		}
	}
}

func TestUnknownTypesAreRefused(t *testing.T) {
	for _, tc := range []struct {
		engine      Engine
		declaration string
	}{
		{MySQL, "uuid"}, {MySQL, "jsonb"}, {MySQL, ""}, {MariaDB, "hologram"}, {"oracle", "number"}, {MySQL, "decimal(10"}, {MySQL, "decimal(a,2)"}, {MySQL, "enum('a)"},
		{MySQL, "datetime(9)"}, {Postgres, "integer[][]"}, {"", ""},
	} {
		if got, err := Declared(tc.engine, tc.declaration); err == nil {
			t.Errorf("%s %q is read as %+v", tc.engine, tc.declaration, got)
		}
	}
	if _, err := OnWire(MySQL, "varchar(10)"); err == nil {
		t.Error("a type on the wire has modifiers")
	}
}

func TestOnWireWithoutEngine(t *testing.T) {
	for name, want := range map[string]Type{
		"integer": {Engine: Postgres, Class: Integer}, "int unsigned": {Engine: MySQL, Class: Integer}, "bigint": {Class: Integer}, "text": {Class: Text}, "inet6": {Engine: MariaDB, Class: Inet},
		`"bit"`: {Engine: Postgres, Class: BitString}, "public.mood": {Engine: Postgres, Class: Opaque}, "integer[]": {Engine: Postgres, Class: Array}, "uuid": {Class: UUID}, "date": {Class: Date},
		"datetime": {Engine: MySQL, Class: DateTime},
	} {
		if got, err := OnWire("", name); err != nil || got.Engine != want.Engine || got.Class != want.Class {
			t.Errorf("%s: %q %s, %v; want %q %s", name, got.Engine, got.Class, err, want.Engine, want.Class)
		}
	}
	// What's known of neither engine is held to what both may send.
	p, err := NewPlan(typeOf(t, "wire - text"), typeOf(t, "postgres text"), RefuseValue)
	if got := outcome(t, p, "a\x00"); err != nil || !strings.HasPrefix(got, "!the character U+0000") {
		t.Errorf("text of an unknown engine with NUL became %q, %v", got, err)
	}
	p, err = NewPlan(typeOf(t, "wire - date"), typeOf(t, "mysql date"), RefuseValue)
	if got := outcome(t, p, "infinity"); err != nil || !strings.HasPrefix(got, "!infinity") {
		t.Errorf("a date of an unknown engine became %q, %v", got, err)
	}
}

// Within an engine texts go through untouched, at no cost.
func TestIdentity(t *testing.T) {
	for _, name := range columns {
		typ := typeOf(t, name)
		if p, err := NewPlan(typ, typ, RefuseValue); err != nil || p != nil && typ.Declared {
			t.Errorf("%s to itself: %v, %v", name, p.Limits(), err)
		}
		if typ.Labels != nil && typ.Engine == Postgres {
			continue
		}
		wire, err := OnWire(typ.Engine, typ.Name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewPlan(wire, typ, RefuseValue)
		if err != nil {
			t.Errorf("%s from its record: %v", name, err)
		}
		rapid.Check(t, func(t *rapid.T) { // what the column has fits the column
			text := drawText(t, typ)
			if v, err := p.Apply(text); err != nil {
				t.Fatalf("%s: %q doesn't fit: %v", name, text, err)
			} else if got, _ := v.Text(); got != text {
				t.Fatalf("%s: %q became %q", name, text, got)
			}
		})
	}
	for _, tc := range [][2]string{{"postgres integer", "mysql int"}, {"mysql int", "mariadb bigint"}, {"mysql int unsigned", "postgres bigint"}, {"mysql varchar(10)", "mariadb varchar(10)"}, {"mysql json", "mysql json"}} {
		if p, err := NewPlan(typeOf(t, tc[0]), typeOf(t, tc[1]), RefuseValue); p != nil || err != nil {
			t.Errorf("%v isn't the identity: %v, %v", tc, p.Limits(), err)
		}
	}
}

func TestMismatches(t *testing.T) {
	for _, tc := range [][2]string{
		{"postgres integer", "mysql varchar(10)"}, {"mysql geometry", "postgres bytea"}, {"mysql point", "postgres point"}, {"postgres jsonb", "mysql int"}, {"mysql vector(3)", "postgres text"},
		{"postgres date", "mysql datetime"}, {"postgres public.hstore", "postgres public.ltree"}, {"postgres uuid", "mysql char(31)"}, {"postgres uuid", "mysql binary(20)"},
		{"mysql set('a')", "postgres integer[]"}, {"postgres text", "mysql varchar(10) COLLATE swe7_bin"}, {"mysql bit(8)", "postgres bit(9)"}, {"mysql bit(8)", "postgres boolean"},
		{"postgres bytea", "mysql text"}, {"postgres integer[]", "postgres bigint[]"},
	} {
		if p, err := NewPlan(typeOf(t, tc[0]), typeOf(t, tc[1]), RefuseValue); !errors.Is(err, ErrMismatch) {
			t.Errorf("%v: %v, %v", tc, p.Limits(), err)
		}
	}
}

func TestTextPolicyHoldsEveryValue(t *testing.T) {
	for _, tc := range []struct{ own, text string }{
		{"postgres numeric", "NaN"}, {"postgres date", "infinity"}, {"mysql date", "2024-00-00"}, {"mysql datetime(6)", "0000-00-00 00:00:00"}, {"postgres boolean", "t"},
		{"postgres bytea", `\x00`}, {"mysql bit(8)", "00000001"}, {"mysql year", "0000"}, {"postgres double precision", "1e+300"},
	} {
		own := typeOf(t, tc.own)
		for _, column := range []string{"mysql varchar(100)", "postgres text"} {
			there, err := NewPlan(own, typeOf(t, column), TextValue)
			if err != nil {
				t.Errorf("%s -> %s: %v", tc.own, column, err)
				continue
			}
			back, err := NewPlan(typeOf(t, column), own, TextValue)
			if got := outcome(t, there, tc.text); got != tc.text || err != nil || outcome(t, back, got) != tc.text {
				t.Errorf("%s -> %s: %q became %q, %v", tc.own, column, tc.text, got, err)
			}
			if got := outcome(t, back, "nonsense"); !strings.HasPrefix(got, "!text that isn't of type") {
				t.Errorf("%s -> %s: nonsense became %q", column, tc.own, got)
			}
		}
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	for _, row := range rows {
		p, err := NewPlan(typeOf(t, row.from), typeOf(t, row.to), RefuseValue)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range row.values {
			const secret = "4711-secret"
			if _, err := p.Apply(secret + v.text); err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: the error has the value in it: %v", p, err)
			}
		}
	}
}

func TestParsePolicy(t *testing.T) {
	for _, p := range []Policy{RefuseValue, NullValue, ClampValue, TextValue} {
		if got, err := ParsePolicy(p.String()); got != p || err != nil {
			t.Errorf("%s: %s, %v", p, got, err)
		}
	}
	if p, err := ParsePolicy(""); p != RefuseValue || err != nil {
		t.Error("error isn't the default")
	}
	if _, err := ParsePolicy("ignore"); err == nil {
		t.Error("ignore is a policy")
	}
}
