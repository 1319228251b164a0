package mysql

import (
	"slices"
	"testing"
)

func TestExpressions(t *testing.T) {
	for _, tc := range []struct {
		catalogs, want string
		names          []string
	}{
		{"lower(`mail`)", "lower(`mail`)", []string{"mail"}},
		{"concat(`od``d`,_utf8mb4\\'(\\\\\\'\"\\\\\\\\\\')", "concat(`od``d`,_utf8mb4'(\\'\"\\\\')", []string{"od`d"}},
		{"if((`a` = _utf8mb4\\'`no`\\'),`b`,NULL)", "if((`a` = _utf8mb4'`no`'),`b`,NULL)", []string{"a", "b"}},
		{"concat(`a`,_utf8mb4\\'it\\'\\'s `x`\\',`a\\\\`)", "concat(`a`,_utf8mb4'it''s `x`',`a\\`)", []string{"a", "a\\"}},
		{"`a` + 1\\n", "`a` + 1\n", []string{"a"}},
		{"now()", "now()", nil},
	} {
		got := expression(tc.catalogs, MySQL)
		if got != tc.want {
			t.Errorf("%s: got %s", tc.catalogs, got)
		}
		if names := namesIn(got); !slices.Equal(names, tc.names) {
			t.Errorf("%s reads %q", got, names)
		}
		if got := expression(tc.want, MariaDB); got != tc.want {
			t.Errorf("MariaDB's %s: got %s", tc.want, got)
		}
	}
}

// FuzzNames: whatever is in an expression, reading it ends.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "`", "'", `'\`, "`a``", `concat("x", 'it\'s', `, "`a`'`'`b`"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		expression(s, MySQL)
		if len(namesIn(s)) > len(s) {
			t.Fail()
		}
	})
}
