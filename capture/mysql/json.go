package mysql

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
)

// The types of MySQL's binary JSON, by their first byte.
const (
	jsonSmallObject = iota
	jsonLargeObject
	jsonSmallArray
	jsonLargeArray
	jsonLiteral
	jsonInt16
	jsonUint16
	jsonInt32
	jsonUint32
	jsonInt64
	jsonUint64
	jsonDouble
	jsonString
	jsonOpaque = 0x0f
)

// jsonDepth is as deep as MySQL lets documents be.
const jsonDepth = 100

// appendJSON writes a binary JSON document as the server prints it. No bytes at all is what the server
// stores for NULL in a NOT NULL column under INSERT IGNORE; it reads that as the literal null.
func appendJSON(b, document []byte) ([]byte, error) {
	if len(document) == 0 {
		return append(b, "null"...), nil
	}
	r := jsonReader{left: len(document)}
	return r.value(b, document[0], document[1:], 0)
}

// jsonReader reads one document.
type jsonReader struct {
	// left is how many values may come: in a valid document each takes some bytes of its own. In others
	// offsets may lead several values to the same place, again and again.
	left int
}

func (r *jsonReader) value(b []byte, typ byte, data []byte, depth int) ([]byte, error) {
	if r.left--; depth > jsonDepth || r.left < 0 {
		return b, badLog("JSON document is nested deeper than %d levels, or in itself", jsonDepth)
	}
	c := cursor{rest: data}
	switch typ {
	case jsonSmallObject, jsonLargeObject, jsonSmallArray, jsonLargeArray:
		return r.container(b, typ, data, depth)
	case jsonLiteral:
		literal := c.byte()
		if literal > 2 {
			return b, badLog("unknown JSON literal %d", literal)
		}
		b = append(b, [...]string{"null", "true", "false"}[literal]...)
	case jsonInt16:
		b = strconv.AppendInt(b, int64(int16(c.uint16())), 10)
	case jsonUint16:
		b = strconv.AppendUint(b, uint64(c.uint16()), 10)
	case jsonInt32:
		b = strconv.AppendInt(b, int64(int32(c.uint32())), 10)
	case jsonUint32:
		b = strconv.AppendUint(b, uint64(c.uint32()), 10)
	case jsonInt64:
		b = strconv.AppendInt(b, int64(c.uint64()), 10)
	case jsonUint64:
		b = strconv.AppendUint(b, c.uint64(), 10)
	case jsonDouble:
		b = appendJSONDouble(b, math.Float64frombits(c.uint64()))
	case jsonString:
		b = appendJSONString(b, c.sized(c.variable()))
	case jsonOpaque:
		return appendJSONOpaque(b, &c)
	default:
		return b, badLog("unknown JSON type %d", typ)
	}
	return b, c.done("JSON document")
}

// variable is a length in seven bits a byte, least significant first.
func (c *cursor) variable() uint64 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := c.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	c.short = true
	return 0
}

// container is an object's or array's frame: its element count, then an entry for each key (offset and
// length) and for each value (type, and the value itself when it's small enough, else its offset), then
// what the offsets, counted from the container's start, lead to.
type container struct {
	data   []byte
	wide   int // bytes of an offset: 2 or 4
	object bool
	count  int
}

func (r *jsonReader) container(b []byte, typ byte, data []byte, depth int) ([]byte, error) {
	c := container{data: data, wide: 2, object: typ <= jsonLargeObject}
	if typ == jsonLargeObject || typ == jsonLargeArray {
		c.wide = 4
	}
	head := cursor{rest: data}
	c.count = int(head.uint(c.wide))
	size := head.uint(c.wide)
	if head.short || size > uint64(len(data)) || uint64(c.header()) > size {
		return b, badLog("JSON document is cut short")
	}
	open, end := byte('['), byte(']')
	if c.object {
		open, end = '{', '}'
	}
	b = append(b, open)
	for i := range c.count {
		if i > 0 {
			b = append(b, ", "...)
		}
		var err error
		if b, err = r.element(b, &c, i, depth); err != nil {
			return b, err
		}
	}
	return append(b, end), nil
}

// header is the size of counts and entries.
func (c *container) header() int { return c.values() + c.count*(1+c.wide) }

// values is where the value entries begin.
func (c *container) values() int {
	if c.object {
		return 2*c.wide + c.count*(c.wide+2)
	}
	return 2 * c.wide
}

