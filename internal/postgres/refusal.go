package postgres

import "strings"

// OfRow reports whether an error's code says that a row doesn't fit, whatever others there are.
func OfRow(code string) bool {
	if code == "23502" || code == "23514" { // NULL, a check
		return true
	}
	for _, class := range []string{"22", "44", "54", "P0"} { // no value of the type, WITH CHECK OPTION, too long for an index, a trigger's RAISE
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}
