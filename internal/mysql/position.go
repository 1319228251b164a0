package mysql

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// BinlogPosition is a place in a server's binary log: the file's number (binlog.000012 is 12) and the
// place in it, in bytes. The files' base name is the server's setting; it isn't part of the position.
type BinlogPosition struct {
	File   uint32
	Offset uint64
}

// Bits of the offset in an encoded position. A file grows beyond max_binlog_size, and beyond 4 GiB, by
// the size of one transaction, so 32 bits would be too few; file numbers end at 0x7fffffff, of which a
// server that rotates every minute has used 24 bits after 31 years.
const offsetBits = 40

// Encode is the position as [change.Position]'s Offset: positions in log order are numbers in order. It's
// an error when a part doesn't fit: file numbers from 2^24 and offsets from 2^40 (1 TiB) on.
func (p BinlogPosition) Encode() (uint64, error) {
	if p.File >= 1<<(64-offsetBits) {
		return 0, fmt.Errorf("binlog file number %d is too big: have the DBA run RESET BINARY LOGS AND GTIDS (MariaDB: RESET MASTER) when all regions are in step, and join this region anew", p.File)
	}
	if p.Offset >= 1<<offsetBits {
		return 0, fmt.Errorf("binlog position %s is beyond 1 TiB: lower max_binlog_size and split the transaction", p)
	}
	return uint64(p.File)<<offsetBits | p.Offset, nil
}

// DecodePosition is the inverse of [BinlogPosition.Encode].
func DecodePosition(offset uint64) BinlogPosition {
	return BinlogPosition{File: uint32(offset >> offsetBits), Offset: offset & (1<<offsetBits - 1)}
}

// Compare is negative when p is before q in the log, zero when they're the same, positive otherwise.
func (p BinlogPosition) Compare(q BinlogPosition) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Offset, q.Offset))
}

// String is the position in short: "000012:4711".
func (p BinlogPosition) String() string { return fmt.Sprintf("%06d:%d", p.File, p.Offset) }

// FileName is the name of the position's file, given the files' base name.
func (p BinlogPosition) FileName(base string) string { return fmt.Sprintf("%s.%06d", base, p.File) }

// ParseBinlogFile takes a binary log's name apart: "binlog.000012" is "binlog" and 12. A path in front
// stays with the base.
func ParseBinlogFile(name string) (base string, number uint32, err error) {
	dot := strings.LastIndexByte(name, '.')
	if dot > 0 {
		if n, err := strconv.ParseUint(name[dot+1:], 10, 32); err == nil && len(name)-dot > 6 && n > 0 {
			return name[:dot], uint32(n), nil
		}
	}
	return "", 0, fmt.Errorf("%q isn't the name of a binary log, such as binlog.000012", name)
}
