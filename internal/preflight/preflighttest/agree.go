// Package preflighttest holds what the tests of both engines' reports share.
package preflighttest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/internal/preflight"
	"bridge/naming"
	"bridge/visibility"
)

// Agree fails the test unless the constraints that a report calls told are those that apply keeps, and no others.
func Agree(t *testing.T, told []*preflight.Constrained, kept visibility.Catalog) {
	t.Helper()
	var want, got []string
	for name, k := range kept {
		for _, u := range k.Unique {
			want = append(want, fmt.Sprint(name, " ", u.Name, u.Columns, u.NullsEqual, u.Computed))
		}
		for _, f := range k.Foreign {
			want = append(want, fmt.Sprint(name, " ", f.Name, f.Columns, f.Parent, kept[f.Parent].Referred[f.Refers]))
		}
	}
	for _, c := range told {
		if err := c.Translate(naming.Names{}); err != nil {
			t.Fatal(err)
		}
		for _, u := range c.Unique {
			if u.Untold == "" {
				got = append(got, fmt.Sprint(c.Between, " ", u.Name, u.Between(), u.NullsEqual, u.Computed))
			}
		}
		for _, f := range c.Foreign {
			if f.Untold == "" {
				got = append(got, fmt.Sprint(c.Between, " ", f.Name, f.Between(), f.Parent, f.Refers))
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("apply keeps\n%s\nand told are\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}
