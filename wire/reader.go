package wire

import (
	"bridge/change"
)

// reader takes a record apart. After the first error every read returns zero values and err stays.
type reader struct {
	s   string
	at  int
	err error
}

// fail notes the first error.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) corrupt(what string) { r.fail(corrupt(r.at, "%s", what)) }

// left is how many bytes there are still to read.
func (r *reader) left() int { return len(r.s) - r.at }

func (r *reader) u8() byte {
	if r.err != nil || r.at >= len(r.s) {
		r.corrupt("cut short")
		return 0
	}
	c := r.s[r.at]
	r.at++
	return c
}

func (r *reader) uint() uint64 {
	if r.err == nil && r.at < len(r.s) && r.s[r.at] < 0x80 {
		u := uint64(r.s[r.at])
		r.at++
		return u
	}
	return r.longUint()
}

// longUint reads a varint of several bytes. The shortest form is demanded: keys are cut from a record
// with their lengths, and equal keys must be equal bytes.
func (r *reader) longUint() (u uint64) {
	for shift := 0; shift < 64; shift += 7 {
		c := r.u8()
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if c == 0 && shift > 0 || shift == 63 && c > 1 {
				break
			}
			return u
		}
	}
	r.corrupt("bad varint")
	return 0
}

func (r *reader) int() int64 { return unzigzag(r.uint()) }

// count reads how many things follow that take at least one byte per perByte of them, so that a
// record can't ask for memory out of proportion to its size.
func (r *reader) count(perByte int) int {
	n := r.uint()
	if n > uint64(r.left())*uint64(perByte) {
		r.corrupt("count exceeds the record")
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.uint()
	if r.err != nil || n > uint64(r.left()) {
		r.corrupt("cut short")
		return ""
	}
	s := r.s[r.at : r.at+int(n)]
	r.at += int(n)
	return s
}

// position reads a place in a log.
func (r *reader) position() change.Position {
	return change.Position{Offset: r.uint(), GTID: r.text()}
}
