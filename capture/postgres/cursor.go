package postgres

import (
	"bytes"
	"encoding/binary"

	"bridge/change"
)

// cursor reads the fields of a message. Reading past its end gives zeros and sets short, which is to
// be looked at once, after the last field.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.rest) {
		c.short, c.rest = true, nil
		return make([]byte, min(max(n, 0), 8))
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) byte() byte     { return c.take(1)[0] }
func (c *cursor) uint16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }
func (c *cursor) uint32() uint32 { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cursor) uint64() uint64 { return binary.BigEndian.Uint64(c.take(8)) }

// string reads a string that a zero byte ends.
func (c *cursor) string() string {
	n := bytes.IndexByte(c.rest, 0)
	if n < 0 {
		c.short, c.rest = true, nil
		return ""
	}
	s := string(c.rest[:n])
	c.rest = c.rest[n+1:]
	return s
}

// done is an error when the message what was shorter or longer than its fields.
func (c *cursor) done(what string) error {
	if c.short {
		return badLog("%s message is cut short", what)
	}
	if len(c.rest) > 0 {
		return badLog("%s message has %d unknown bytes at its end", what, len(c.rest))
	}
	return nil
}

// tuple fills row from the TupleData at the start of s and returns what follows it. The values share
// s, so a message costs one string however many columns it has.
func tuple(s string, row change.Image) (rest string, err error) {
	if len(s) < 2 {
		return "", badLog("row is cut short")
	}
	if n := int(s[0])<<8 | int(s[1]); n != len(row) {
		return "", badLog("row has %d columns, its table was announced with %d", n, len(row))
	}
	s = s[2:]
	for i := range row {
		if s == "" {
			return "", badLog("row is cut short")
		}
		switch s[0] {
		case 'n':
			row[i] = change.Null
			s = s[1:]
		case 'u':
			row[i] = change.Absent
			s = s[1:]
		case 't':
			if len(s) < 5 {
				return "", badLog("row is cut short")
			}
			n := uint64(s[1])<<24 | uint64(s[2])<<16 | uint64(s[3])<<8 | uint64(s[4])
			if n > uint64(len(s)-5) {
				return "", badLog("row is cut short")
			}
			row[i] = change.Text(s[5 : 5+n])
			s = s[5+n:]
		default:
			return "", badLog("column of unknown kind %q in a row", s[:1])
		}
	}
	return s, nil
}
