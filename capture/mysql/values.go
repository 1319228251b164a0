package mysql

import (
	"context"
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"

	"bridge/change"
)

// appendValue reads one value that isn't NULL and writes its text in bridge's form (see the package
// comment).
func (c *column) appendValue(ctx context.Context, b []byte, in *cursor, from *catalog) ([]byte, error) {
	switch c.typ {
	case typeTiny, typeShort, typeInt24, typeLong, typeLongLong:
		return c.appendInteger(b, in), nil
	case typeVarchar, typeVarString, typeString, typeBlob, typeCharPacked, typeBlobPacked:
		return c.appendBytes(ctx, b, in, from)
	case typeNewDecimal:
		return appendDecimal(b, in, int(c.meta>>8), int(c.meta&0xff)), nil
	case typeFloat:
		return appendFloat(b, float64(math.Float32frombits(in.uint32())), 32), nil
	case typeDouble:
		return appendFloat(b, math.Float64frombits(in.uint64()), 64), nil
	case typeDate, typeNewDate:
		return appendDate(b, in), nil
	case typeDatetime2:
		return appendDatetime(b, in, int(c.meta)), nil
	case typeTimestamp2:
		return appendTimestamp(b, in, int(c.meta)), nil
	case typeTime2:
		return appendTime(b, in, int(c.meta)), nil
	case typeYear:
		year := int(in.byte())
		if year > 0 {
			year += 1900
		}
		return appendPadded(b, year, 4), nil
	case typeBit:
		return appendBits(b, in, int(c.meta)), nil
	case typeEnum:
		return c.appendLabel(b, in)
	case typeSet:
		return c.appendSet(b, in)
	case typeJSON:
		return appendJSON(b, in.sized(in.uint(int(c.meta))))
	case typeGeometry, typeVector:
		return appendHex(b, in.sized(in.uint(int(c.meta)))), nil
	}
	return b, badLog("bridge doesn't know the type %d", c.typ)
}

func (c *column) appendInteger(b []byte, in *cursor) []byte {
	n := integerBytes(c.typ)
	v := in.uint(n)
	if c.unsigned {
		return strconv.AppendUint(b, v, 10)
	}
	shift := 64 - 8*n
	return strconv.AppendInt(b, int64(v<<shift)>>shift, 10)
}

// appendBytes writes text, or bytes in hexadecimal.
func (c *column) appendBytes(ctx context.Context, b []byte, in *cursor, from *catalog) ([]byte, error) {
	var data []byte
	switch {
	case c.typ == typeBlob, c.typ == typeBlobPacked:
		data = in.sized(in.uint(int(c.meta)))
	case c.meta > 255:
		data = in.take(int(in.uint16()))
	default:
		data = in.take(int(in.byte()))
	}
	if c.typ == typeCharPacked || c.typ == typeBlobPacked {
		var err error
		if data, err = unpack(data); err != nil {
			return b, err
		}
	}
	if c.native != "" {
		return appendNative(b, c.native, data, int(c.meta))
	}
	if !c.charset.binary {
		return c.charset.append(ctx, b, data, from)
	}
	b = appendHex(b, data)
	if c.typ == typeString { // the log leaves the zeros out that BINARY(n) ends with
		for i := len(data); i < int(c.meta); i++ {
			b = append(b, '0', '0')
		}
	}
	return b, nil
}

func appendHex(b, data []byte) []byte { return hex.AppendEncode(append(b, '\\', 'x'), data) }

// appendBits writes a BIT(n) as n binary digits.
func appendBits(b []byte, in *cursor, n int) []byte {
	v := in.bigEndian((n + 7) / 8)
	for i := n - 1; i >= 0; i-- {
		b = append(b, '0'+byte(v>>i&1))
	}
	return b
}

// appendLabel writes an ENUM's label. Number 0 is the empty string that stands for an invalid value.
func (c *column) appendLabel(b []byte, in *cursor) ([]byte, error) {
	n := in.uint(int(c.meta))
	if n > uint64(len(c.labels)) {
		return b, badLog("ENUM value %d of %d labels", n, len(c.labels))
	}
	if n == 0 {
		return b, nil
	}
	return append(b, c.labels[n-1]...), nil
}

func (c *column) appendSet(b []byte, in *cursor) ([]byte, error) {
	v := in.uint(int(c.meta))
	if len(c.labels) < 64 && v>>len(c.labels) != 0 {
		return b, badLog("SET value %#x of %d labels", v, len(c.labels))
	}
	comma := false
	for i, label := range c.labels {
		if v>>i&1 == 0 {
			continue
		}
		if comma {
			b = append(b, ',')
		}
		b = append(b, label...)
		comma = true
	}
	return b, nil
}

// appendNative writes a value of one of MariaDB's types that are stored as BINARY.
func appendNative(b []byte, typ string, data []byte, size int) ([]byte, error) {
	var raw [16]byte // the log leaves out the zeros at the end
	if len(data) > size || size > len(raw) {
		return b, badLog("a value of type %s has %d bytes", typ, len(data))
	}
	copy(raw[:], data)
	switch typ {
	case "inet4":
		return netip.AddrFrom4([4]byte(raw[:4])).AppendTo(b), nil
	case "inet6":
		return appendInet6(b, raw), nil
	case "uuid":
		return append(b, formatUUID(raw[:])...), nil
	}
	return b, badLog("bridge doesn't know the type %s", typ)
}

// appendInet6 writes an address as the server does: its longest run of zero groups left out, even one of a
// single group, and the last two groups as an IPv4 address where it's compatible with one or maps one.
func appendInet6(b []byte, raw [16]byte) []byte {
	var groups [8]uint64
	from, length, run := 0, 0, 0
	for i := range groups {
		groups[i] = uint64(raw[2*i])<<8 | uint64(raw[2*i+1])
		if groups[i] != 0 {
			run = 0
		} else if run++; run > length {
			from, length = i+1-run, run
		}
	}
	for i := 0; i < 8; i++ {
		if i == from && length > 0 {
			b = append(b, ':')
			if i += length; i == 8 {
				return append(b, ':')
			}
		}
		if i > 0 {
			b = append(b, ':')
		}
		if i == 6 && from == 0 && (length == 6 || length == 5 && groups[5] == 0xffff) {
			return netip.AddrFrom4([4]byte(raw[12:])).AppendTo(b)
		}
		b = strconv.AppendUint(b, groups[i], 16)
	}
	return b
}

// valueError says which column a value is of. The value itself isn't shown.
func valueError(name change.TableName, column string, err error) error {
	return &valueFault{name, column, err}
}

type valueFault struct {
	table  change.TableName
	column string
	err    error
}

func (e *valueFault) Error() string {
	return "table " + e.table.String() + ", column " + strconv.Quote(e.column) + ": " + e.err.Error()
}

func (e *valueFault) Unwrap() error { return e.err }
