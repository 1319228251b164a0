package postgres

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pglogrepl"
)

// spool keeps the messages of streamed transactions until their commit: up to limit bytes in memory,
// the rest in one file per transaction.
type spool struct {
	dir   string
	limit int64
	used  int64 // memory held by all spills
	open  map[*spill]struct{}
}

// spill is the messages of one transaction, in order: first those in the file, then the chunks.
type spill struct {
	chunks [][]byte
	memory int64
	file   *os.File
	size   int64 // of the file
}

// A record is a header and a body: the body's length and the xid (u32 each), the log position (u64),
// little endian, and the message's tag. No record crosses the end of a chunk.
const (
	recordHeader = 4 + 4 + 8 + 1
	chunkSize    = 64 << 10
)

// record is one message of a streamed transaction. Its body is valid until the next record is read.
type record struct {
	xid  uint32 // of the subtransaction, or the transaction
	at   pglogrepl.LSN
	tag  byte
	body []byte // of the message, less the xid
}

func newSpool(dir string, limit int64) *spool {
	return &spool{dir: dir, limit: limit, open: make(map[*spill]struct{})}
}

// append adds a record to sp.
func (s *spool) append(sp *spill, r record) error {
	s.open[sp] = struct{}{}
	need := recordHeader + len(r.body)
	last := len(sp.chunks) - 1
	if last < 0 || cap(sp.chunks[last])-len(sp.chunks[last]) < need {
		chunk := make([]byte, 0, max(chunkSize, need))
		sp.chunks = append(sp.chunks, chunk)
		sp.memory += int64(cap(chunk))
		s.used += int64(cap(chunk))
		last++
	}
	b := sp.chunks[last]
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.body)))
	b = binary.LittleEndian.AppendUint32(b, r.xid)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.at))
	b = append(b, r.tag)
	sp.chunks[last] = append(b, r.body...)
	if s.used > s.limit {
		return s.write(s.largest())
	}
	return nil
}

func (s *spool) largest() *spill {
	var largest *spill
	for sp := range s.open {
		if largest == nil || sp.memory > largest.memory {
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

// release frees sp's memory and file.
func (s *spool) release(sp *spill) error {
	delete(s.open, sp)
	s.used -= sp.memory
	sp.chunks, sp.memory = nil, 0
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
	file   *bufio.Reader // nil when nothing was written to a file, or all of it was read
	chunks [][]byte
	body   []byte
}

func (sp *spill) reader() *spillReader {
	r := &spillReader{chunks: sp.chunks}
	if sp.file != nil {
		r.file = bufio.NewReaderSize(io.NewSectionReader(sp.file, 0, sp.size), 256<<10)
	}
	return r
}

// next is the next record; io.EOF after the last.
func (r *spillReader) next() (record, error) {
	if r.file != nil {
		rec, err := r.fromFile()
		if err != io.EOF {
			return rec, err
		}
		r.file = nil
	}
	for len(r.chunks) > 0 && len(r.chunks[0]) == 0 {
		r.chunks = r.chunks[1:]
	}
	if len(r.chunks) == 0 {
		return record{}, io.EOF
	}
	b := r.chunks[0]
	rec, n := parseRecordHeader(b)
	rec.body = b[recordHeader : recordHeader+n]
	r.chunks[0] = b[recordHeader+n:]
	return rec, nil
}

func (r *spillReader) fromFile() (record, error) {
	var header [recordHeader]byte
	if _, err := io.ReadFull(r.file, header[:]); err == io.EOF {
		return record{}, io.EOF
	} else if err != nil {
		return record{}, fmt.Errorf("read spill file: %w", err)
	}
	rec, n := parseRecordHeader(header[:])
	if cap(r.body) < n {
		r.body = make([]byte, n)
	}
	rec.body = r.body[:n]
	if _, err := io.ReadFull(r.file, rec.body); err != nil {
		return record{}, fmt.Errorf("read spill file: %w", noEOF(err))
	}
	return rec, nil
}

func parseRecordHeader(b []byte) (rec record, length int) {
	rec.xid = binary.LittleEndian.Uint32(b[4:])
	rec.at = pglogrepl.LSN(binary.LittleEndian.Uint64(b[8:]))
	rec.tag = b[16]
	return rec, int(binary.LittleEndian.Uint32(b))
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
