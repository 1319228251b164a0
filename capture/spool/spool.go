// Package spool keeps what a log shows of transactions before it's known whether they commit: up to a limit in
// memory, the rest in one unlinked file per transaction.
package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// Spool holds spills, and bounds the memory that they have together.
type Spool struct {
	dir   string
	limit int64
	used  int64 // memory held by all spills
	open  map[*Spill]struct{}
}

// Spill is the records of one transaction, in order: first those in the file, then the chunks. The zero Spill
// is empty.
type Spill struct {
	chunks [][]byte
	memory int64
	file   *os.File
	size   int64 // of the file
}

// A record is its length (u32, little endian) and so many bytes. No record crosses the end of a chunk.
//
// A spill's chunks double its memory up to chunkSize, so that many small spills take little.
const (
	lengthBytes = 4
	firstChunk  = 4 << 10
	chunkSize   = 64 << 10
)

// New makes a spool with files in dir and at most limit bytes in memory.
func New(dir string, limit int64) *Spool {
	return &Spool{dir: dir, limit: limit, open: make(map[*Spill]struct{})}
}

// Append adds a record to sp: head and then body, which are copied.
func (s *Spool) Append(sp *Spill, head, body []byte) error {
	need := lengthBytes + len(head) + len(body)
	last := len(sp.chunks) - 1
	if last < 0 || cap(sp.chunks[last])-len(sp.chunks[last]) < need {
		s.open[sp] = struct{}{}
		size := max(need, firstChunk, min(int(sp.memory), chunkSize))
		sp.chunks = append(sp.chunks, make([]byte, 0, size))
		sp.memory += int64(size)
		s.used += int64(size)
		last++
	}
	b := sp.chunks[last]
	b = binary.LittleEndian.AppendUint32(b, uint32(len(head)+len(body)))
	sp.chunks[last] = append(append(b, head...), body...)
	if s.used > s.limit {
		return s.write(s.largest())
	}
	return nil
}

// Held is how many bytes of memory the spills have.
func (s *Spool) Held() int64 { return s.used }

// Size is how many bytes sp's records take, wherever they are.
func (sp *Spill) Size() int64 {
	size := sp.size
	for _, chunk := range sp.chunks {
		size += int64(len(chunk))
	}
	return size
}

func (s *Spool) largest() *Spill {
	var largest *Spill
	for sp := range s.open {
		if largest == nil || sp.memory > largest.memory {
			largest = sp
		}
	}
	return largest
}

// write moves what sp has in memory to its file.
func (s *Spool) write(sp *Spill) error {
	if sp.file == nil {
		f, err := os.CreateTemp(s.dir, "bridge-spill-*")
		if err == nil {
			sp.file = f
			err = os.Remove(f.Name()) // the disk space goes with the process, whatever ends it
		}
		if err != nil {
			return fmt.Errorf("spill file for a large transaction: %w", err)
		}
	}
	for _, chunk := range sp.chunks {
		n, err := sp.file.Write(chunk)
		sp.size += int64(n)
		if err != nil {
			return fmt.Errorf("spill file for a large transaction, after %d bytes: %w: make room in the spill directory", sp.size, err)
		}
	}
	s.used -= sp.memory
	sp.chunks, sp.memory = nil, 0
	return nil
}

// Release frees sp's memory and file.
func (s *Spool) Release(sp *Spill) error {
	delete(s.open, sp)
	s.used -= sp.memory
	file := sp.file
	*sp = Spill{}
	if file == nil {
		return nil
	}
	return file.Close()
}

// Close releases all spills.
func (s *Spool) Close() error {
	var errs []error
	for sp := range s.open {
		errs = append(errs, s.Release(sp))
	}
	return errors.Join(errs...)
}
