package value

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Engine is the kind of database that a type belongs to. The zero Engine isn't known: a type read from a
// record that doesn't say, whose name then tells as much as it can.
type Engine string

// The engines. MySQL and MariaDB share their names of types and forms of text, as far as they have both.
const (
	Postgres Engine = "postgres"
	MySQL    Engine = "mysql"
	MariaDB  Engine = "mariadb"
)

// kindred reports whether text of the one engine is text of the other.
func (e Engine) kindred(f Engine) bool {
	return e != "" && f != "" && (e == Postgres) == (f == Postgres)
}

// Class is what kind of thing a type's values are.
type Class uint8

// The classes. Zero is none of them.
const (
	Boolean   Class = iota + 1
	Integer         // with Bits and Unsigned
	Decimal         // with Precision and Scale; PostgreSQL's knows NaN and infinities
	Float           // with Bits; PostgreSQL's knows NaN and infinities
	Year            // MySQL's: 0 and 1901 to 2155
	BitString       // with Length in bits
	Text            // with Length in characters or MaxBytes
	Binary          // with Length in bytes
	Date            // without time
	Time            // of a day, 00:00 to 24:00
	Interval        // MySQL's TIME, which has hours only, and PostgreSQL's interval
	DateTime        // date and time without a zone
	Instant         // date and time in UTC
	Enum            // one of Labels
	Set             // some of Labels: MySQL's
	JSON            //
	Array           // PostgreSQL's, of Element
	UUID            //
	Inet            // an address, with a mask in PostgreSQL
	Spatial         // MySQL's geometries, with their SRID
	Vector          //
	Opaque          // a type of which bridge knows the text only
)

var classNames = [...]string{
	Boolean: "boolean", Integer: "integer", Decimal: "decimal", Float: "float", Year: "year", BitString: "bit string",
	Text: "text", Binary: "binary", Date: "date", Time: "time", Interval: "interval", DateTime: "date and time",
	Instant: "instant", Enum: "enum", Set: "set", JSON: "JSON", Array: "array", UUID: "UUID", Inet: "network address",
	Spatial: "spatial", Vector: "vector", Opaque: "opaque",
}

// String is the class's word in messages.
func (c Class) String() string {
	if c > 0 && int(c) < len(classNames) {
		return classNames[c]
	}
	return "class " + strconv.Itoa(int(c))
}

// Type is a column's type on one engine. Types from [OnWire] lack the modifiers and stand for the widest type
// of their name. Labels, Charset and Collation are for the caller to fill where the catalog keeps them elsewhere.
type Type struct {
	Engine Engine
	// Name is the base name as [change.Column] has it: "numeric", "bigint unsigned".
	Name  string
	Class Class

	Unsigned bool // numbers below zero aren't held
	Bits     int  // of an Integer (8 to 64) or a Float (32, 64)
	// Length is in characters (Text), bytes (Binary, Vector: elements) or bits (BitString). Zero: no limit, or
	// none that's known.
	Length int
	// MaxBytes limits Text and Binary types that MySQL measures in bytes; zero is no limit.
	MaxBytes int
	// Fixed says that a shorter value is padded to Length: CHAR, BINARY, bit(n).
	Fixed bool
	// Precision and Scale are the digits of a Decimal, in all and after the point; Precision zero is without limit.
	// Scale may be negative in PostgreSQL. A Float with a Precision rounds to Scale, too (MySQL's FLOAT(M,D)).
	Precision, Scale int
	// Fraction is how many digits a time's seconds have after the point, 0 to 6.
	Fraction int
	// Labels are those of an Enum or Set in order; nil when they aren't known.
	Labels []string
	// Charset and Collation are MySQL's of a Text, Enum or Set; empty when they aren't known.
	Charset, Collation string
	// Element is the type of an Array's elements.
	Element *Type
	// Declared says that the modifiers are those of a column, not just the widest.
	Declared bool
}

// WithLabels is the enum or set with its labels in order. PostgreSQL's enums have names of their own, which
// nothing tells from other types' names; with labels they become class [Enum].
func (t Type) WithLabels(labels []string) Type {
	if t.Class == Opaque {
		t.Class = Enum
	}
	t.Labels = labels
	return t
}

// AsJSON is a text type that holds JSON, as MariaDB's JSON does, which is LONGTEXT with a check.
func (t Type) AsJSON() Type {
	t.Class = JSON
	return t
}

// String is the type for messages: its name with its modifiers, "decimal(10,2)".
func (t Type) String() string {
	base, unsigned := strings.CutSuffix(t.Name, " unsigned")
	switch {
	case t.Class == Array && t.Element != nil:
		return t.Element.String() + "[]"
	case !t.Declared:
	case t.Precision > 0 && (t.Class == Decimal || t.Class == Float):
		base += "(" + strconv.Itoa(t.Precision) + "," + strconv.Itoa(t.Scale) + ")"
	case t.Length > 0:
		base += "(" + strconv.Itoa(t.Length) + ")"
	case t.timed() && t.Fraction != t.widestFraction():
		word, zone, _ := strings.Cut(base, " ")
		base = strings.TrimSpace(word + "(" + strconv.Itoa(t.Fraction) + ") " + zone)
	}
	if unsigned {
		base += " unsigned"
	}
	return base
}

// padded reports whether the type's texts come with the spaces that they're padded with: PostgreSQL's do,
// MySQL's don't.
func (t Type) padded() bool {
	return t.Class == Text && t.Fixed && t.Engine != MySQL && t.Engine != MariaDB
}

// timed reports whether the type has seconds with a fraction.
func (t Type) timed() bool {
	return t.Class == Time || t.Class == Interval || t.Class == DateTime || t.Class == Instant
}

// widestFraction is the fraction that a type has whose declaration names none.
func (t Type) widestFraction() int {
	if t.Engine == Postgres {
		return 6
	}
	return 0
}

// integerRange is what an Integer holds.
func (t Type) integerRange() (least int64, most uint64) {
	if t.Unsigned {
		return 0, math.MaxUint64 >> (64 - t.Bits)
	}
	return math.MinInt64 >> (64 - t.Bits), math.MaxInt64 >> (64 - t.Bits)
}

// specialNumbers reports whether the type holds NaN and infinities.
func (t Type) specialNumbers() (nan, infinity bool) {
	if t.Engine == MySQL || t.Engine == MariaDB {
		return false, false
	}
	return true, t.Class == Float || t.Precision == 0
}

// sameType reports whether a and b are one type, modifiers aside: their texts mean the same.
func sameType(a, b Type) bool { return a.Engine.kindred(b.Engine) && a.Name == b.Name }

// sameModifiers reports whether two declared columns of one type hold the same values.
func sameModifiers(a, b Type) bool {
	return a.Declared && b.Declared && a.Class == b.Class && a.Length == b.Length && a.MaxBytes == b.MaxBytes && a.Precision == b.Precision &&
		a.Scale == b.Scale && a.Fraction == b.Fraction && a.Charset == b.Charset && slices.Equal(a.Labels, b.Labels)
}

// alters reports whether the server changes a value of the type's own name silently to fit the column's
// modifiers: rounds it, or pads it to a value that's another. What else doesn't fit, the server refuses.
func (t Type) alters() bool {
	switch {
	case !t.Declared:
		return false
	case t.timed():
		return t.Fraction < 6
	case t.Class == Decimal, t.Class == Float:
		return t.Precision > 0
	case t.Class == Binary, t.Class == BitString:
		return t.Fixed
	}
	return t.Class == Enum && t.Engine != Postgres // 'A' is stored as 'a'
}
