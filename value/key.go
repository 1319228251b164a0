package value

import (
	"fmt"
	"strings"

	"bridge/change"
)

// KeyForm returns what gives equal key values the same bytes in every region: own is the column's type here,
// peers are its types in the other regions. Where there's a PostgreSQL among them, the form is the one that
// PostgreSQL's own keys have there (internal/postgres.Normalizer). Nil leaves texts as they are. The error says
// why the column can't be a key across these types; it's an [ErrCollation] where only a server can tell which of
// its texts are equal.
func KeyForm(own Type, peers ...Type) (change.Normalize, error) {
	all := append([]Type{own}, peers...)
	classes := classesOf(all)
	switch {
	case classes.within(Boolean, Integer, Decimal, Year):
		return numberKey(own, classes), nil
	case classes.within(Float):
		return Canonical(own), sameBits(own, peers)
	case classes.within(Binary), classes.within(Date), classes.within(BitString):
		return nil, nil
	case classes.within(DateTime, Instant):
		return momentKey(own, all), nil
	case classes.within(Time, Interval):
		return nil, clockKey(all)
	case classes.has(UUID) && classes.within(UUID, Text, Binary):
		return uuidKey(own), nil
	case classes.has(Inet) && classes.within(Inet, Text):
		return func(s string) string { return normalInet(strings.TrimRight(s, " ")) }, nil
	case classes.within(Text, Enum, Set):
		return textKey(own, all)
	}
	return nil, keyMismatch(own, all)
}

// classSet is a set of classes.
type classSet uint32

func classesOf(types []Type) (s classSet) {
	for _, t := range types {
		s |= 1 << t.Class
	}
	return s
}

func (s classSet) has(c Class) bool { return s&(1<<c) != 0 }

func (s classSet) within(classes ...Class) bool {
	for _, c := range classes {
		s &^= 1 << c
	}
	return s == 0
}

func keyMismatch(own Type, all []Type) error {
	for _, t := range all {
		switch t.Class {
		case JSON, Array, Spatial, Vector, Opaque:
			return fmt.Errorf("type %s can't be a key across engines: equal values can have different texts", t)
		}
	}
	for _, t := range all {
		if t.Class != own.Class {
			return fmt.Errorf("%w: types %s and %s have no form of keys in common", ErrMismatch, own, t)
		}
	}
	return fmt.Errorf("type %s can't be a key across engines", own)
}

// numberKey makes plain decimals. Beside a boolean, 0 and 1 are f and t.
func numberKey(own Type, classes classSet) change.Normalize {
	if own.Class == Boolean || own.Class == Integer && !classes.has(Boolean) {
		return nil
	}
	if !classes.has(Boolean) {
		return normalDecimal
	}
	return func(s string) string {
		switch s = normalDecimal(s); s {
		case "0":
			return "f"
		case "1":
			return "t"
		}
		return s
	}
}

// sameBits refuses floats of both sizes, which print the same number in two ways.
func sameBits(own Type, peers []Type) error {
	for _, t := range peers {
		if t.Bits != own.Bits {
			return fmt.Errorf("%w: types %s and %s have no form of keys in common", ErrMismatch, own, t)
		}
	}
	return nil
}

// momentKey writes the zone or leaves it out, as PostgreSQL does there; among MySQLs, as a TIMESTAMP does.
func momentKey(own Type, all []Type) change.Normalize {
	postgres, zoned, postgresZoned := false, false, false
	for _, t := range all {
		postgres = postgres || t.Engine == Postgres
		zoned = zoned || t.Class == Instant
		postgresZoned = postgresZoned || t.Engine == Postgres && t.Class == Instant
	}
	suffix := ""
	if postgresZoned || zoned && !postgres {
		suffix = "+00"
	}
	if (own.Class == Instant) == (suffix != "") {
		return nil
	}
	return func(s string) string {
		m, ok := parseMoment(s, true)
		if !ok {
			return s
		}
		return withZone(s, &m, suffix)
	}
}

// clockKey refuses PostgreSQL's interval, whose equal values have many texts.
func clockKey(all []Type) error {
	for _, t := range all {
		if t.Class == Interval && t.Engine != MySQL && t.Engine != MariaDB {
			return fmt.Errorf("type %s can't be a key: equal values have different texts ('1 day' and '24:00:00')", t)
		}
	}
	return nil
}

// uuidKey is PostgreSQL's form of the UUID that a text or sixteen bytes hold.
func uuidKey(own Type) change.Normalize {
	switch own.Class {
	case UUID:
		return nil
	case Binary:
		return func(s string) string {
			if n, ok := binaryLength(s); ok && n == 16 {
				return dashed(s[2:])
			}
			return s
		}
	}
	return func(s string) string {
		uuid, ok := parseUUID(strings.TrimRight(s, " "))
		if !ok {
			return s
		}
		return uuid
	}
}

// CheckKey says why a column can't be a key beside regions of other engines, whose own columns of its name aren't
// known here. Text is for the engines to hold equal alike: what PostgreSQL compares is bytes, and MySQL and MariaDB
// have most of their collations in common.
func CheckKey(own Type, others ...Engine) error {
	for _, engine := range others {
		peer := own
		switch {
		case engine == own.Engine:
			continue
		case own.Class != Text:
		case engine == Postgres:
			peer = Type{Engine: Postgres, Name: "text", Class: Text}
		case !inCommon(own.Collation):
			return fmt.Errorf("%w: no other engine has %s; give the key a collation that both have (utf8mb4_general_ci, utf8mb4_unicode_ci, utf8mb4_bin), "+
				"in every region the same, to use it across engines", ErrCollation, own.Collation)
		default:
			continue
		}
		if _, err := KeyForm(own, peer); err != nil {
			return err
		}
	}
	return nil
}

// SameKey says why two regions' columns can't be one key column: not every two values that the one holds equal are equal
// to the other.
func SameKey(a, b Type) error {
	if !a.Engine.kindred(b.Engine) || a.Engine == Postgres || a.Class != Text || b.Class != Text {
		_, err := KeyForm(a, b)
		return err
	}
	x, y := a.equality(), b.equality()
	switch {
	case x != y:
		return fmt.Errorf("%w: %s and %s don't hold the same texts equal", ErrCollation, a.Collation, b.Collation)
	case a.Engine != b.Engine && !inCommon(a.Collation):
		return fmt.Errorf("%w: %s isn't the same on %s and %s", ErrCollation, a.Collation, a.Engine, b.Engine)
	}
	return nil
}
