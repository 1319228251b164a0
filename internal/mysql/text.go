package mysql

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"bridge/value"
)

// Text reads and writes single values of a column in the form that capture gives them (see capture/mysql), which isn't
// the server's own for every type.
type Text struct {
	name  string
	width int // of BIT
	fills bool
	typ   value.Type
}

// NewText is for a column of the catalog.
func NewText(flavor Flavor, c *Column) (*Text, error) {
	engine := value.MySQL
	if flavor == MariaDB {
		engine = value.MariaDB
	}
	t, err := value.Declared(engine, c.Full)
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", c.Name, err)
	}
	return &Text{name: c.Name, width: int(c.Precision), fills: strings.Contains(c.Full, "zerofill"), typ: t}, nil
}

// Expression is the column in a query's list, so that the server tells all of its value.
func (t *Text) Expression() string {
	name := Quote(t.name)
	switch {
	case t.typ.Class == value.Float:
		return name + " * 1e0" // as DOUBLE, of which the server prints all digits, unlike of FLOAT
	case t.fills:
		return name + " + 0"
	}
	return name
}

// Of is the server's text of a value in capture's form.
func (t *Text) Of(s string) (string, error) {
	switch t.typ.Class {
	case value.Float:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return "", fmt.Errorf("column %s: the server's text isn't a number", t.name)
		}
		return strconv.FormatFloat(f, 'g', -1, t.typ.Bits), nil
	case value.BitString:
		return t.digits(s), nil
	case value.Binary, value.Spatial, value.Vector:
		return `\x` + hex.EncodeToString([]byte(s)), nil
	case value.DateTime, value.Interval:
		return shortFraction(s), nil
	case value.Instant:
		return shortFraction(s) + "+00", nil
	}
	return s, nil
}

// digits are those of a BIT, whose value comes as bytes.
func (t *Text) digits(s string) string {
	out := make([]byte, t.width)
	for i := range out {
		bit := t.width - 1 - i
		out[i] = '0'
		if at := len(s) - 1 - bit/8; at >= 0 {
			out[i] += s[at] >> (bit % 8) & 1
		}
	}
	return string(out)
}

// shortFraction leaves the zeros out that a second's fraction ends with.
func shortFraction(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// Constant is SQL for a value in capture's form: one token, to assign, or to compare with the column by its index. The
// error doesn't show the value.
func (t *Text) Constant(text string) (string, error) {
	wrong := fmt.Errorf("column %s: the value isn't a %s as bridge writes it", t.name, t.typ.Class)
	switch t.typ.Class {
	case value.Float: // a FLOAT's digits, read as DOUBLE, are another number
		f, err := strconv.ParseFloat(text, t.typ.Bits)
		if err != nil {
			return "", wrong
		}
		return strconv.FormatFloat(f, 'e', -1, 64), nil
	case value.Integer, value.Decimal, value.Year:
		whole, fraction, point := strings.Cut(strings.TrimPrefix(text, "-"), ".")
		if strings.Trim(whole+fraction, "0123456789") != "" || whole == "" || point && fraction == "" {
			return "", wrong
		}
		return text, nil
	case value.BitString:
		if strings.Trim(text, "01") != "" || text == "" {
			return "", wrong
		}
		return "b'" + text + "'", nil
	case value.Binary, value.Spatial, value.Vector:
		digits, ok := strings.CutPrefix(text, `\x`)
		raw, err := hex.DecodeString(digits)
		if !ok || err != nil {
			return "", wrong
		}
		return HexLiteral(raw), nil
	case value.Instant:
		return Literal(strings.TrimSuffix(text, "+00")), nil
	}
	return Literal(text), nil
}
