package mysql

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-mysql-org/go-mysql/replication"
)

// spool keeps the events of undecided XA transactions: up to limit bytes in memory, the rest in one file
// per transaction.
type spool struct {
	dir   string
	limit int64
	used  int64 // memory held by all spills
	open  map[*spill]struct{}
}

// spill is the events of one transaction, in order: first those in the file, then those in memory.
type spill struct {
	memory  []byte
	file    *os.File
	size    int64 // of the file
	records int
}

// A record is the body's length (u32, little endian), the event's type, and the body.
const recordHeader = 4 + 1

// append adds an event to sp.
func (s *spool) append(sp *spill, e event) error {
	s.open[sp] = struct{}{}
	before := cap(sp.memory)
	sp.memory = binary.LittleEndian.AppendUint32(sp.memory, uint32(len(e.body)))
	sp.memory = append(append(sp.memory, byte(e.typ)), e.body...)
	sp.records++
	s.used += int64(cap(sp.memory) - before)
	if s.used > s.limit {
		return s.write(s.largest())
	}
	return nil
}

func (s *spool) largest() *spill {
	var largest *spill
	for sp := range s.open {
		if largest == nil || cap(sp.memory) > cap(largest.memory) {
			largest = sp
		}
	}
	return largest
}

// write moves what sp has in memory to its file.
func (s *spool) write(sp *spill) error {
	if sp.file == nil {
		f, err := os.CreateTemp(s.dir, "bridge-spill-*")
		if err == nil {
			sp.file = f
			err = os.Remove(f.Name()) // the disk space goes with the process, whatever ends it
		}
		if err != nil {
			return fmt.Errorf("spill file for an XA transaction: %w", err)
		}
	}
	n, err := sp.file.Write(sp.memory)
	sp.size += int64(n)
	if err != nil {
		return fmt.Errorf("spill file for an XA transaction, after %d bytes: %w: make room in the spill directory", sp.size, err)
	}
	s.used -= int64(cap(sp.memory))
	sp.memory = nil
	return nil
}

// release frees sp's memory and file.
func (s *spool) release(sp *spill) error {
	delete(s.open, sp)
	s.used -= int64(cap(sp.memory))
	sp.memory = nil
	if sp.file == nil {
		return nil
	}
	err := sp.file.Close()
	sp.file = nil
	return err
}

// close releases all.
func (s *spool) close() error {
	var errs []error
	for sp := range s.open {
		errs = append(errs, s.release(sp))
	}
	return errors.Join(errs...)
}

// spillReader reads a spill that isn't written to any more.
type spillReader struct {
	file *bufio.Reader // nil when nothing was written to a file, or all of it was read
	rest []byte
}

func (sp *spill) reader() *spillReader {
	r := &spillReader{rest: sp.memory}
	if sp.file != nil {
		r.file = bufio.NewReaderSize(io.NewSectionReader(sp.file, 0, sp.size), 256<<10)
	}
	return r
}

// next is the next event; io.EOF after the last. Its body stays valid.
func (r *spillReader) next() (event, error) {
	if r.file != nil {
		e, err := r.fromFile()
		if err != io.EOF {
			return e, err
		}
		r.file = nil
	}
	if len(r.rest) == 0 {
		return event{}, io.EOF
	}
	e, n := parseRecord(r.rest)
	e.body = r.rest[recordHeader : recordHeader+n : recordHeader+n]
	r.rest = r.rest[recordHeader+n:]
	return e, nil
}

func (r *spillReader) fromFile() (event, error) {
	var header [recordHeader]byte
	if _, err := io.ReadFull(r.file, header[:]); err == io.EOF {
		return event{}, io.EOF
	} else if err != nil {
		return event{}, fmt.Errorf("read spill file: %w", err)
	}
	e, n := parseRecord(header[:])
	e.body = make([]byte, n)
	if _, err := io.ReadFull(r.file, e.body); err != nil {
		return event{}, fmt.Errorf("read spill file: %w", noEOF(err))
	}
	return e, nil
}

func parseRecord(b []byte) (e event, length int) {
	return event{typ: replication.EventType(b[4])}, int(binary.LittleEndian.Uint32(b))
}
