package mysql

import (
	"encoding/binary"
	"strconv"
)

// A DECIMAL is stored as base 1,000,000,000 digits of four bytes, big endian, from both sides of the
// point outward; the outermost of each side takes as many bytes as its decimal digits need. The first
// bit is set for positive values, and a negative one has all other bits inverted.

const wordDigits = 9

// wordBytes is how many bytes a part of a word takes, by its decimal digits.
var wordBytes = [wordDigits + 1]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}

// decimalBytes is the size of a DECIMAL(precision, scale).
func decimalBytes(precision, scale int) int {
	whole := precision - scale
	return whole/wordDigits*4 + wordBytes[whole%wordDigits] + scale/wordDigits*4 + wordBytes[scale%wordDigits]
}

// appendDecimal writes a DECIMAL(precision, scale) with all digits of its scale.
func appendDecimal(b []byte, c *cursor, precision, scale int) []byte {
	size := decimalBytes(precision, scale)
	raw := c.take(size)
	if raw == nil || size == 0 {
		return b
	}
	var digits [32]byte // 65 decimal digits take at most 30 bytes
	d := append(digits[:0], raw...)
	negative := d[0]&0x80 == 0
	d[0] ^= 0x80
	if negative {
		b = append(b, '-')
		for i := range d {
			d[i] ^= 0xff
		}
	}
	whole := precision - scale
	start := len(b)
	d, b = appendWord(b, d, whole%wordDigits)
	for range whole / wordDigits {
		d, b = appendWord(b, d, wordDigits)
	}
	b = trimZeros(b, start)
	if scale == 0 {
		return b
	}
	b = append(b, '.')
	for range scale / wordDigits {
		d, b = appendWord(b, d, wordDigits)
	}
	_, b = appendWord(b, d, scale%wordDigits)
	return b
}

// appendWord writes the word of so many decimal digits that d begins with, zeros included.
func appendWord(b, d []byte, digits int) (rest, out []byte) {
	var word [4]byte
	n := wordBytes[digits]
	copy(word[4-n:], d[:n])
	if digits > 0 {
		b = appendPadded(b, int(binary.BigEndian.Uint32(word[:])), digits)
	}
	return d[n:], b
}

// trimZeros removes the leading zeros of the number from start on, but for one digit.
func trimZeros(b []byte, start int) []byte {
	i := start
	for i < len(b)-1 && b[i] == '0' {
		i++
	}
	if i == len(b) {
		return append(b, '0')
	}
	return append(b[:start], b[i:]...)
}

// appendFloat writes the shortest decimal that reads back to the same bits.
func appendFloat(b []byte, v float64, bits int) []byte {
	return strconv.AppendFloat(b, v, 'g', -1, bits)
}
