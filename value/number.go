package value

import (
	"fmt"
	"strconv"
	"strings"
)

var notNumber = malformed("it isn't a number")

// special takes NaN and the infinities out of the numbers of a type.
func special(s string) (nan, infinite bool) {
	switch s {
	case "NaN":
		return true, false
	case "Infinity", "-Infinity":
		return false, true
	}
	return false, false
}

// specialLimits names the special numbers that go from has and to hasn't.
func specialLimits(from, to Type) (limits []string, nan, infinity *unfit) {
	if from.Class == Integer || from.Class == Year {
		return nil, nil, nil
	}
	hadNaN, hadInfinity := from.specialNumbers()
	hasNaN, hasInfinity := to.specialNumbers()
	if to.Class == Integer || to.Class == Year {
		hasNaN, hasInfinity = false, false
	}
	if hadNaN && !hasNaN {
		nan = &unfit{reason: "NaN"}
		limits = append(limits, nan.reason)
	}
	if hadInfinity && !hasInfinity {
		infinity = &unfit{reason: "infinity"}
		limits = append(limits, infinity.reason)
	}
	return limits, nan, infinity
}

// numbers wraps the converter of finite numbers: what's special goes through, or is refused. Bound gives the
// last number on either side, for clamping infinities to.
func numbers(nan, infinity *unfit, bound func(negative bool) string, finite converter) converter {
	return func(s string) (string, *unfit) {
		if s == "" {
			return "", notNumber
		}
		if c := s[len(s)-1]; c >= '0' && c <= '9' {
			return finite(s)
		}
		switch isNaN, isInfinite := special(s); {
		case isNaN && nan == nil:
			return s, nil
		case isNaN:
			return "", nan
		case isInfinite && infinity == nil:
			return s, nil
		case isInfinite:
			return "", infinity.near(bound(s[0] == '-'))
		}
		return "", notNumber
	}
}

// toInteger carries whole numbers within the bounds.
func toInteger(from, to Type) (route, error) {
	least, most := to.integerRange()
	if from.Class == Integer {
		fromLeast, fromMost := from.integerRange()
		if fromLeast >= least && fromMost <= most {
			return route{}, nil
		}
	}
	limits, nan, infinity := specialLimits(from, to)
	outside := unfit{reason: fmt.Sprintf("outside %d to %d", least, most)}
	fraction := unfit{reason: "a fraction"}
	if from.Class == Decimal && !(from.Declared && from.Precision > 0 && from.Scale <= 0) || from.Class == Float {
		limits = append(limits, fraction.reason)
	}
	if from.Class != Year || to.Bits < 16 {
		limits = append(limits, outside.reason)
	}
	bound := func(negative bool) string {
		if negative {
			return strconv.FormatInt(least, 10)
		}
		return strconv.FormatUint(most, 10)
	}
	inside := func(s string) bool {
		if s[0] == '-' {
			n, err := strconv.ParseInt(s, 10, 64)
			return err == nil && n >= least
		}
		n, err := strconv.ParseUint(s, 10, 64)
		return err == nil && n <= most
	}
	finite := func(s string) (string, *unfit) {
		if whole, frac, ok := isPlain(s); ok && frac == 0 && (whole > 0 || s == "0") {
			if inside(s) {
				return s, nil
			}
			return "", outside.near(bound(s[0] == '-'))
		}
		d, ok := parseDecimal(s)
		switch {
		case !ok:
			return "", notNumber
		case d.wholeDigits() > 20 || !inside(d.round(0).plain(0)):
			return "", outside.near(bound(d.negative))
		case d.fractionDigits() > 0:
			return "", fraction.near(d.round(0).plain(0))
		}
		return d.plain(0), nil
	}
	return route{convert: numbers(nan, infinity, bound, finite), limits: limits}, nil
}

