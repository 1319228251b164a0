package mysql

import (
	"encoding/binary"
	"math"
)

// cursor reads the fields of an event's body, little endian. Reading past its end gives zeros and sets
// short, which is to be looked at once, after the last field.
type cursor struct {
	rest  []byte
	short bool
}

// take is the next n bytes, and nil when there aren't so many.
func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.short, c.rest = true, nil
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

// uint is an unsigned integer of n bytes, at most 8.
func (c *cursor) uint(n int) uint64 {
	switch n { // of nearly all values
	case 1:
		return uint64(c.byte())
	case 4:
		return uint64(c.uint32())
	case 8:
		return c.uint64()
	}
	var v uint64
	for i, b := range c.take(n) {
		v |= uint64(b) << (8 * i)
	}
	return v
}

// bigEndian is an unsigned integer of n bytes, at most 8, most significant byte first.
func (c *cursor) bigEndian(n int) uint64 {
	var v uint64
	for _, b := range c.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (c *cursor) byte() byte {
	if len(c.rest) == 0 {
		c.short = true
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// packed is an integer in the protocol's length-encoded form.
func (c *cursor) packed() uint64 {
	switch b := c.byte(); b {
	case 0xfc:
		return c.uint(2)
	case 0xfd:
		return c.uint(3)
	case 0xfe:
		return c.uint(8)
	case 0xfb, 0xff: // NULL and an error's mark, where no integer may be
		c.short, c.rest = true, nil
		return 0
	default:
		return uint64(b)
	}
}

// packedBytes is a string preceded by its packed length.
func (c *cursor) packedBytes() []byte { return c.sized(c.packed()) }

// sized is the next n bytes, for an n that the log gave.
func (c *cursor) sized(n uint64) []byte {
	if n > math.MaxInt32 && n > uint64(len(c.rest)) {
		c.short, c.rest = true, nil
		return nil
	}
	return c.take(int(n))
}

// done is an error when what was read is shorter than its fields.
func (c *cursor) done(what string) error {
	if c.short {
		return badLog("%s is cut short", what)
	}
	return nil
}