func (r *jsonReader) element(b []byte, c *container, i, depth int) ([]byte, error) {
	if c.object {
		entry := cursor{rest: c.data[2*c.wide+i*(c.wide+2):]}
		at := entry.uint(c.wide)
		length := entry.uint(2)
		if at+length > uint64(len(c.data)) {
			return b, badLog("JSON document is cut short")
		}
		b = append(appendJSONString(b, c.data[at:at+length]), ": "...)
	}
	entry := c.data[c.values()+i*(1+c.wide):]
	typ, inline := entry[0], entry[1:1+c.wide]
	switch typ {
	case jsonLiteral, jsonInt16, jsonUint16:
		return r.value(b, typ, inline, depth+1)
	case jsonInt32, jsonUint32:
		if c.wide == 4 {
			return r.value(b, typ, inline, depth+1)
		}
	}
	where := cursor{rest: inline}
	at := where.uint(c.wide)
	if at < uint64(c.header()) || at > uint64(len(c.data)) { // what's before holds no values
		return b, badLog("JSON document is cut short")
	}
	return r.value(b, typ, c.data[at:], depth+1)
}

// appendJSONString escapes what the server escapes. The bytes are UTF-8 already.
func appendJSONString(b, s []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, ch := range s {
		switch {
		case ch == '"', ch == '\\':
			b = append(b, '\\', ch)
		case ch >= 0x20:
			b = append(b, ch)
		case ch == '\b':
			b = append(b, `\b`...)
		case ch == '\t':
			b = append(b, `\t`...)
		case ch == '\n':
			b = append(b, `\n`...)
		case ch == '\f':
			b = append(b, `\f`...)
		case ch == '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[ch>>4], hex[ch&15])
		}
	}
	return append(b, '"')
}

// appendJSONDouble writes a double as the server does (my_gcvt): the shortest digits, plain while the
// first one is at most 15 places from the point, else with an exponent; ".0" marks a whole one as a
// double.
func appendJSONDouble(b []byte, v float64) []byte {
	var scratch [32]byte
	e := strconv.AppendFloat(scratch[:0], v, 'e', -1, 64)
	mark := bytes.IndexByte(e, 'e')
	if mark < 0 { // NaN and infinities, which the server refuses
		return append(b, "null"...)
	}
	exponent, _ := strconv.Atoi(string(e[mark+1:]))
	if exponent >= 15 || exponent < -15 {
		b = append(b, e[:mark+1]...)
		return strconv.AppendInt(b, int64(exponent), 10)
	}
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	if v == math.Trunc(v) {
		b = append(b, ".0"...)
	}
	return b
}

// appendJSONOpaque writes a value of an SQL type that JSON doesn't have.
func appendJSONOpaque(b []byte, c *cursor) ([]byte, error) {
	typ := c.byte()
	data := c.sized(c.variable())
	if err := c.done("JSON document"); err != nil {
		return b, err
	}
	v := cursor{rest: data}
	switch typ {
	case typeNewDecimal:
		precision, scale := int(v.byte()), int(v.byte())
		if scale > precision || precision > 65 {
			return b, badLog("JSON document has a DECIMAL(%d, %d)", precision, scale)
		}
		b = appendDecimal(b, &v, precision, scale)
	case typeDate, typeDatetime, typeTimestamp, typeTime:
		b = append(appendPackedTemporal(append(b, '"'), typ, int64(v.uint64())), '"')
	default: // as mysqld prints it, for lack of anything better
		b = append(strconv.AppendUint(append(b, `"base64:type`...), uint64(typ), 10), ':')
		b = append(base64.StdEncoding.AppendEncode(b, data), '"')
		return b, nil
	}
	return b, v.done("JSON document")
}

// appendPackedTemporal writes a temporal value from JSON's own form: a datetime's or time's bits with
// 24 bits of microseconds below them. The server prints all six digits of the fraction.
func appendPackedTemporal(b []byte, typ byte, v int64) []byte {
	if v < 0 {
		v = -v
		b = append(b, '-')
	}
	micros, whole := int(v&(1<<24-1)), v>>24
	clock := int(whole & (1<<17 - 1))
	if typ == typeTime {
		b = appendClock(b, int(whole>>12&1023), clock>>6&63, clock&63)
	} else {
		day := int(whole >> 17)
		month := day >> 5
		b = appendYMD(b, month/13, month%13, day&31)
		if typ == typeDate {
			return b
		}
		b = appendClock(append(b, ' '), clock>>12, clock>>6&63, clock&63)
	}
	return appendPadded(append(b, '.'), micros, 6)
}
