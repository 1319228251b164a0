package value

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	notUTF8      = malformed("it isn't UTF-8")
	noNUL        = &unfit{reason: "the character U+0000"}
	spaceAtEnd   = unfit{reason: "spaces at the end"}
	invalidLabel = &unfit{reason: "the empty label of an invalid enum value"}
)

// toText carries text that the column's length and character set hold, and other types' values as their text.
func toText(from, to Type) (route, error) {
	if from.Class == UUID {
		return uuidToText(from, to)
	}
	set, known := findCharset(to.Charset)
	if !known {
		return route{}, mismatch(from, to, fmt.Sprintf("bridge doesn't know what its character set %s holds; convert the column to utf8mb4", to.Charset))
	}
	var r route
	var checks []check
	add := func(c check, limit string) { checks, r.limits = append(checks, c), append(r.limits, limit) }
	if from.Class == Enum && from.Engine != Postgres && !slices.Contains(from.Labels, "") {
		add(func(s string) *unfit {
			if s == "" {
				return invalidLabel
			}
			return nil
		}, invalidLabel.reason)
	}
	if holdsNUL(from) && !holdsNUL(to) {
		add(checkNUL, noNUL.reason)
	}
	if to.Charset != "" && to.Charset != "utf8mb4" && to.Charset != from.Charset {
		outside := &unfit{reason: "characters that aren't in " + to.Charset}
		add(func(s string) *unfit { return checkCharset(s, set, outside) }, outside.reason)
	}
	if to.Length > 0 && !(from.Class == Text && from.Declared && from.Length > 0 && from.Length <= to.Length) {
		long := &unfit{reason: fmt.Sprintf("longer than %d characters", to.Length)}
		add(func(s string) *unfit { return checkLength(s, to.Length, long) }, long.reason)
	}
	if to.MaxBytes > 0 && !fitsText(from, to) {
		long := &unfit{reason: fmt.Sprintf("longer than %d bytes", to.MaxBytes)}
		add(func(s string) *unfit { return checkBytes(s, to.MaxBytes, set, long) }, long.reason)
	}
	if to.Fixed && !(from.Class == Text && from.Fixed) {
		add(func(s string) *unfit {
			if strings.HasSuffix(s, " ") {
				return spaceAtEnd.near(strings.TrimRight(s, " "))
			}
			return nil
		}, spaceAtEnd.reason)
	}
	pad := 0
	if to.Fixed && to.Engine == Postgres {
		pad = to.Length
	}
	if unpad := from.padded(); len(checks) > 0 || unpad || pad > 0 {
		r.convert = textConverter(checks, unpad, pad)
	}
	return r, nil
}

// check says why a text doesn't fit, with the nearest that does, as far as this check goes.
type check func(s string) *unfit

// textConverter runs the checks. The nearest text of one check must pass those after it, or its own nearest
// counts, or there's none.
func textConverter(checks []check, unpad bool, pad int) converter {
	return func(s string) (string, *unfit) {
		if unpad {
			s = strings.TrimRight(s, " ")
		}
		var first *unfit
		for _, c := range checks {
			bad := c(s)
			if bad == nil {
				continue
			}
			if first == nil {
				copied := *bad
				first = &copied
			}
			if first.clamps = bad.clamps; !bad.clamps {
				return "", first
			}
			s = bad.nearest
		}
		if pad > 0 {
			s += strings.Repeat(" ", max(pad-utf8.RuneCountInString(s), 0))
		}
		if first != nil {
			first.nearest = s
			return "", first
		}
		return s, nil
	}
}

// holdsNUL reports whether a type's text can have U+0000: MySQL's text can, PostgreSQL's can't.
func holdsNUL(t Type) bool {
	return t.Engine != Postgres && (t.Class == Text || t.Class == Enum || t.Class == Set || t.Class == Opaque)
}

// fitsText reports whether every text of from is short enough for a type that's measured in bytes.
func fitsText(from, to Type) bool {
	if from.Class != Text {
		return false
	}
	if from.MaxBytes > 0 {
		return from.MaxBytes <= to.MaxBytes && (to.Charset == "" || from.Charset == to.Charset)
	}
	return from.Declared && from.Length > 0 && from.Length*utf8.UTFMax <= to.MaxBytes
}

