package postgres

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNormalizer(t *testing.T) {
	tests := []struct{ typeName, in, want string }{
		{"integer", "007", "007"},
		{"text", "a ", "a "},
		{"enum", "Sad", "Sad"},
		{"timestamp with time zone", "2026-01-01 00:00:00+00", "2026-01-01 00:00:00+00"},
		{"numeric", "1.00", "1"},
		{"numeric", "100", "100"},
		{"numeric", "0", "0"},
		{"numeric", "0.000", "0"},
		{"numeric", "-0.0", "0"},
		{"numeric", "-0.50", "-0.5"},
		{"numeric", ".5", "0.5"},
		{"numeric", "+001.10", "1.1"},
		{"numeric", "NaN", "NaN"},
		{"numeric", "-Infinity", "-Infinity"},
		{"numeric", "Infinity", "Infinity"},
		{"real", "-0", "0"},
		{"double precision", "-0", "0"},
		{"double precision", "-0.5", "-0.5"},
		{"double precision", "1e+100", "1e+100"},
		{"bpchar", "ab  ", "ab"},
		{"character", "   ", ""},
		{"bpchar", " a\t ", " a\t"},
		{"public.citext", "AbÄ", "abä"},
		{"citext", "X", "x"},
	}
	for _, tt := range tests {
		normalize, err := Normalizer(tt.typeName)
		if err != nil {
			t.Errorf("Normalizer(%s): %v", tt.typeName, err)
			continue
		}
		got := tt.in
		if normalize != nil {
			got = normalize(tt.in)
		}
		if got != tt.want {
			t.Errorf("%s %q becomes %q, want %q", tt.typeName, tt.in, got, tt.want)
		}
	}
}

func TestNormalizerRefuses(t *testing.T) {
	for _, name := range []string{
		"interval", "jsonb", "json", "money", "integer[]", "numrange", "int4multirange", "public.pair",
		"regclass", "xml", "point", "tsvector", "public.mycitext", "", "public.mood",
	} {
		if _, err := Normalizer(name); err == nil {
			t.Errorf("Normalizer(%q) took a type that can't be a key", name)
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("Normalizer(%q): the error doesn't name the type: %v", name, err)
		}
	}
}

// Two numerics are the same key exactly when they are the same number.
func TestNormalizeNumericIsEquality(t *testing.T) {
	number := rapid.Custom(func(t *rapid.T) string {
		sign := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
		whole := rapid.StringMatching(`0{0,2}[0-9]{1,3}`).Draw(t, "whole")
		fraction := rapid.StringMatching(`(\.[0-9]{1,2}0{0,3})?`).Draw(t, "fraction")
		return sign + whole + fraction
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if !okX || !okY {
			t.Fatalf("not numbers: %q %q", a, b)
		}
		na, nb := normalizeNumeric(a), normalizeNumeric(b)
		if (x.Cmp(y) == 0) != (na == nb) {
			t.Fatalf("%q -> %q, %q -> %q", a, na, b, nb)
		}
		if again := normalizeNumeric(na); again != na {
			t.Fatalf("%q -> %q -> %q", a, na, again)
		}
		if z, ok := new(big.Rat).SetString(na); !ok || z.Cmp(x) != 0 {
			t.Fatalf("%q -> %q changed the number", a, na)
		}
	})
}
