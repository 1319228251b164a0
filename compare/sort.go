package compare

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// sorter puts a region's rows into the order of [Selection.Compare]: in memory, and beyond sortMemory in sorted runs in
// files without a name, which are merged at the end.
type sorter struct {
	selection *Selection
	memory    int // bytes of rows that are held
	rows      []Row
	held      int
	runs      []*run
}

// sortMemory is what a region's sorter holds, in bytes. rowOverhead is what a row takes besides its texts.
const (
	sortMemory  = 64 << 20
	rowOverhead = 120
)

// run is a file of rows in order.
type run struct {
	file *os.File
	in   *bufio.Reader
	row  Row
}

func (o *sorter) add(rows []Row) error {
	for i := range rows {
		o.held += rowOverhead + len(rows[i].Hash) + 2*textBytes(rows[i].Key) + textBytes(rows[i].Own)
	}
	o.rows = append(o.rows, rows...)
	if o.held < o.memory {
		return nil
	}
	return o.spill()
}

func textBytes(texts []string) (n int) {
	for _, t := range texts {
		n += len(t)
	}
	return n
}

func (o *sorter) sort() {
	slices.SortFunc(o.rows, func(a, b Row) int { return o.selection.Compare(a.Key, b.Key) })
}

// spill writes the rows that are held to a run.
func (o *sorter) spill() error {
	o.sort()
	file, err := os.CreateTemp("", "bridge-compare-*")
	if err != nil {
		return fmt.Errorf("sort %s: %w", o.selection.TableName, err)
	}
	o.runs = append(o.runs, &run{file: file})
	if err := os.Remove(file.Name()); err != nil {
		return fmt.Errorf("sort %s: %w", o.selection.TableName, err)
	}
	out := bufio.NewWriterSize(file, 1<<16)
	var b []byte
	for i := range o.rows {
		b = appendRow(b[:0], &o.rows[i])
		if _, err := out.Write(b); err != nil {
			return fmt.Errorf("sort %s: %w (TMPDIR says where)", o.selection.TableName, err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("sort %s: %w (TMPDIR says where)", o.selection.TableName, err)
	}
	o.rows, o.held = o.rows[:0], 0
	return nil
}

// each yields all rows in order.
func (o *sorter) each(yield func([]Row) error) error {
	if len(o.runs) == 0 {
		o.sort()
		for chunk := range slices.Chunk(o.rows, mergeChunk) {
			if err := yield(chunk); err != nil {
				return err
			}
		}
		return nil
	}
	if err := o.spill(); err != nil {
		return err
	}
	o.rows = nil
	return o.mergeRuns(yield)
}

const mergeChunk = 1000

// mergeRuns takes the least row of any run until there's none. There are few runs: no heap is needed.
func (o *sorter) mergeRuns(yield func([]Row) error) error {
	for _, r := range o.runs {
		if _, err := r.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("sort %s: %w", o.selection.TableName, err)
		}
		r.in = bufio.NewReaderSize(r.file, 1<<16)
		if err := r.next(); err != nil {
			return fmt.Errorf("sort %s: %w", o.selection.TableName, err)
		}
	}
	var chunk []Row
	for {
		var least *run
		for _, r := range o.runs {
			if r.row.Key != nil && (least == nil || o.selection.Compare(r.row.Key, least.row.Key) < 0) {
				least = r
			}
		}
		if least != nil {
			chunk = append(chunk, least.row)
			if err := least.next(); err != nil {
				return fmt.Errorf("sort %s: %w", o.selection.TableName, err)
			}
		}
		if len(chunk) == mergeChunk || least == nil && len(chunk) > 0 {
			if err := yield(chunk); err != nil {
				return err
			}
			chunk = nil // the consumer keeps it
		}
		if least == nil {
			return nil
		}
	}
}

func (o *sorter) close() {
	for _, r := range o.runs {
		r.file.Close() //nolint:errcheck // it has no name: it's gone
	}
}

// next reads the run's next row; without one its key is nil.
func (r *run) next() (err error) {
	r.row, err = readRow(r.in)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// appendRow writes a row without its version, which a scanned row doesn't have.
func appendRow(b []byte, r *Row) []byte {
	b = appendTexts(b, r.Key)
	b = appendTexts(b, r.Own)
	return appendTexts(b, []string{r.Hash})
}

func appendTexts(b []byte, texts []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(texts)))
	for _, t := range texts {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
	}
	return b
}

func readRow(in *bufio.Reader) (r Row, err error) {
	if r.Key, err = readTexts(in); err != nil {
		return Row{}, err
	}
	own, err := readTexts(in)
	if len(own) > 0 {
		r.Own = own
	}
	if err != nil {
		return Row{}, cutShort(err)
	}
	hash, err := readTexts(in)
	if err != nil || len(hash) != 1 {
		return Row{}, cutShort(err)
	}
	r.Hash = hash[0]
	return r, nil
}

// cutShort is an end of the file within a row.
func cutShort(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func readTexts(in *bufio.Reader) ([]string, error) {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, err
	}
	texts := make([]string, n)
	for i := range texts {
		length, err := binary.ReadUvarint(in)
		if err != nil {
			return nil, cutShort(err)
		}
		b := make([]byte, length)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, cutShort(err)
		}
		texts[i] = string(b)
	}
	return texts, nil
}
