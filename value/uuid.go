package value

import (
	"encoding/hex"
	"strings"
)

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

// unkept are the UUIDs that MariaDB's type refuses, for it keeps them in an order that has no place for them: no
// UUID that a standard version makes is among them but version 8's with a variant byte of 80.
var unkept = &unfit{reason: "UUIDs with a third group from 8000 on and a fourth from 0100 to 80ff"}

// keptByMariaDB checks a UUID in PostgreSQL's form.
func keptByMariaDB(uuid string) bool {
	return uuid[14] < '8' || uuid[19:21] == "00" || uuid[19:21] > "80"
}

// toUUID carries UUIDs that the other engine's type has, too.
func toUUID(from, to Type) (route, error) {
	if to.Engine != MariaDB || from.Engine == MariaDB {
		return route{}, nil
	}
	return route{limits: []string{unkept.reason}, convert: func(s string) (string, *unfit) {
		uuid, ok := parseUUID(s)
		if !ok {
			return "", malformed("it's no UUID")
		}
		if !keptByMariaDB(uuid) {
			return "", unkept
		}
		return s, nil
	}}, nil
}

// textToUUID takes every way of writing a UUID. It's lossy: the text comes back in lower case with dashes.
func textToUUID(from, to Type) (route, error) {
	if from.Declared && from.Length > 0 && from.Length < 32 {
		return route{}, mismatch(from, to, "")
	}
	other := &unfit{reason: "no UUID"}
	r := route{lossy: true, limits: []string{other.reason}}
	if to.Engine == MariaDB {
		r.limits = append(r.limits, unkept.reason)
	}
	r.convert = func(s string) (string, *unfit) {
		uuid, ok := parseUUID(s)
		switch {
		case !ok:
			return "", other
		case to.Engine == MariaDB && !keptByMariaDB(uuid):
			return "", unkept
		}
		return uuid, nil
	}
	return r, nil
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
		uuid := dashed(strings.ToLower(s[2:]))
		if to.Engine == MariaDB && !keptByMariaDB(uuid) {
			return "", unkept
		}
		return uuid, nil
	}}
	if !from.Declared || !from.Fixed {
		r.limits = []string{other.reason}
	}
	if to.Engine == MariaDB {
		r.limits = append(r.limits, unkept.reason)
	}
	return r, nil
}
