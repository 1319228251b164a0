package spool

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Reader reads a spill that isn't written to any more.
type Reader struct {
	file   *bufio.Reader // nil when nothing was written to a file, or all of it was read
	chunks [][]byte
	rest   []byte // of the chunk before them
	record []byte // read from the file last
}

// Reader begins at sp's first record. It's of no use after sp is released.
func (sp *Spill) Reader() *Reader {
	r := &Reader{chunks: sp.chunks}
	if sp.file != nil {
		r.file = bufio.NewReaderSize(io.NewSectionReader(sp.file, 0, sp.size), 256<<10)
	}
	return r
}

// Next is the next record, valid until the call after this one; io.EOF after the last.
func (r *Reader) Next() ([]byte, error) {
	if r.file != nil {
		record, err := r.fromFile()
		if err != io.EOF {
			return record, err
		}
		r.file = nil
	}
	if len(r.rest) == 0 {
		if len(r.chunks) == 0 {
			return nil, io.EOF
		}
		r.rest, r.chunks = r.chunks[0], r.chunks[1:]
	}
	end := lengthBytes + int(binary.LittleEndian.Uint32(r.rest))
	record := r.rest[lengthBytes:end:end]
	r.rest = r.rest[end:]
	return record, nil
}

func (r *Reader) fromFile() ([]byte, error) {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(r.file, length[:]); err == io.EOF {
		return nil, io.EOF
	} else if err != nil {
		return nil, fmt.Errorf("read spill file: %w", err)
	}
	n := int(binary.LittleEndian.Uint32(length[:]))
	if cap(r.record) < n {
		r.record = make([]byte, n)
	}
	r.record = r.record[:n]
	if _, err := io.ReadFull(r.file, r.record); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read spill file: %w", err)
	}
	return r.record, nil
}