// toDecimal carries numbers that have few enough digits on either side of the point. They come out with the
// column's scale, as its server prints them.
func toDecimal(from, to Type) (route, error) {
	limits, nan, infinity := specialLimits(from, to)
	unbounded := to.Precision == 0
	whole, scale := to.Precision-to.Scale, to.Scale
	if unbounded && from.Class != Float && from.Class != Year {
		return route{limits: limits}, nil // PostgreSQL's numeric takes all digits
	}
	if unbounded {
		whole, scale = maxExponent, maxExponent
	}
	large := unfit{reason: fmt.Sprintf("more than %d digits before the point", whole)}
	fine := unfit{reason: fmt.Sprintf("more than %d digits after the point", scale)}
	needsWhole, needsScale := digitsOf(from)
	if !unbounded && needsWhole > whole {
		limits = append(limits, large.reason)
	}
	if !unbounded && needsScale > scale {
		limits = append(limits, fine.reason)
	}
	if to.Unsigned && !from.Unsigned && from.Class != Year {
		limits = append(limits, below.reason)
	}
	largest := decimal{digits: strings.Repeat("9", min(to.Precision, maxExponent)), exp: whole}
	bound := func(negative bool) string {
		d := largest
		if d.negative = negative; negative && to.Unsigned {
			d = decimal{}
		}
		return d.plain(max(scale, 0))
	}
	finite := func(s string) (string, *unfit) {
		if w, f, ok := isPlain(s); ok && f == scale && w <= whole && (s[0] != '-' || !to.Unsigned) {
			return s, nil
		}
		d, ok := parseDecimal(s)
		switch {
		case !ok:
			return "", notNumber
		case unbounded:
			return d.plain(0), nil
		case d.negative && to.Unsigned:
			return "", below.near(bound(true))
		case d.exp > whole:
			return "", large.near(bound(d.negative))
		case len(d.digits)-d.exp > scale:
			near := d.round(scale)
			if near.exp > whole {
				return "", fine.near(bound(d.negative))
			}
			return "", fine.near(near.plain(max(scale, 0)))
		}
		return d.plain(max(scale, 0)), nil
	}
	return route{convert: numbers(nan, infinity, bound, finite), limits: limits}, nil
}

var below = unfit{reason: "below zero"}

// digitsOf is how many digits a type's numbers can have before and after the point.
func digitsOf(t Type) (whole, frac int) {
	switch {
	case t.Class == Year:
		return 4, 0
	case t.Class == Integer:
		_, most := t.integerRange()
		return len(strconv.FormatUint(most, 10)), 0
	case t.Class == Decimal && t.Precision > 0:
		if !t.Declared {
			return t.Precision, t.Scale // 65 and 30, though not both at once
		}
		return t.Precision - t.Scale, t.Scale
	}
	return maxExponent, maxExponent
}

// toYear carries 0 and 1901 to 2155. The year 0 is written with four digits, for '0' is 2000 to MySQL.
func toYear(from, to Type) (route, error) {
	inner, err := toInteger(from, Type{Engine: to.Engine, Class: Integer, Bits: 64})
	if err != nil {
		return route{}, err
	}
	outside := &unfit{reason: "neither 0 nor 1901 to 2155"}
	return route{limits: []string{outside.reason}, convert: func(s string) (string, *unfit) {
		bad := (*unfit)(nil)
		if inner.convert != nil {
			if s, bad = inner.convert(s); bad != nil && bad.malformed {
				return "", bad
			}
		}
		switch n, err := strconv.Atoi(s); {
		case bad != nil || err != nil:
			return "", outside
		case n == 0:
			return "0000", nil
		case n >= 1901 && n <= 2155:
			return s, nil
		}
		return "", outside
	}}, nil
}

// booleanToNumber gives 0 and 1.
func booleanToNumber(_, to Type) (route, error) {
	no, yes := "0", "1"
	if to.Class == Decimal && to.Precision > 0 {
		if to.Precision <= to.Scale {
			return route{}, fmt.Errorf("%w: %s has no digit before the point", ErrMismatch, to)
		}
		no, yes = decimal{}.plain(to.Scale), decimal{digits: "1", exp: 1}.plain(to.Scale)
	}
	return route{convert: fromBoolean(no, yes)}, nil
}

func fromBoolean(no, yes string) converter {
	return func(s string) (string, *unfit) {
		switch s {
		case "t":
			return yes, nil
		case "f":
			return no, nil
		}
		return "", malformed("it's neither t nor f")
	}
}

// numberToBoolean takes 0 and 1 only.
func numberToBoolean(from, to Type) (route, error) {
	other := &unfit{reason: "neither 0 nor 1"}
	return route{limits: []string{other.reason}, convert: func(s string) (string, *unfit) {
		if s == "0" || s == "1" {
			return "ft"[s[0]-'0' : s[0]-'0'+1], nil
		}
		if nan, infinite := special(s); nan || infinite {
			return "", other
		}
		switch d, ok := parseDecimal(s); {
		case !ok:
			return "", notNumber
		case d == decimal{}:
			return "f", nil
		case d == decimal{digits: "1", exp: 1}:
			return "t", nil
		}
		return "", other
	}}, nil
}
