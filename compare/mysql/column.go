package mysql

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"bridge/compare"
	"bridge/internal/mysql"
	"bridge/value"
)

// column is a column as this server has it.
type column struct {
	local   string // its name here
	base    string // as [change.Column] names types
	bits    int    // of BIT
	charset string // of text
	collate string
	filled  bool // ZEROFILL: the server's text begins with zeros
	value   value.Type
}

// newColumn reads a column of the catalog. json says that MariaDB checks it to hold JSON.
func newColumn(engine value.Engine, c *mysql.Column, json bool) (*column, error) {
	t, err := value.Declared(engine, c.Full)
	if err != nil {
		return nil, err
	}
	if json {
		t = t.AsJSON()
	}
	t.Charset, t.Collation = c.Charset, c.Collation
	return &column{
		local: c.Name, base: c.Type, bits: int(c.Precision), charset: c.Charset, collate: c.Collation,
		filled: strings.Contains(c.Full, "zerofill"), value: t,
	}, nil
}

// describe is the column for people and for regions of the same engine.
func (c *column) describe(full string) string {
	switch {
	case c.value.Class == value.Integer:
		return c.value.String() // its width, which newer servers don't tell, is for showing only
	case c.value.Class == value.JSON:
		return "json"
	case c.collate != "":
		return full + " collate " + c.collate
	}
	return full
}

// isNumber says that [compare.Column.Number] is so.
func (c *column) isNumber() bool { return c.value.Class == value.Integer }

// expression is the column in a query's list, so that the server tells all of it.
func (c *column) expression() string {
	name := mysql.Quote(c.local)
	switch {
	case c.value.Class == value.Float:
		return name + " * 1e0" // as DOUBLE, of which the server prints all digits, unlike of FLOAT
	case c.filled:
		return name + " + 0"
	}
	return name
}

// text is the server's text of a value in the form that capture gives it.
func (c *column) text(s string) (string, error) {
	switch c.value.Class {
	case value.Float:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return "", fmt.Errorf("the server's text of a %s isn't a number", c.base)
		}
		return strconv.FormatFloat(f, 'g', -1, c.value.Bits), nil
	case value.BitString:
		return c.digits(s), nil
	case value.Binary, value.Spatial, value.Vector:
		return `\x` + hex.EncodeToString([]byte(s)), nil
	case value.DateTime, value.Interval:
		return withoutZeros(s), nil
	case value.Instant:
		return withoutZeros(s) + "+00", nil
	}
	return s, nil
}

// digits are those of a BIT, whose value comes as bytes.
func (c *column) digits(s string) string {
	out := make([]byte, c.bits)
	for i := range out {
		bit := c.bits - 1 - i
		at := len(s) - 1 - bit/8
		out[i] = '0'
		if at >= 0 {
			out[i] += s[at] >> (bit % 8) & 1
		}
	}
	return string(out)
}

// withoutZeros leaves the zeros out that a second's fraction ends with.
func withoutZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// literal is a key's text as a constant that the server compares with the column by its index.
func (c *column) literal(text string) (string, error) {
	switch c.value.Class {
	case value.Float: // a FLOAT's digits, read as DOUBLE, are another number
		f, err := strconv.ParseFloat(text, c.value.Bits)
		if err != nil {
			return "", fmt.Errorf("column %s: the key isn't a number", c.local)
		}
		return strconv.FormatFloat(f, 'e', -1, 64), nil
	case value.Integer, value.Decimal, value.Year:
		if strings.Trim(text, "-.0123456789") != "" || text == "" {
			return "", fmt.Errorf("column %s: the key isn't a number", c.local)
		}
		return text, nil
	case value.BitString:
		if strings.Trim(text, "01") != "" {
			return "", fmt.Errorf("column %s: the key isn't a bit string", c.local)
		}
		return "b'" + text + "'", nil
	case value.Binary:
		digits, ok := strings.CutPrefix(text, `\x`)
		raw, err := hex.DecodeString(digits)
		if !ok || err != nil {
			return "", fmt.Errorf("column %s: the key isn't hexadecimal", c.local)
		}
		return mysql.HexLiteral(raw), nil
	case value.Instant:
		return mysql.Literal(strings.TrimSuffix(text, "+00")), nil
	}
	return mysql.Literal(text), nil
}

// definition is the column for [compare.Table].
func (c *column) definition(name string, of *mysql.Column) compare.Column {
	declared := of.Full
	switch {
	case c.value.Class == value.JSON:
		declared = "json"
	case c.value.Class == value.Text && c.collate != "":
		declared += " collate " + c.collate
	}
	return compare.Column{Name: name, Type: c.describe(of.Full), Declared: declared, NotNull: !of.Nullable, Number: c.isNumber(), Value: c.value}
}
