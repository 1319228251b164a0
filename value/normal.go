package value

import (
	"strconv"
	"strings"

	"bridge/change"
)

// Canonical returns what gives all texts of one value of a column the same form, and texts of different values
// different ones, as far as the text tells: for comparing rows. Nil leaves texts as they are. A text that can't
// be read stays as it is. Equality under a collation is not meant: 'a' and 'A' differ.
func Canonical(t Type) change.Normalize {
	switch t.Class {
	case Decimal:
		return normalDecimal
	case Float:
		return normalFloat(t)
	case Year:
		return normalYear
	case Text:
		if t.Fixed {
			return trimSpaces
		}
	case JSON:
		return normalJSON
	case Inet:
		return normalInet
	case Array:
		return normalArray(t)
	}
	return nil
}

func normalDecimal(s string) string {
	d, ok := parseDecimal(s)
	if !ok {
		return s // NaN, infinities
	}
	return d.plain(0)
}

// normalFloat is PostgreSQL's form, with one zero.
func normalFloat(t Type) change.Normalize {
	bits := t.Bits
	return func(s string) string {
		if _, ok := parseDecimal(s); !ok {
			return s // NaN, infinities
		}
		f, err := strconv.ParseFloat(s, bits)
		if err != nil {
			return s
		}
		if f == 0 {
			return "0"
		}
		return formatFloat(f, Type{Engine: Postgres, Bits: bits})
	}
}

func normalYear(s string) string {
	if s == "0000" {
		return "0"
	}
	return s
}

func trimSpaces(s string) string { return strings.TrimRight(s, " ") }

func normalJSON(s string) string {
	doc, ok := parseJSON(s)
	if !ok {
		return s
	}
	return string(doc.appendTo(make([]byte, 0, len(s))))
}

func normalInet(s string) string {
	p, masked, ok := parseInet(s)
	if !ok {
		return s
	}
	if masked && p.Bits() < p.Addr().BitLen() {
		return p.String()
	}
	return p.Addr().String()
}

func normalArray(t Type) change.Normalize {
	if t.Element == nil {
		return nil
	}
	element := Canonical(*t.Element)
	if element == nil {
		return nil
	}
	return func(s string) string {
		v, bad := parseArray(s)
		if bad != nil {
			return s
		}
		v.normalize(element)
		return string(v.appendTo(nil))
	}
}

func (v *arrayValue) normalize(element change.Normalize) {
	if !v.null && v.list == nil {
		v.text = element(v.text)
	}
	for i := range v.list {
		v.list[i].normalize(element)
	}
}
