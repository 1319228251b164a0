package value

import (
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