func checkNUL(s string) *unfit {
	if strings.IndexByte(s, 0) >= 0 {
		return noNUL
	}
	return nil
}

func checkCharset(s string, set charset, outside *unfit) *unfit {
	for i, r := range s {
		if r < utf8.RuneSelf {
			continue
		}
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return notUTF8
		}
		if !set.holds(r) {
			return outside
		}
	}
	return nil
}

func checkLength(s string, most int, long *unfit) *unfit {
	if len(s) <= most || utf8.RuneCountInString(s) <= most {
		return nil
	}
	n := 0
	for i := range s {
		if n == most {
			return long.near(s[:i])
		}
		n++
	}
	return nil
}

func checkBytes(s string, most int, set charset, long *unfit) *unfit {
	if len(s) <= most/utf8.UTFMax { // no character set of MySQL takes more than four bytes
		return nil
	}
	n := 0
	for i, r := range s {
		if n += set.bytes(r); n > most {
			return long.near(s[:i])
		}
	}
	return nil
}

// uuidToText writes a UUID with dashes where there's room.
func uuidToText(from, to Type) (route, error) {
	bare := to.Length > 0 && to.Length < 36
	if to.Length > 0 && to.Length < 32 || to.MaxBytes > 0 && to.MaxBytes < 36 {
		return route{}, mismatch(from, to, "a UUID has 32 digits")
	}
	pad := 0
	if to.Fixed && to.Engine == Postgres {
		pad = to.Length
	}
	if !bare && pad <= 36 {
		return route{}, nil
	}
	return route{convert: func(s string) (string, *unfit) {
		if bare {
			s = strings.ReplaceAll(s, "-", "")
		}
		return s + strings.Repeat(" ", max(pad-len(s), 0)), nil
	}}, nil
}

// toOpaque carries text to a type that only the server can read; it refuses what isn't of it.
func toOpaque(from, to Type) (route, error) {
	if from.Class == Opaque {
		if from.Name != to.Name {
			return route{}, mismatch(from, to, "")
		}
		return route{}, nil
	}
	r := route{lossy: from.Class == Text} // the server writes it in its own way
	if holdsNUL(from) {
		r.convert, r.limits = textConverter([]check{checkNUL}, false, 0), []string{noNUL.reason}
	}
	return r, nil
}

// textToOwn reads text that says a value in the way of its own column, as toText wrote it there.
func textToOwn(from, to Type) (route, error) {
	other := &unfit{reason: "text that isn't of type " + to.Name}
	source := Type{Class: to.Class, Bits: 64, Fraction: 6}
	switch to.Class {
	case Integer, Float, Year:
		source.Class = Decimal
	case Spatial, Vector:
		return route{}, mismatch(from, to, "")
	}
	inner, err := routers[[2]Class{source.Class, to.Class}](source, to)
	if err != nil {
		return route{}, err
	}
	return route{limits: append([]string{other.reason}, inner.limits...), lossy: true, convert: func(s string) (string, *unfit) {
		if !readable(s, to) {
			return "", other
		}
		if inner.convert == nil {
			return s, nil
		}
		out, bad := inner.convert(s)
		if bad != nil && bad.malformed {
			return "", other
		}
		return out, bad
	}}, nil
}

// readable reports whether s can be a value of t at all, for classes whose routes don't look at every text.
func readable(s string, t Type) bool {
	switch t.Class {
	case Boolean:
		return s == "t" || s == "f"
	case Integer, Year:
		return s != "" && allDigits(strings.TrimPrefix(s, "-"))
	case Decimal, Float:
		nan, infinite := special(s)
		_, ok := parseDecimal(s)
		return ok || nan || infinite
	case BitString:
		return strings.Trim(s, "01") == ""
	case Binary:
		_, ok := binaryLength(s)
		return ok
	case Date, DateTime, Instant:
		m, ok := parseMoment(s, t.Class != Date)
		return ok && (m.infinite || m.utc == (t.Class == Instant))
	case Time:
		_, _, _, _, ok := parseClock(s)
		return ok
	case Interval:
		return isInterval(s)
	}
	return true
}
