package mysql

import (
	"regexp"
	"strings"
	"testing"
)

// token is what one literal looks like. Inside of quotes, a quote or backslash stands only behind a backslash.
var token = regexp.MustCompile(`(?s)^(-?\d+(\.\d+)?|(_binary)?'([^'\\\x00]|\\['\\0])*')$`)

// FuzzLiteral: whatever a value's text is, its literal is one token and nothing more, and a quoted one stands for that text.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"", "1", "-1.50", "it's", `a\`, `\'`, "'; DROP TABLE t; --", "\x00", "é", "\xbf'", `\x00ff`, "2024-01-02 03:04:05.5", "a,b", "1e5", "NaN", "+00", "0101"} {
		f.Add(s, byte(0))
	}
	columns := []column{{class: integer}, {class: decimal, scale: 30}, {class: float, base: "double"}, {class: float, base: "float"}, {class: bits}, {class: text},
		{class: binary}, {class: date}, {class: datetime, scale: 6}, {class: moment, scale: 6}, {class: clock, scale: 6}, {class: named},
		{class: label, labels: map[string]bool{"it's": true}}, {class: labels, labels: map[string]bool{"a": true, "b'": true}}}
	f.Fuzz(func(t *testing.T, s string, n byte) {
		for _, c := range columns {
			literal, err := c.appendLiteral([]byte("before"), s)
			if err != nil {
				continue
			}
			got, ok := strings.CutPrefix(string(literal), "before")
			if !ok || !token.MatchString(got) {
				t.Fatalf("%q as class %d is %q", s, c.class, got)
			}
			if (c.class == text || c.class == label) && unquoted(got) != s {
				t.Fatalf("%q as class %d is %q", s, c.class, got)
			}
		}
	})
}

func unquoted(literal string) string {
	return strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\0`, "\x00").Replace(literal[1 : len(literal)-1])
}
