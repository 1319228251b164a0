package value

import (
	"strconv"
	"strings"
)

// decimal is a finite number in base ten, exactly: ±0.DIGITS × 10^exp. Its digits have no zero at either end;
// zero has none, no sign and no exponent, so that equal numbers are equal structs.
type decimal struct {
	negative bool
	digits   string
	exp      int
}

// maxExponent is more than any engine's numbers have, and small enough to count with.
const maxExponent = 1_000_000

// parseDecimal reads [+-]DIGITS[.DIGITS][e[+-]DIGITS], as engines and JSON write numbers.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	mantissa, exponent := s, 0
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		var err error
		mantissa = s[:at]
		if exponent, err = strconv.Atoi(s[at+1:]); err != nil || exponent > maxExponent || exponent < -maxExponent {
			return decimal{}, false
		}
	}
	whole, frac, point := strings.Cut(mantissa, ".")
	if whole == "" && frac == "" || !allDigits(whole) || !allDigits(frac) {
		return decimal{}, false
	}
	d.digits, d.exp = whole, len(whole)+exponent
	if point {
		d.digits += frac
	}
	return d.trimmed(), true
}

// trimmed takes the zeros at the ends of the digits away.
func (d decimal) trimmed() decimal {
	short := strings.TrimLeft(d.digits, "0")
	d.exp -= len(d.digits) - len(short)
	d.digits = strings.TrimRight(short, "0")
	if d.digits == "" {
		return decimal{}
	}
	return d
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// wholeDigits is how many digits stand before the point.
func (d decimal) wholeDigits() int { return max(d.exp, 0) }

// fractionDigits is how many digits must stand after the point.
func (d decimal) fractionDigits() int { return max(len(d.digits)-d.exp, 0) }

// plain is the number without an exponent, with at least scale digits after the point.
func (d decimal) plain(scale int) string {
	scale = max(scale, d.fractionDigits())
	var b strings.Builder
	b.Grow(len(d.digits) + max(d.exp, 0) + scale + 3)
	if d.negative {
		b.WriteByte('-')
	}
	if d.exp <= 0 {
		b.WriteByte('0')
	} else {
		n := min(d.exp, len(d.digits))
		b.WriteString(d.digits[:n])
		writeZeros(&b, d.exp-n)
	}
	if scale == 0 {
		return b.String()
	}
	b.WriteByte('.')
	written := min(max(-d.exp, 0), scale)
	writeZeros(&b, written)
	if d.exp < len(d.digits) {
		frac := d.digits[max(d.exp, 0):]
		b.WriteString(frac)
		written += len(frac)
	}
	writeZeros(&b, scale-written)
	return b.String()
}

func writeZeros(b *strings.Builder, n int) {
	for range n {
		b.WriteByte('0')
	}
}

// round is the nearest number with scale digits after the point, halves away from zero, as both engines round.
// A negative scale rounds before the point.
func (d decimal) round(scale int) decimal {
	keep := d.exp + scale
	if keep >= len(d.digits) {
		return d
	}
	if keep < 0 {
		return decimal{}
	}
	up := d.digits[keep] >= '5'
	d.digits = d.digits[:keep]
	if up {
		d = d.increment(keep)
	}
	return d.trimmed()
}

// increment adds one to the last of the first n digits.
func (d decimal) increment(n int) decimal {
	b := []byte(d.digits)
	for i := n - 1; i >= 0; i-- {
		if b[i] < '9' {
			b[i]++
			d.digits = string(b)
			return d
		}
		b[i] = '0'
	}
	d.digits, d.exp = "1"+string(b), d.exp+1
	return d
}

// isPlain reports whether s is as engines print decimals, without an exponent, needless zeros before the point
// or a sign before zero, and counts its digits on either side of the point.
func isPlain(s string) (whole, frac int, ok bool) {
	if s != "" && s[0] == '-' {
		if s = s[1:]; strings.Trim(s, "0.") == "" {
			return 0, 0, false
		}
	}
	for whole < len(s) && s[whole] >= '0' && s[whole] <= '9' {
		whole++
	}
	if whole == 0 || whole > 1 && s[0] == '0' {
		return 0, 0, false
	}
	if whole < len(s) {
		frac = len(s) - whole - 1
		if s[whole] != '.' || frac == 0 || !allDigits(s[whole+1:]) {
			return 0, 0, false
		}
	}
	if s[0] == '0' {
		whole = 0
	}
	return whole, frac, true
}
