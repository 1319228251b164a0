package mysql

import (
	"context"

	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/capture"
	"bridge/change"
)

// rows is a rows event that is being decoded.
type rows struct {
	table   *table
	kind    change.Kind
	before  []byte // which columns the old images have; nil without old images
	after   []byte // which the new ones have
	partial bool   // new images may have differences of JSON documents instead of documents
	full    bool   // old images, or new ones of an insert, are complete
	rest    cursor
}

// rowsEvent begins a rows event.
func (s *Source) rowsEvent(ctx context.Context, e event) error {
	if s.group.past {
		return nil
	}
	c := cursor{rest: e.body}
	t, err := s.tables.get(c.uint(6))
	if err != nil {
		return err
	}
	if t.role == roleOther || t.role == roleData && s.current.Kind() == capture.Echo {
		return nil
	}
	if err := s.tables.resolve(ctx, t, s.catalog); err != nil {
		return err
	}
	if t.err != nil {
		return t.err
	}
	if t.role == roleOther { // known only now
		return nil
	}
	r := &rows{table: t}
	if err := r.head(&c, e.typ); err != nil {
		return err
	}
	if t.role != roleData {
		return s.ownRows(ctx, r)
	}
	s.rows = r
	_, err = s.current.Data()
	return err
}

// head reads what precedes the rows, from the flags on.
func (r *rows) head(c *cursor, typ replication.EventType) (err error) {
	c.uint16() // flags
	switch typ {
	case replication.WRITE_ROWS_EVENTv2, replication.UPDATE_ROWS_EVENTv2, replication.DELETE_ROWS_EVENTv2, replication.PARTIAL_UPDATE_ROWS_EVENT:
		c.take(int(c.uint16()) - 2) // partitions and such
	}
	switch typ {
	case replication.WRITE_ROWS_EVENTv1, replication.WRITE_ROWS_EVENTv2, replication.MARIADB_WRITE_ROWS_COMPRESSED_EVENT_V1:
		r.kind = change.Insert
	case replication.DELETE_ROWS_EVENTv1, replication.DELETE_ROWS_EVENTv2, replication.MARIADB_DELETE_ROWS_COMPRESSED_EVENT_V1:
		r.kind = change.Delete
	default:
		r.kind = change.Update
	}
	r.partial = typ == replication.PARTIAL_UPDATE_ROWS_EVENT
	n := c.packed()
	if n != uint64(len(r.table.columns)) {
		return badLog("table %s: rows have %d columns, the table was announced with %d", r.table.name, n, len(r.table.columns))
	}
	width := (len(r.table.columns) + 7) / 8
	if r.kind != change.Insert {
		r.before = c.take(width)
	}
	if r.kind != change.Delete {
		r.after = c.take(width)
	}
	if err := c.done("rows event"); err != nil {
		return err
	}
	if r.rest = *c; r.kind == change.Insert {
		r.full = complete(r.after, len(r.table.columns))
	} else {
		r.full = complete(r.before, len(r.table.columns))
	}
	if err := r.checkColumns(); err != nil {
		return err
	}
	switch typ {
	case replication.MARIADB_WRITE_ROWS_COMPRESSED_EVENT_V1, replication.MARIADB_UPDATE_ROWS_COMPRESSED_EVENT_V1, replication.MARIADB_DELETE_ROWS_COMPRESSED_EVENT_V1:
		r.rest.rest, err = inflate(c.rest)
	}
	return err
}

// checkColumns makes sure that the images have what they must have. Then no row is of no bytes.
func (r *rows) checkColumns() error {
	if r.kind == change.Insert && !r.full {
		return r.lacks("an inserted row", func(i int) bool { return !has(r.after, i) })
	}
	for _, k := range r.table.key {
		if r.before != nil && !has(r.before, k) {
			return badLog("table %s: an old row lacks key column %q", r.table.name, r.table.columns[k].name)
		}
	}
	return nil
}

// complete reports whether a bitmap has all columns. MySQL sets the bits beyond the last one, too.
func complete(bitmap []byte, columns int) bool {
	for i := range columns {
		if !has(bitmap, i) {
			return false
		}
	}
	return true
}

func has(bitmap []byte, column int) bool { return bitmap[column>>3]>>(column&7)&1 != 0 }

// What is decoded at a time at most, but for the last row.
const (
	batchRows  = 1024
	batchBytes = 64 << 10
)

