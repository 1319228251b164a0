// Package show has the forms in which commands print what they know: rows, vectors, counts and differences.
package show

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"bridge/change"
)

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

// Count is a number of things for people: "1 row", "2 rows".
func Count[N int | int64 | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
