package postgres

import (
	"context"
	"encoding/binary"
	"fmt"

	"bridge/capture"
	"bridge/change"
)

// rows turns the row messages of one transaction into operations.
type rows struct {
	*transaction
	relations *relations
	// find is the table of a row, as announced at that place of the log.
	find func(oid uint32) (*relation, error)
}

// change takes an Insert, Update or Delete message.
func (r *rows) change(ctx context.Context, tag byte, body []byte) error {
	if len(body) < 4 {
		return badLog("row message is cut short")
	}
	rel, err := r.find(binary.BigEndian.Uint32(body))
	if err != nil {
		return err
	}
	switch rel.role {
	case roleOwn:
		return nil
	case roleMarker:
		return r.markerRow(rel, tag, body[4:])
	}
	if skip, err := r.Data(); skip || err != nil {
		return err
	}
	table, err := r.relations.resolve(ctx, rel)
	if err != nil {
		return err
	}
	if rel.keyError != nil {
		return rel.keyError
	}
	r.Room(len(body))
	text := string(body[4:]) // the values share it
	switch tag {
	case msgInsert:
		return r.insert(rel, table, text)
	case msgUpdate:
		return r.update(ctx, rel, table, text)
	default:
		return r.delete(rel, table, text)
	}
}

func (r *rows) markerRow(rel *relation, tag byte, body []byte) error {
	if tag == msgDelete {
		if r.Kind() == capture.Echo {
			return nil // bridge removes the row of a worker that it no longer has
		}
		return capture.MarkerRemoved("DELETE")
	}
	m, err := rel.parseMarker(tag, string(body))
	if err != nil {
		return err
	}
	return r.Mark(m)
}

func (r *rows) insert(rel *relation, table *change.Table, text string) error {
	row := r.Image(len(table.Columns))
	if _, err := rowTuples(table, msgInsert, text, nil, row); err != nil {
		return err
	}
	key, err := keyOf(rel, row)
	if err != nil {
		return err
	}
	r.Add(change.Operation{Kind: change.Insert, Table: table, Key: key, New: row})
	return nil
}

func (r *rows) delete(rel *relation, table *change.Table, text string) error {
	old := r.Old(len(table.Columns))
	kind, err := rowTuples(table, msgDelete, text, old, nil)
	if err != nil {
		return err
	}
	key, err := keyOf(rel, old)
	if err != nil {
		return err
	}
	if kind != 'O' {
		old = nil // the key alone
	}
	r.Add(change.Operation{Kind: change.Delete, Table: table, Key: key, Old: old})
	return nil
}

// update makes an update or, when the key has changed, a delete and an insert.
func (r *rows) update(ctx context.Context, rel *relation, table *change.Table, text string) error {
	if rel.updateError != nil {
		return rel.updateError
	}
	row := r.Image(len(table.Columns))
	var old change.Image
	if text != "" && text[0] != 'N' {
		old = r.Old(len(table.Columns))
	}
	kind, err := rowTuples(table, msgUpdate, text, old, row)
	if err != nil {
		return err
	}
	for i := range row { // unchanged TOAST values: of the whole row under FULL, else of the key
		if old != nil && row[i].IsAbsent() && (kind == 'O' || table.Columns[i].Key) {
			row[i] = old[i]
		}
	}
	key, err := keyOf(rel, row)
	if err != nil {
		return err
	}
	oldKey := key
	if old != nil && !sameKeyText(table, old, row) {
		if oldKey, err = keyOf(rel, old); err != nil {
			return err
		}
	}
	if kind != 'O' {
		old = nil
	}
	if oldKey == key {
		if old != nil {
			capture.Withhold(rel.withheld, old, row)
		}
		r.Add(change.Operation{Kind: change.Update, Table: table, Key: key, Old: old, New: row})
		return nil
	}
	if !row.Complete() {
		if err := r.relations.catalog.complete(ctx, r.Xid(), rel.local, row); err != nil {
			return err
		}
	}
	r.Add(change.Operation{Kind: change.Delete, Table: table, Key: oldKey, Old: old})
	r.Add(change.Operation{Kind: change.Insert, Table: table, Key: key, New: row})
	return nil
}

// truncate makes one operation per table.
func (r *rows) truncate(ctx context.Context, body []byte) error {
	oids, err := parseTruncate(body)
	if err != nil {
		return err
	}
	began := false
	for _, oid := range oids {
		rel, err := r.find(oid)
		if err != nil {
			return err
		}
		switch {
		case rel.role == roleOwn:
			continue
		case rel.role == roleMarker:
			return capture.MarkerRemoved("TRUNCATE")
		}
		if skip, err := r.Data(); skip || err != nil {
			return err
		}
		table, err := r.relations.resolve(ctx, rel)
		if err != nil {
			return err
		}
		if !began {
			r.Room(len(body))
			began = true
		}
		r.Add(change.Operation{Kind: change.Truncate, Table: table, Key: change.Key{Table: table.TableName}})
	}
	return nil
}

// tuples reads the rows of a message's text: the old one, if the message has one, into old, the new
// one into row. kind is that of the last row read: N(ew), K(ey) or O(ld), or 0 when there's none.
func tuples(tag byte, text string, old, row change.Image) (kind byte, rest string, err error) {
	if text != "" && (text[0] == 'K' || text[0] == 'O') && tag != msgInsert {
		kind = text[0]
		if text, err = tuple(text[1:], old); err != nil {
			return kind, text, err
		}
	}
	if text != "" && text[0] == 'N' && tag != msgDelete {
		kind = 'N'
		text, err = tuple(text[1:], row)
	}
	return kind, text, err
}

// rowTuples is tuples for a data row: it checks that the message has the rows it must have, and tells
// the kind of the old one, 0 without one.
func rowTuples(table *change.Table, tag byte, text string, old, row change.Image) (oldKind byte, err error) {
	if old != nil && text != "" {
		oldKind = text[0]
	}
	last, rest, err := tuples(tag, text, old, row)
	switch {
	case err != nil:
		return oldKind, fmt.Errorf("table %s: %w", table, err)
	case rest != "", (last == 'N') != (row != nil), last == 0:
		return oldKind, badLog("table %s: %c message of an unknown form", table, tag)
	case oldKind == 'O' && !old.Complete():
		return oldKind, badLog("table %s: the old row isn't complete, although the replica identity is FULL", table)
	}
	return oldKind, nil
}

func keyOf(rel *relation, row change.Image) (change.Key, error) {
	key, err := change.KeyOf(rel.table, row, rel.normalize)
	if err != nil {
		return key, badLog("%w", err)
	}
	return key, nil
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
