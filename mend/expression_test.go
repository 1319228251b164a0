package mend

import (
	"strings"
	"testing"
)

func TestExpression(t *testing.T) {
	for _, tc := range []struct {
		text       string
		kind       Kind
		base, a, b string
		want       string
	}{
		{"a + b - base", Int, "10", "12", "15", "17"},
		{"math.greatest(a, b)", Int, "1", "-2", "7", "7"},
		{"a > b ? a : b", String, "", "x", "y", "y"},
		{"(a + b) / 2.0", Double, "0", "1", "2", "1.5"},
		{"a || b", Bool, "0", "f", "t", "1"},
		{"a.contains(b) ? a : a + '; ' + b", String, "", "x", "y", "x; y"},
	} {
		e, err := Compile(tc.text, tc.kind)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if got, err := e.Value(tc.base, tc.a, tc.b); err != nil || got != tc.want {
			t.Errorf("%s: got %q, %v, want %q", tc.text, got, err, tc.want)
		}
	}
}

func TestExpressionsAreCheckedAtTheStart(t *testing.T) {
	for _, tc := range []struct {
		text string
		kind Kind
		want string
	}{
		{"a +", Int, "Syntax error"},
		{"a + c", Int, "undeclared reference to 'c'"},
		{"a > b", Int, "it gives bool"},
		{"a + 1", String, "found no matching overload"},
		{"a", "decimal", "is not one of"},
	} {
		if _, err := Compile(tc.text, tc.kind); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s as %s: %v, want %q", tc.text, tc.kind, err, tc.want)
		}
	}
}

func TestExpressionsThatHaveNoValue(t *testing.T) {
	for _, tc := range []struct {
		text string
		kind Kind
		a    string
	}{
		{"a / (b - b)", Int, "1"}, {"a + 9223372036854775807", Int, "1"}, {"a", Int, "secret"}, {"a / (b - b)", Double, "1"},
	} {
		e, err := Compile(tc.text, tc.kind)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Value("1", tc.a, "1"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %q, %v", tc.text, got, err)
		}
	}
}
