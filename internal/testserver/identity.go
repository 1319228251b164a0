package testserver

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
)

// newSystemIdentifier gives a copied cluster an identifier of its own, as initdb would have. Regions
// with the same one would look like physical copies of each other.
//
// A control file begins with the identifier (8 bytes). Its meaningful part ends with a CRC-32C of all
// before it; where that is depends on the version, so it's found by its value.
func newSystemIdentifier(path string) error {
	control, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("control file: %w", err)
	}
	end, ok := findChecksum(control)
	if !ok {
		return fmt.Errorf("control file %s has no checksum: not PostgreSQL's, or of another byte order", path)
	}
	binary.NativeEndian.PutUint64(control, rand.Uint64()>>1|1) // positive, and never 0
	binary.NativeEndian.PutUint32(control[end:], crc32.Checksum(control[:end], castagnoli))
	if err := os.WriteFile(path, control, 0o600); err != nil {
		return fmt.Errorf("control file: %w", err)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// findChecksum returns the offset of the first word that is the checksum of all before it.
func findChecksum(control []byte) (int, bool) {
	const first, step = 64, 4
	for at := first; at+step <= len(control); at += step {
		if binary.NativeEndian.Uint32(control[at:]) == crc32.Checksum(control[:at], castagnoli) {
			return at, true
		}
	}
	return 0, false
}
