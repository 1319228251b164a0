package testserver

import (
	"iter"
	"strings"
)

// MySQLStatements parts a script as the mysql client does: a statement ends with the delimiter at the end of a line,
// and a line DELIMITER changes it.
func MySQLStatements(script string) iter.Seq[string] {
	return func(yield func(string) bool) {
		delimiter := ";"
		var statement strings.Builder
		for line := range strings.Lines(script) {
			trimmed := strings.TrimSpace(line)
			if after, ok := strings.CutPrefix(trimmed, "DELIMITER "); ok {
				delimiter = after
				continue
			}
			if statement.Len() == 0 && (trimmed == "" || strings.HasPrefix(trimmed, "--")) {
				continue
			}
			statement.WriteString(line)
			if sql, ended := strings.CutSuffix(strings.TrimSpace(statement.String()), delimiter); ended {
				if !yield(sql) {
					return
				}
				statement.Reset()
			}
		}
		if text := strings.TrimSpace(statement.String()); text != "" {
			yield(text)
		}
	}
}
