package value

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// toFloat carries floats that have the same value in the column's bits, and other numbers that are the shortest
// decimal of a float: those come back as they went.
func toFloat(from, to Type) (route, error) {
	limits, nan, infinity := specialLimits(from, to)
	c := floatColumn{from: from, to: to, largest: math.MaxFloat64,
		inexact: unfit{reason: fmt.Sprintf("more digits than %d bits keep", to.Bits)},
		huge:    unfit{reason: fmt.Sprintf("larger than %d bits hold", to.Bits)},
		rounded: unfit{reason: fmt.Sprintf("more than %d digits after the point", to.Scale)}}
	if to.Bits == 32 {
		c.largest = math.MaxFloat32
	}
	if widens := from.Class == Float && from.Bits <= to.Bits || from.Class == Integer && from.Bits <= to.Bits*3/8; !widens {
		limits = append(limits, c.inexact.reason)
		if from.Class != Integer {
			limits = append(limits, c.huge.reason)
		}
	}
	if to.Precision > 0 {
		limits = append(limits, c.huge.reason, c.rounded.reason)
	}
	if to.Unsigned && !from.Unsigned {
		limits = append(limits, below.reason)
	}
	return route{convert: numbers(nan, infinity, c.bound, c.convert), limits: limits}, nil
}

// floatColumn carries finite numbers to one column.
type floatColumn struct {
	from, to               Type
	largest                float64
	inexact, huge, rounded unfit
}

func (c *floatColumn) bound(negative bool) string {
	switch {
	case negative && c.to.Unsigned:
		return "0"
	case negative:
		return formatFloat(-c.largest, c.to)
	}
	return formatFloat(c.largest, c.to)
}

func (c *floatColumn) convert(s string) (string, *unfit) {
	given, ok := parseDecimal(s)
	if !ok {
		return "", notNumber
	}
	bits := c.to.Bits
	if c.from.Class == Float {
		bits = c.from.Bits
	}
	f, err := strconv.ParseFloat(s, bits)
	if err != nil && !math.IsInf(f, 0) {
		return "", notNumber
	}
	if math.Abs(f) > c.largest {
		return "", c.huge.near(c.bound(f < 0))
	}
	out := formatFloat(f, c.to)
	switch {
	case c.to.Unsigned && f < 0:
		return "", below.near(c.bound(true))
	case c.to.Precision > 0 && given.exp > c.to.Precision-c.to.Scale:
		return "", &c.huge
	case c.to.Precision > 0 && given.fractionDigits() > c.to.Scale:
		return "", c.rounded.near(given.round(c.to.Scale).plain(0))
	case c.exact(f, given, out):
		return out, nil
	}
	return "", c.inexact.near(out)
}

// exact reports whether the column holds the number: of a float the same value, of a decimal one whose shortest
// text it is.
func (c *floatColumn) exact(f float64, given decimal, out string) bool {
	if c.from.Class == Float {
		return c.to.Bits == 64 || float64(float32(f)) == f
	}
	stored, _ := parseDecimal(out)
	return stored == given
}

// formatFloat is the shortest decimal that reads back to the same bits, as the engine writes it: PostgreSQL
// with an exponent from 10^15 on (real: 10^6), bridge's capture of MySQL from 10^21 or 10^6 on as Go's 'g' does.
func formatFloat(f float64, t Type) string {
	if t.Engine != Postgres {
		return strconv.FormatFloat(f, 'g', -1, t.Bits)
	}
	digits, whole := 15, float64(1<<53)
	if t.Bits == 32 {
		digits, whole = 6, 1<<24
	}
	s := strconv.FormatFloat(f, 'e', -1, t.Bits)
	if math.Abs(f) > whole {
		s = withinHalf(f, s, t.Bits)
	}
	at := strings.IndexByte(s, 'e')
	if exp, err := strconv.Atoi(s[at+1:]); err != nil || exp < -4 || exp >= digits {
		return s
	}
	return strconv.FormatFloat(f, 'f', -1, t.Bits) // fewer digits than are between two floats
}

// withinHalf is the shortest decimal that's nearer to f than to the next float. Go's may be just between the two,
// if reading it rounds to f; PostgreSQL doesn't rely on that (5.5e+09 is 5.5000003e+09 as a real). Only among floats
// that are whole numbers can a number between two be shorter than both.
func withinHalf(f float64, s string, bits int) string {
	for digits := strings.IndexByte(strings.TrimPrefix(s, "-"), 'e') - 1; isBetween(f, s, bits); digits++ {
		s = strconv.FormatFloat(f, 'e', max(digits, 1), bits)
	}
	return s
}

// isBetween reports whether s is just in the middle of f and a float next to it.
func isBetween(f float64, s string, bits int) bool {
	given, ok := new(big.Rat).SetString(s)
	for _, end := range []float64{math.Inf(1), math.Inf(-1)} {
		next := math.Nextafter(f, end)
		if bits == 32 {
			next = float64(math.Nextafter32(float32(f), float32(end)))
		}
		if !ok || math.IsInf(next, 0) {
			continue
		}
		middle := new(big.Rat).Add(new(big.Rat).SetFloat64(f), new(big.Rat).SetFloat64(next))
		if middle.Mul(middle, big.NewRat(1, 2)).Cmp(given) == 0 {
			return true
		}
	}
	return false
}
