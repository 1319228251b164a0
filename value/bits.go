package value

import (
	"fmt"
	"strings"
)

// toBits carries bit strings as long as the column's: leading zeros count, so a shorter one isn't the same.
func toBits(from, to Type) (route, error) {
	if to.Length == 0 || from.Declared && (from.Length == to.Length && from.Fixed || !to.Fixed && from.Length > 0 && from.Length <= to.Length) {
		return route{}, nil
	}
	if from.Declared && from.Fixed && to.Fixed {
		return route{}, mismatch(from, to, "bit strings of another length")
	}
	long := unfit{reason: fmt.Sprintf("longer than %d bits", to.Length)}
	short := unfit{reason: fmt.Sprintf("shorter than %d bits", to.Length)}
	r := route{limits: []string{long.reason}}
	if to.Fixed {
		r.limits = append(r.limits, short.reason)
	}
	r.convert = func(s string) (string, *unfit) {
		switch {
		case strings.Trim(s, "01") != "":
			return "", malformed("it isn't a string of bits")
		case len(s) > to.Length:
			return "", &long
		case len(s) < to.Length && to.Fixed:
			return "", &short
		}
		return s, nil
	}
	return r, nil
}

// bitsToBoolean takes bit(1), which is how some keep booleans in MySQL.
func bitsToBoolean(from, to Type) (route, error) {
	if from.Declared && from.Length != 1 {
		return route{}, mismatch(from, to, "")
	}
	more := &unfit{reason: "more than one bit"}
	r := route{convert: func(s string) (string, *unfit) {
		switch s {
		case "1":
			return "t", nil
		case "0":
			return "f", nil
		}
		return "", more
	}}
	if !from.Declared {
		r.limits = []string{more.reason}
	}
	return r, nil
}

func booleanToBits(from, to Type) (route, error) {
	if to.Length != 1 {
		return route{}, mismatch(from, to, "")
	}
	return route{convert: fromBoolean("0", "1")}, nil
}
