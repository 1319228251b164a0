package value

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Binary values are "\x" and two hexadecimal digits for each byte, in lower case, on every engine.

var notBinary = malformed(`it isn't \x and hexadecimal digits`)

// binaryLength counts the bytes of a binary text.
func binaryLength(s string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(s, `\x`)
	return len(digits) / 2, ok && len(digits)%2 == 0
}

// toBinary carries bytes within the column's length. BINARY(n) holds n bytes and nothing else: a shorter value
// would come back with zeros after it.
func toBinary(from, to Type) (route, error) {
	most := to.Length
	if most == 0 {
		most = to.MaxBytes
	}
	if most == 0 || fitsBytes(from, most) && !to.Fixed || from.Declared && from.Fixed && from.Length == to.Length {
		return route{}, nil
	}
	long := unfit{reason: fmt.Sprintf("longer than %d bytes", most)}
	short := unfit{reason: fmt.Sprintf("shorter than %d bytes", most)}
	var r route
	if !fitsBytes(from, most) {
		r.limits = append(r.limits, long.reason)
	}
	if to.Fixed {
		r.limits = append(r.limits, short.reason)
	}
	r.convert = func(s string) (string, *unfit) {
		switch n, ok := binaryLength(s); {
		case !ok:
			return "", notBinary
		case n > most:
			return "", long.near(s[:2+2*most])
		case n < most && to.Fixed:
			return "", short.near(s + strings.Repeat("00", most-n))
		}
		return s, nil
	}
	return r, nil
}

// fitsBytes reports whether a binary type's values are known to have at most so many bytes.
func fitsBytes(from Type, most int) bool {
	if from.MaxBytes > 0 {
		return from.MaxBytes <= most
	}
	return from.Declared && from.Length > 0 && from.Length <= most
}

// parseUUID reads a UUID as PostgreSQL does: any case, with dashes, without, or in braces. The result is in
// PostgreSQL's own form.
func parseUUID(s string) (string, bool) {
	if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
		s = s[1 : len(s)-1]
	}
	if isUUID(s) {
		return s, true
	}
	var digits [32]byte
	n, group := 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '-' && group == 4: // after a group of four digits or eight, not at the end
			group = 0
			continue
		case c >= 'A' && c <= 'F':
			c += 'a' - 'A'
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		default:
			return "", false
		}
		if n == len(digits) {
			return "", false
		}
		if group == 4 {
			group = 0
		}
		digits[n] = c
		n, group = n+1, group+1
	}
	if n < len(digits) || s[len(s)-1] == '-' {
		return "", false
	}
	return dashed(string(digits[:])), true
}

// isUUID reports whether s is in PostgreSQL's own form.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

func dashed(digits string) string {
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// textToUUID takes every way of writing a UUID. It's lossy: the text comes back in lower case with dashes.
func textToUUID(from, to Type) (route, error) {
	if from.Declared && from.Length > 0 && from.Length < 32 {
		return route{}, mismatch(from, to, "")
	}
	other := &unfit{reason: "no UUID"}
	return route{lossy: true, limits: []string{other.reason}, convert: func(s string) (string, *unfit) {
		uuid, ok := parseUUID(s)
		if !ok {
			return "", other
		}
		return uuid, nil
	}}, nil
}

// uuidToBinary gives a UUID's sixteen bytes in order, as MySQL's UUID_TO_BIN(u) does without swapping.
func uuidToBinary(from, to Type) (route, error) {
	if to.Length > 0 && to.Length < 16 || to.Fixed && to.Length != 16 {
		return route{}, mismatch(from, to, "a UUID has 16 bytes")
	}
	return route{convert: func(s string) (string, *unfit) {
		uuid, ok := parseUUID(s)
		if !ok {
			return "", malformed("it's no UUID")
		}
		return `\x` + strings.ReplaceAll(uuid, "-", ""), nil
	}}, nil
}

// binaryToUUID takes sixteen bytes.
func binaryToUUID(from, to Type) (route, error) {
	if from.Declared && from.Fixed && from.Length != 16 || from.Declared && from.Length > 0 && from.Length < 16 {
		return route{}, mismatch(from, to, "a UUID has 16 bytes")
	}
	other := &unfit{reason: "not 16 bytes"}
	r := route{convert: func(s string) (string, *unfit) {
		n, ok := binaryLength(s)
		if !ok {
			return "", notBinary
		}
		if n != 16 {
			return "", other
		}
		if _, err := hex.DecodeString(s[2:]); err != nil {
			return "", notBinary
		}
		return dashed(strings.ToLower(s[2:])), nil
	}}
	if !from.Declared || !from.Fixed {
		r.limits = []string{other.reason}
	}
	return r, nil
}
