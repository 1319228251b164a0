package mysql

import (
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"bridge/internal/mysql"
)

// class is how the texts of a type become literals, and how they compare with a column.
type class uint8

const (
	integer  class = iota + 1
	decimal        // exact, with digits after the point
	float          // real numbers
	bits           // BIT(n): binary digits, as a number
	text           // in the connection's utf8mb4
	binary         // \x and hexadecimal digits
	date           // dates and times: text, compared as what they are
	datetime       //
	moment         // TIMESTAMP: in UTC, with +00 at the end of its text
	clock          // TIME
	label          // ENUM: one of the column's labels
	labels         // SET: some of them, joined by commas
	named          // text that the server reads into a type of its own: JSON, UUID, INET6
)

// classes are the types' classes, by the names that the catalog gives them (DATA_TYPE).
var classes = map[string]class{
	"tinyint": integer, "smallint": integer, "mediumint": integer, "int": integer, "bigint": integer, "year": integer,
	"decimal": decimal, "float": float, "double": float, "bit": bits,
	"char": text, "varchar": text, "tinytext": text, "text": text, "mediumtext": text, "longtext": text,
	"binary": binary, "varbinary": binary, "tinyblob": binary, "blob": binary, "mediumblob": binary, "longblob": binary,
	"geometry": binary, "point": binary, "linestring": binary, "polygon": binary, "multipoint": binary,
	"multilinestring": binary, "multipolygon": binary, "geomcollection": binary, "geometrycollection": binary, "vector": binary,
	"date": date, "datetime": datetime, "timestamp": moment, "time": clock,
	"enum": label, "set": labels,
	"json": named, "uuid": named, "inet4": named, "inet6": named,
}

// Errors of values that have no literal of their column's type. They hold no value.
var (
	errForm      = errors.New("the value isn't one of the column's type")
	errPrecision = errors.New("the value has more digits after the point than the column here")
	errLabel     = errors.New("the value isn't among the labels of the column here")
)

// appendLiteral appends a value's literal. Whatever it appends is one token: a number is checked digit by
// digit, everything else is quoted.
func (c *column) appendLiteral(dst []byte, s string) ([]byte, error) {
	text, err := c.text(s)
	switch {
	case err != nil:
		return dst, err
	case c.class == integer || c.class == decimal || c.class == bits:
		return append(dst, text...), nil
	case c.class == binary:
		// Not as x'…': of such a literal beyond 64 KiB, among rows joined to a table, MariaDB 10.11 keeps the
		// length modulo 64 KiB, without a word.
		dst = append(dst, "_binary"...)
	}
	return mysql.AppendLiteral(dst, text), nil
}

// text is what the column reads a value from: a number's digits, bytes, or text.
func (c *column) text(s string) (string, error) {
	switch c.class {
	case integer, decimal:
		return s, c.checkNumber(s)
	case float:
		return c.number(s)
	case bits:
		n, err := strconv.ParseUint(s, 2, 64)
		if err != nil {
			return "", errForm
		}
		return strconv.FormatUint(n, 10), nil
	case binary:
		return bytesOf(s)
	case moment:
		local, ok := strings.CutSuffix(s, "+00")
		if !ok {
			return "", errForm
		}
		return local, c.checkTemporal(local)
	case date, datetime, clock:
		return s, c.checkTemporal(s)
	case label, labels:
		if !c.hasLabels(s) {
			return "", errLabel
		}
	}
	if !utf8.ValidString(s) {
		return "", errForm
	}
	return s, nil
}

// checkNumber takes an optional sign, digits, and for decimals a point with digits.
func (c *column) checkNumber(s string) error {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if !digits(whole) || point && (c.class == integer || !digits(fraction)) {
		return errForm
	}
	if len(strings.TrimRight(fraction, "0")) > c.scale {
		return errPrecision
	}
	return nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// number is the nearest number of the column's width with all digits: a FLOAT's shortest text, read as a
// DOUBLE, can be beyond the greatest FLOAT. Its literal is quoted: without an exponent it would be a decimal, and to
// MariaDB the number -0 is 0.
func (c *column) number(s string) (string, error) {
	width := 64
	if c.base == "float" {
		width = 32
	}
	f, err := strconv.ParseFloat(s, width)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", errForm
	}
	return strconv.FormatFloat(f, 'g', -1, 64), nil
}

// bytesOf are the bytes of a binary string.
func bytesOf(s string) (string, error) {
	digits, ok := strings.CutPrefix(s, `\x`)
	if !ok {
		return "", errForm
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return "", errForm
	}
	return string(raw), nil
}

// checkTemporal refuses a fraction that the column doesn't have: the server would round it without a word.
func (c *column) checkTemporal(s string) error {
	for i := range len(s) {
		if b := s[i]; (b < '0' || b > '9') && b != '-' && b != ':' && b != ' ' && b != '.' {
			return errForm
		}
	}
	if _, fraction, _ := strings.Cut(s, "."); len(strings.TrimRight(fraction, "0")) > c.scale {
		return errPrecision
	}
	return nil
}

// hasLabels looks the labels up: the server would take a text of digits that is no label for a label's number.
func (c *column) hasLabels(s string) bool {
	if c.class == label {
		return c.labels[s]
	}
	if s == "" {
		return true // the empty set
	}
	for member := range strings.SplitSeq(s, ",") {
		if !c.labels[member] {
			return false
		}
	}
	return true
}
