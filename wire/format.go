package wire

import (
	"encoding/binary"

	"bridge/change"
)

const (
	magic   = "brg"
	version = 1
)

// Kind is what a record is.
type Kind uint8

// The kinds of record.
const (
	Data             Kind = iota + 1 // transactions
	HeartbeatMessage                 // the state of an origin that had nothing to publish
)

// Flags of a transaction.
const (
	flagLast = 1 << iota
	flagContinued
	flagVector
	flagGTID
	knownTransactionFlags = 1<<iota - 1
)

// Flags of an operation; the lowest three bits are its change.Kind.
const (
	maskKind      = 1<<3 - 1
	flagSameTable = 1 << 3
	flagKey       = 1 << 4
	flagOld       = 1 << 5
	flagNewStates = 1 << 6
	flagOldStates = 1 << 7
)

// States of a column in an image.
const (
	stateAbsent = iota
	stateNull
	stateText
	stateAsNew
)

const (
	flagFull   = 1 // of a table
	flagEngine = 2 // of a table
	flagIsKey  = 1 // of a column
)

// The extensions that name the sender's conflict rules, and those that it's ready to go over to.
const (
	rulesExtension = 2
	nextExtension  = 4
)

// requiredExtensions are the ids below which an extension must be understood.
const requiredExtensions = 64

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func appendInt(b []byte, v int64) []byte { return binary.AppendUvarint(b, zigzag(v)) }

func appendText(b []byte, s string) []byte {
	if n := len(s); n < 0x80 {
		b = append(b, byte(n))
	} else {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return append(b, s...)
}

// textSize is the size of s as a text.
func textSize(s string) int { return uvarintSize(len(s)) + len(s) }

func uvarintSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// isPlainKey reports whether row is what change.KeyOf makes of the image without normalizers.
func isPlainKey(t *change.Table, r change.Image, row string) bool {
	for _, c := range t.Keys {
		s, ok := r[c].Text()
		if !ok {
			return false
		}
		w := uvarintSize(len(s))
		if len(row) < w+len(s) || row[w:w+len(s)] != s {
			return false
		}
		for i, n := 0, len(s); i < w; i, n = i+1, n>>7 {
			digit := byte(n & 0x7f)
			if i < w-1 {
				digit |= 0x80
			}
			if row[i] != digit {
				return false
			}
		}
		row = row[w+len(s):]
	}
	return row == ""
}
