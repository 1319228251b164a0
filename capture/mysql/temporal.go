package mysql

import "time"

// The functions of this file write MySQL's temporal values as text. They're packed into integers, big
// endian and offset so that they sort as bytes do, and a fraction of a second follows, in as many bytes
// as its digits need. Values that no calendar has (0000-00-00, 2024-02-31, 2024-00-00) are written as
// they are.

const (
	datetimeOffset = 0x8000000000   // of DATETIME's five bytes
	timeOffset     = 0x800000       // of TIME's three bytes
	timeMicros     = 0x800000000000 // of TIME's six, with microseconds
)

// fractionBytes is how many bytes a fraction of so many digits takes.
func fractionBytes(digits int) int { return (digits + 1) / 2 }

// fraction reads a fraction of a second, in microseconds.
func (c *cursor) fraction(digits int) int {
	n := fractionBytes(digits)
	v := int(c.bigEndian(n))
	for ; n < 3; n++ {
		v *= 100
	}
	return v
}

// appendDate writes three bytes of DATE.
func appendDate(b []byte, c *cursor) []byte {
	v := int(c.uint(3))
	return appendYMD(b, v>>9, v>>5&15, v&31)
}

func appendDatetime(b []byte, c *cursor, digits int) []byte {
	v := int64(c.bigEndian(5)) - datetimeOffset
	micros := c.fraction(digits)
	day, clock := int(v>>17), int(v&(1<<17-1))
	month := day >> 5
	b = appendYMD(b, month/13, month%13, day&31)
	b = appendClock(append(b, ' '), clock>>12, clock>>6&63, clock&63)
	return appendMicros(b, micros)
}

// appendTimestamp writes a TIMESTAMP in UTC, with its offset.
func appendTimestamp(b []byte, c *cursor, digits int) []byte {
	seconds := int64(c.bigEndian(4))
	micros := c.fraction(digits)
	if seconds == 0 && micros == 0 { // the epoch itself isn't in the type's range: it stands for zero
		return append(b, "0000-00-00 00:00:00+00"...)
	}
	year, month, day := time.Unix(seconds, 0).UTC().Date()
	b = appendYMD(b, year, int(month), day)
	clock := int(seconds % (24 * 3600))
	b = appendClock(append(b, ' '), clock/3600, clock/60%60, clock%60)
	return append(appendMicros(b, micros), "+00"...)
}

// appendTime writes a TIME. A negative one is stored as the complement of the whole number, fraction
// included, so that it sorts before those closer to zero.
func appendTime(b []byte, c *cursor, digits int) []byte {
	n := fractionBytes(digits)
	v := int64(c.bigEndian(3 + n))
	v -= timeOffset << (8 * n)
	if v < 0 {
		v = -v
		b = append(b, '-')
	}
	micros := int(v & (1<<(8*n) - 1))
	for i := n; i < 3; i++ {
		micros *= 100
	}
	clock := int(v >> (8 * n))
	return appendMicros(appendClock(b, clock>>12&1023, clock>>6&63, clock&63), micros)
}

func appendYMD(b []byte, year, month, day int) []byte {
	b = appendPadded(b, year, 4)
	b = appendPadded(append(b, '-'), month, 2)
	return appendPadded(append(b, '-'), day, 2)
}

func appendClock(b []byte, hour, minute, second int) []byte {
	b = appendPadded(b, hour, 2)
	b = appendPadded(append(b, ':'), minute, 2)
	return appendPadded(append(b, ':'), second, 2)
}

// appendMicros writes a fraction without trailing zeros, and nothing for none.
func appendMicros(b []byte, micros int) []byte {
	if micros == 0 {
		return b
	}
	b = appendPadded(append(b, '.'), micros, 6)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// appendPadded writes v with at least so many digits.
func appendPadded(b []byte, v, digits int) []byte {
	if digits == 2 && v < 100 {
		return append(b, '0'+byte(v/10), '0'+byte(v%10))
	}
	var text [20]byte
	i := len(text)
	for v > 0 || digits > 0 {
		i--
		text[i] = byte('0' + v%10)
		v /= 10
		digits--
	}
	return append(b, text[i:]...)
}