// decode turns some of r's rows into operations; more says that there are others.
func (s *Source) decode(ctx context.Context, r *rows) (more bool, err error) {
	s.scratch.reset()
	count := 0
	for count < batchRows && len(s.scratch.text) < batchBytes && len(r.rest.rest) > 0 {
		before := len(r.rest.rest)
		if err := s.scratch.row(ctx, r, s.catalog); err != nil {
			return false, err
		}
		if len(r.rest.rest) == before {
			return false, badLog("table %s: a row of no bytes", r.table.name)
		}
		count++
	}
	if count == 0 {
		return false, nil
	}
	s.current.Room(len(s.scratch.text))
	images := s.scratch.images()
	table := r.table.shape(r.full)
	n := len(table.Columns)
	for range count {
		var old, row change.Image
		if r.before != nil {
			old = images.next(s.current.Old(n))
		}
		if r.after != nil {
			row = images.next(s.current.Image(n))
		}
		if err := s.operation(ctx, r, table, old, row); err != nil {
			return false, err
		}
	}
	return len(r.rest.rest) > 0, nil
}

func (s *Source) operation(ctx context.Context, r *rows, table *change.Table, old, row change.Image) error {
	switch r.kind {
	case change.Insert:
		return s.insert(ctx, r, table, row)
	case change.Update:
		return s.update(ctx, r, table, old, row)
	}
	key, err := r.table.keyOf(ctx, table, old)
	if err != nil {
		return err
	}
	if !r.full {
		old = nil
	}
	s.current.Add(change.Operation{Kind: change.Delete, Table: table, Key: key, Old: old})
	return nil
}

func (s *Source) insert(ctx context.Context, r *rows, table *change.Table, row change.Image) error {
	key, err := r.table.keyOf(ctx, table, row)
	if err != nil {
		return err
	}
	s.current.Add(change.Operation{Kind: change.Insert, Table: table, Key: key, New: row})
	return nil
}

// update makes an update or, when the key has changed, a delete and an insert. What the new image lacks
// is as it was.
func (s *Source) update(ctx context.Context, r *rows, table *change.Table, old, row change.Image) error {
	for i := range row {
		if row[i].IsAbsent() {
			row[i] = old[i]
		}
	}
	key, err := r.table.keyOf(ctx, table, row)
	if err != nil {
		return err
	}
	oldKey := key
	if !sameKeyText(table, old, row) {
		if oldKey, err = r.table.keyOf(ctx, table, old); err != nil {
			return err
		}
	}
	if oldKey == key {
		capture.Withhold(r.table.withheld, old, row)
	}
	if !r.full {
		old = nil
	}
	if oldKey == key {
		s.current.Add(change.Operation{Kind: change.Update, Table: table, Key: key, Old: old, New: row})
		return nil
	}
	if !row.Complete() {
		return r.lacks("a row whose key has changed", func(i int) bool { return row[i].IsAbsent() })
	}
	s.current.Add(change.Operation{Kind: change.Delete, Table: table, Key: oldKey, Old: old})
	s.current.Add(change.Operation{Kind: change.Insert, Table: table, Key: key, New: row})
	return nil
}

// lacks is for an image that must be whole and isn't, because a session had set binlog_row_image.
func (r *rows) lacks(what string, column func(int) bool) error {
	for i := range r.table.columns {
		if column(i) {
			return badLog("table %s: the log lacks column %q of %s, because a session had another binlog_row_image than FULL. "+
				"SET GLOBAL binlog_row_image = FULL, let no session set another (it takes a privilege), and join this region anew",
				r.table.name, r.table.columns[i].name, what)
		}
	}
	return nil
}

// sameKeyText spares building the old key, which nearly always is the new one.
func sameKeyText(t *change.Table, a, b change.Image) bool {
	for _, k := range t.Keys {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

// ownRows takes rows of bridge.progress or bridge.barrier.
func (s *Source) ownRows(ctx context.Context, r *rows) error {
	if r.kind == change.Delete {
		if r.table.role == roleMarker && s.current.Kind() != capture.Echo {
			return capture.MarkerRemoved("DELETE")
		}
		return nil // bridge removes the row of a worker that it no longer has
	}
	for len(r.rest.rest) > 0 {
		s.scratch.reset()
		if err := s.scratch.row(ctx, r, s.catalog); err != nil {
			return err
		}
		images := s.scratch.images()
		n := len(r.table.columns)
		if r.before != nil {
			images.next(s.current.Old(n))
		}
		row := images.next(s.current.Image(n))
		if !row.Complete() {
			return r.lacks("a row of bridge's own", func(i int) bool { return row[i].IsAbsent() })
		}
		if r.table.role == roleBarrier {
			b, err := r.table.parseBarrier(row)
			if err == nil {
				err = s.current.Barrier(b, "row of bridge.barrier")
			}
			if err != nil {
				return err
			}
			continue
		}
		m, err := capture.MarkerOf(row, r.table.marker)
		if err == nil {
			err = s.current.Mark(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
