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

// textKey is for text whose equality is that of its bytes, or of its bytes without the spaces at the end: on
// all sides alike.
func textKey(own Type, all []Type) (change.Normalize, error) {
	exact, padded := "", ""
	for _, t := range all {
		switch pads, err := padsSpaces(t); {
		case err != nil:
			return nil, err
		case pads == paddedEverywhere:
			padded = t.String()
		case pads == exactly:
			exact = t.String()
		}
	}
	if exact != "" && padded != "" {
		return nil, fmt.Errorf("%w: to one region's %s spaces at the end count, to another's %s they don't; "+
			"give the key a binary collation without padding (utf8mb4_0900_bin, utf8mb4_nopad_bin) there", ErrCollation, exact, padded)
	}
	if padded != "" && own.Class == Text {
		return trimSpaces, nil
	}
	return nil, nil
}

// padding is what spaces at the end mean to a type's equality.
type padding uint8

const (
	exactly          padding = iota // they count
	paddedEverywhere                // they don't
	neverStored                     // there are none: MySQL's CHAR, labels
)

func padsSpaces(t Type) (padding, error) {
	switch {
	case t.Class != Text:
		return neverStored, nil
	case t.Engine == Postgres && t.Fixed:
		return paddedEverywhere, nil
	case t.Engine == Postgres:
		return exactly, nil
	case t.Collation == "":
		return 0, fmt.Errorf("%w: the collation of %s isn't known", ErrCollation, t)
	case t.Collation != "binary" && !strings.HasSuffix(t.Collation, "_bin"):
		return 0, fmt.Errorf("%w: under %s different texts of a %s are equal, and only its server knows which; "+
			"give the key a binary collation (utf8mb4_0900_bin, utf8mb4_nopad_bin) to use it across engines", ErrCollation, t.Collation, t)
	case t.Fixed:
		return neverStored, nil
	case t.Collation == "binary" || t.Collation == "utf8mb4_0900_bin" || strings.HasSuffix(t.Collation, "_nopad_bin"):
		return exactly, nil
	}
	return paddedEverywhere, nil
}
