package show

import (
	"slices"
	"strings"

	"bridge/compare"
)

// MaxRows is how many rows or conflicts are listed for people; --json has them all.
const MaxRows = 20

// Verdict says in words how a table compares.
func Verdict(t *compare.TableResult) string {
	var parts []string
	if len(t.Definition) > 0 {
		parts = append(parts, "definitions differ")
	}
	atLeast := ""
	if t.AtLeast {
		atLeast = "at least "
	}
	if n := len(t.Different); n > 0 {
		parts = append(parts, atLeast+Count(n, "row")+" different")
	}
	if n := len(t.Undecided); n > 0 {
		parts = append(parts, atLeast+Count(n, "row")+" undecided")
	}
	if len(parts) == 0 {
		return string(t.Verdict)
	}
	return strings.Join(parts, ", ")
}

// Difference says which regions agree: "eu and us | ap | missing in jp".
func Difference(d *compare.Difference) string {
	var parts []string
	for _, g := range d.Groups {
		parts = append(parts, strings.Join(g, " and "))
	}
	slices.Sort(parts)
	if len(d.Missing) > 0 {
		parts = append(parts, "missing in "+strings.Join(d.Missing, " and "))
	}
	return strings.Join(parts, " | ")
}
