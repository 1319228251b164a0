package postgres

import (
	"encoding/binary"

	"bridge/change"
)

// textArray builds a one-dimensional text[] in PostgreSQL's binary format (array_send in
// src/backend/utils/adt/arrayfuncs.c): no quoting, and NULL is a length of -1.
type textArray struct {
	b     []byte
	count int
}

const (
	textOID      = 25
	textArrayOID = 1009
	arrayHeader  = 20
)

func (a *textArray) reset() {
	a.b = append(a.b[:0], make([]byte, arrayHeader)...)
	a.count = 0
}

func (a *textArray) add(s string) {
	a.b = binary.BigEndian.AppendUint32(a.b, uint32(len(s)))
	a.b = append(a.b, s...)
	a.count++
}

func (a *textArray) addNull() {
	a.b = binary.BigEndian.AppendUint32(a.b, 0xffffffff)
	a.count++
}

func (a *textArray) addValue(v change.Value) {
	if s, ok := v.Text(); ok {
		a.add(s)
	} else {
		a.addNull()
	}
}

// bytes is the array; it's valid until the next reset.
func (a *textArray) bytes() []byte {
	h := a.b[:arrayHeader]
	binary.BigEndian.PutUint32(h[0:], 1) // dimensions
	binary.BigEndian.PutUint32(h[4:], 1) // may hold NULLs
	binary.BigEndian.PutUint32(h[8:], textOID)
	binary.BigEndian.PutUint32(h[12:], uint32(a.count))
	binary.BigEndian.PutUint32(h[16:], 1) // lower bound
	return a.b
}

// newArrays are n empty arrays.
func newArrays(n int) []textArray {
	arrays := make([]textArray, n)
	for i := range arrays {
		arrays[i].reset()
	}
	return arrays
}

// params are arrays as parameters, valid until the next reset of one.
func params(arrays []textArray) [][]byte {
	out := make([][]byte, len(arrays))
	for i := range arrays {
		out[i] = arrays[i].bytes()
	}
	return out
}
