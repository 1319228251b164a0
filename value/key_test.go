package value

import (
	"errors"
	"testing"

	"bridge/internal/postgres"

	"pgregory.net/rapid"
)

func TestKeyForm(t *testing.T) {
	const uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
	for _, tc := range []struct {
		types []string // the same column in each region
		texts []string // the same value in each region
		want  string
	}{
		{[]string{"postgres numeric", "mysql decimal(10,2)", "mariadb bigint"}, []string{"1.0", "1.00", "1"}, "1"},
		{[]string{"postgres numeric(20,0)", "mysql bigint unsigned"}, []string{"18446744073709551615", "18446744073709551615"}, "18446744073709551615"},
		{[]string{"postgres smallint", "mysql year"}, []string{"0", "0000"}, "0"},
		{[]string{"postgres boolean", "mysql tinyint(1)", "mariadb decimal(3,1)"}, []string{"t", "1", "1.0"}, "t"},
		{[]string{"mysql tinyint(1)", "mariadb tinyint(1)"}, []string{"1", "1"}, "1"},
		{[]string{"postgres double precision", "mysql double"}, []string{"1000000", "1e+06"}, "1000000"},
		{[]string{"postgres real", "mysql float"}, []string{"-0", "0"}, "0"},
		{[]string{"postgres uuid", "mysql char(36) COLLATE utf8mb4_0900_ai_ci", "mariadb uuid", "mysql binary(16)"},
			[]string{uuid, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", uuid, `\xa0eebc999c0b4ef8bb6d6bb9bd380a11`}, uuid},
		{[]string{"postgres uuid", "mysql char(32)"}, []string{uuid, "a0eebc999c0b4ef8bb6d6bb9bd380a11"}, uuid},
		{[]string{"postgres timestamp with time zone", "mysql datetime(6)", "mariadb timestamp(6)"}, []string{"2024-01-02 03:04:05.5+00", "2024-01-02 03:04:05.5", "2024-01-02 03:04:05.5+00"}, "2024-01-02 03:04:05.5+00"},
		{[]string{"postgres timestamp without time zone", "mysql timestamp(6)"}, []string{"2024-01-02 03:04:05", "2024-01-02 03:04:05+00"}, "2024-01-02 03:04:05"},
		{[]string{"mariadb datetime", "mysql timestamp(6)"}, []string{"2024-01-02 03:04:05", "2024-01-02 03:04:05+00"}, "2024-01-02 03:04:05+00"},
		{[]string{"postgres time without time zone", "mysql time(6)"}, []string{"03:04:05", "03:04:05"}, "03:04:05"},
		{[]string{"postgres date", "mysql date"}, []string{"2024-01-02", "2024-01-02"}, "2024-01-02"},
		{[]string{"postgres bytea", "mysql varbinary(10)"}, []string{`\x00`, `\x00`}, `\x00`},
		{[]string{"postgres text", "mysql varchar(10) COLLATE utf8mb4_0900_bin", "mariadb varchar(10) COLLATE utf8mb4_nopad_bin", "mysql char(10) COLLATE utf8mb4_bin"}, []string{"a", "a", "a", "a"}, "a"},
		{[]string{"postgres character(3)", "mysql varchar(3) COLLATE utf8mb4_bin", "mysql char(3) COLLATE utf8mb4_bin"}, []string{"a  ", "a ", "a"}, "a"},
		{[]string{"mysql varchar(3) COLLATE latin1_bin", "mariadb varchar(3) COLLATE utf8mb4_bin"}, []string{"a ", "a"}, "a"},
		{[]string{"postgres public.mood LABELS a,b", "mysql enum('a','b')"}, []string{"a", "a"}, "a"},
		{[]string{"postgres inet", "mysql varchar(43)", "mariadb inet6"}, []string{"::1", "::1", "::1"}, "::1"},
	} {
		types := make([]Type, len(tc.types))
		for i, s := range tc.types {
			types[i] = typeOf(t, s)
		}
		for i := range types {
			form, err := KeyForm(types[i], append(types[:i:i], types[i+1:]...)...)
			if err != nil {
				t.Errorf("%v: %v", tc.types, err)
				continue
			}
			got := tc.texts[i]
			if form != nil {
				got = form(got)
			}
			if got != tc.want {
				t.Errorf("%s among %v: %q became %q, want %q", tc.types[i], tc.types, tc.texts[i], got, tc.want)
			}
		}
	}
}

func TestKeyFormRefuses(t *testing.T) {
	for _, tc := range []struct {
		own, peer string
		is        error
	}{
		{"postgres text", "mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", ErrCollation},
		{"mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", "postgres text", ErrCollation},
		{"mysql varchar(10)", "postgres text", ErrCollation},
		{"postgres text", "mysql varchar(10) COLLATE utf8mb4_bin", ErrCollation}, // 'a ' is 'a' there
		{"postgres jsonb", "mysql json", nil},
		{"postgres text[]", "mysql json", nil},
		{"postgres interval", "mysql time", nil},
		{"postgres public.hstore", "mysql text", nil},
		{"postgres integer", "mysql varchar(10) COLLATE utf8mb4_0900_bin", ErrMismatch},
		{"postgres bytea", "mysql char(16)", ErrMismatch},
		{"postgres real", "mysql decimal(10,2)", ErrMismatch},
		{"postgres real", "mysql double", ErrMismatch},
	} {
		_, err := KeyForm(typeOf(t, tc.own), typeOf(t, tc.peer))
		if err == nil || tc.is != nil && !errors.Is(err, tc.is) {
			t.Errorf("%s with %s: error %v, want %v", tc.own, tc.peer, err, tc.is)
		}
	}
}

// A key keeps its bytes when its value goes over, and different keys keep different ones.
func TestKeysGoOver(t *testing.T) {
	for _, p := range pairs(t, RefuseValue) {
		there, _ := plans(t, p, RefuseValue)
		here, err := KeyForm(p.from, p.to)
		if err != nil {
			continue
		}
		beyond, err := KeyForm(p.to, p.from)
		if err != nil {
			t.Errorf("%s: a key here, and there not: %v", p.name, err)
			continue
		}
		form := func(f func(string) string, s string) string {
			if f == nil {
				return s
			}
			return f(s)
		}
		t.Run(p.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				a, b := drawText(t, p.from), drawText(t, p.from)
				keyA, keyB := form(here, a), form(here, b)
				if again := form(here, keyA); again != keyA {
					t.Fatalf("%q becomes %q becomes %q", a, keyA, again)
				}
				overA, okA := carry(t, there, a)
				overB, okB := carry(t, there, b)
				if okA && form(beyond, overA) != keyA {
					t.Fatalf("%q has the key %q here; there it's %q with the key %q", a, keyA, overA, form(beyond, overA))
				}
				if okA && okB && (keyA == keyB) != (form(beyond, overA) == form(beyond, overB)) {
					t.Fatalf("%q and %q are one key on one side only", a, b)
				}
			})
		})
	}
}

// PostgreSQL's keys have their own form already, so that a mesh without others needs none of this package: it's
// the same one here.
func TestKeyFormIsPostgresOwn(t *testing.T) {
	for name, typ := range allColumns(t) {
		if typ.Engine != Postgres || typ.Class == Opaque {
			continue
		}
		keyType := typ.Name
		if typ.Class == Enum {
			keyType = "enum"
		}
		own, ownErr := postgres.Normalizer(keyType)
		form, err := KeyForm(typ)
		if (err == nil) != (ownErr == nil) {
			t.Errorf("%s: %v, and PostgreSQL's own: %v", name, err, ownErr)
			continue
		}
		if err != nil {
			continue
		}
		rapid.Check(t, func(t *rapid.T) {
			text := drawText(t, typ)
			a, b := text, text
			if own != nil {
				a = own(text)
			}
			if form != nil {
				b = form(text)
			}
			if a != b {
				t.Fatalf("%s: %q has the form %q here and %q there", name, text, b, a)
			}
		})
	}
}
