package mysql

import (
	"bytes"
	"context"

	"bridge/change"
)

// scratch holds decoded values before they become images: all their texts in one piece of memory, so that
// a batch of rows costs one string however many values it has.
type scratch struct {
	text   []byte
	values []scratchValue
	old    []oldValue // of the row that is decoded, by column
}

// scratchValue is where a value's text is.
type scratchValue struct{ from, to int }

// Values without a text.
var (
	scratchAbsent = scratchValue{-1, 0}
	scratchNull   = scratchValue{-2, 0}
)

// oldValue is a value of a row's old image, and its form in the log. No form is another's beginning. So where the new image goes on
// with the same bytes its value is the same, and needs no decoding: that's most values of most updates.
type oldValue struct {
	raw   []byte // nil if it's absent or NULL
	value scratchValue
}

func (s *scratch) reset() {
	if cap(s.text) > 4*batchBytes { // after a huge row
		s.text = nil
	}
	s.text, s.values = s.text[:0], s.values[:0]
}

// row decodes the next row's image, or both of an update's.
func (s *scratch) row(ctx context.Context, r *rows, from *catalog) error {
	s.old = s.old[:0]
	if r.before != nil {
		if err := s.image(ctx, r, r.before, nil, from); err != nil {
			return err
		}
	}
	if r.after == nil {
		return nil
	}
	var partial *cursor
	if r.partial {
		var err error
		if partial, err = r.partialBits(); err != nil {
			return err
		}
	}
	return s.image(ctx, r, r.after, partial, from)
}

// image decodes one image: the columns in the bitmap, less those that are NULL. partial has a bit for
// each JSON column, in the bitmap or not.
func (s *scratch) image(ctx context.Context, r *rows, bitmap []byte, partial *cursor, from *catalog) error {
	columns := r.table.columns
	present := 0
	for i := range columns {
		if has(bitmap, i) {
			present++
		}
	}
	in := &r.rest
	nulls := in.take((present + 7) / 8)
	if in.short {
		return badLog("table %s: a row is cut short", r.table.name)
	}
	first := len(s.old) == 0
	n, documents := 0, 0
	for i := range columns {
		c := &columns[i]
		difference := false
		if partial != nil && c.typ == typeJSON {
			difference = has(partial.rest, documents)
			documents++
		}
		if !has(bitmap, i) {
			s.put(first, scratchAbsent, nil)
			continue
		}
		null := has(nulls, n)
		n++
		if null {
			s.put(first, scratchNull, nil)
			continue
		}
		if difference {
			if changed := in.sized(in.uint(int(c.meta))); len(changed) == 0 && !in.short { // none: it's as in the old image
				s.put(first, scratchAbsent, nil)
				continue
			}
			return badLog("table %s: column %q was updated in part (binlog_row_value_options), which bridge doesn't read: "+
				"SET GLOBAL binlog_row_value_options = '', let no session set it (it takes a privilege), and join this region anew", r.table.name, c.name)
		}
		if !first && s.old[i].again(in) {
			s.put(first, s.old[i].value, nil)
			continue
		}
		start, rest := len(s.text), in.rest
		var err error
		if s.text, err = c.appendValue(ctx, s.text, in, from); err != nil {
			return valueError(r.table.name, c.name, err)
		}
		if in.short {
			return badLog("table %s, column %q: the row is cut short", r.table.name, c.name)
		}
		s.put(first, scratchValue{start, len(s.text)}, rest[:len(rest)-len(in.rest)])
	}
	return nil
}

// put adds the next value of an image; raw is its form in the log. The first image of a row is remembered for the second.
func (s *scratch) put(first bool, v scratchValue, raw []byte) {
	s.values = append(s.values, v)
	if first {
		s.old = append(s.old, oldValue{raw, v})
	}
}

// again reports whether the value comes next once more, and if so goes past it.
func (o *oldValue) again(in *cursor) bool {
	if o.raw == nil || !bytes.HasPrefix(in.rest, o.raw) {
		return false
	}
	in.rest = in.rest[len(o.raw):]
	return true
}

// partialBits reads what says, before a new image, which JSON columns have differences instead of
// documents: nothing but zeros when the session's setting led to none.
func (r *rows) partialBits() (*cursor, error) {
	const partialJSON = 1
	documents := 0
	for i := range r.table.columns {
		if r.table.columns[i].typ == typeJSON {
			documents++
		}
	}
	options := r.rest.packed()
	if options&^partialJSON != 0 {
		return nil, badLog("table %s: an update has unknown options %#x", r.table.name, options)
	}
	if options == 0 {
		return nil, r.rest.done("rows event")
	}
	return &cursor{rest: r.rest.take((documents + 7) / 8)}, r.rest.done("rows event")
}

// images cuts the batch into rows.
func (s *scratch) images() *imageReader {
	return &imageReader{text: string(s.text), values: s.values}
}

type imageReader struct {
	text   string
	values []scratchValue
}

// next fills in the next image, and returns it.
func (r *imageReader) next(row change.Image) change.Image {
	for i, v := range r.values[:len(row)] {
		switch v {
		case scratchAbsent:
		case scratchNull:
			row[i] = change.Null
		default:
			row[i] = change.Text(r.text[v.from:v.to])
		}
	}
	r.values = r.values[len(row):]
	return row
}
