package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"bridge/change"
)

func VectorText(saw map[string]uint64) string {
	var parts []string
	for _, origin := range slices.Sorted(maps.Keys(saw)) {
		parts = append(parts, fmt.Sprintf("%s:%d", origin, saw[origin]))
	}
	if parts == nil {
		return "nothing of others"
	}
	return strings.Join(parts, " ")
}

// maxCell is how many characters of a value are shown in a table; --json has all.
const maxCell = 40

// Cell is a text that fits a table: in one line, and not too long.
func Cell(s string) string {
	quoted := fmt.Sprintf("%q", s)
	if quoted = quoted[1 : len(quoted)-1]; strings.ContainsAny(s, `"\`) && !strings.ContainsAny(s, "\t\n\r\v\f\x1b") && utf8.ValidString(s) {
		quoted = s
	}
	if utf8.RuneCountInString(quoted) <= maxCell {
		return quoted
	}
	return string([]rune(quoted)[:maxCell-1]) + "…"
}

// Value is a value for people.
func Value(v change.Value) string {
	text, ok := v.Text()
	switch {
	case v.IsNull():
		return "NULL"
	case !ok:
		return "?"
	case text == "":
		return "''"
	}
	return Cell(text)
}
