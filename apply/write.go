package apply

import (
	"slices"

	"bridge/change"
)

// WriteKind is what a [Write] does.
type WriteKind uint8

// The kinds of write.
const (
	// Upsert makes the row be Image, whether it's there or not. Image is complete. It locks the key.
	Upsert WriteKind = iota + 1
	// Update assigns the columns that Image carries to a row; it may find none.
	Update
	// Delete removes the row; it may find none.
	Delete
	// Truncate empties the table and keeps others out of it until the commit.
	Truncate
	// Lock only keeps others out of the table.
	Lock
)

// Write is the net effect of some operations on one row, or on one table.
type Write struct {
	Kind  WriteKind
	Table *change.Table
	Key   change.Key
	// Image is the row; of a Delete it's there for the key's columns, or nil when no operation told them otherwise
	// than by Key: a key's form need not be a text of the row's.
	Image change.Image
}

// then is the net effect of w followed by op. An update after a delete can't come from a sound log.
func (w Write) then(op *change.Operation) Write {
	next := Write{Table: op.Table, Key: op.Key, Image: op.New}
	switch op.Kind {
	case change.Insert:
		next.Kind = Upsert
	case change.Delete:
		if next.Kind, next.Image = Delete, op.Old; op.Old == nil {
			next.Image = reshaped(w.Image, w.Table, op.Table)
		}
	case change.Truncate:
		next.Kind = Truncate
		if w.Key.Row != "" { // of a row that was written before its table was truncated
			next.Kind, next.Key, next.Image = Delete, w.Key, reshaped(w.Image, w.Table, op.Table)
		}
	case change.Update:
		next.Kind = Update
		switch w.Kind {
		case Upsert, Update:
			next.Kind = w.Kind
			next.Image = op.New.Over(reshaped(w.Image, w.Table, op.Table))
		}
	}
	return next
}

// reshaped is an image of the shape from in the shape to, with the columns matched by name: a transaction
// may alter its table between two operations on a row.
func reshaped(r change.Image, from, to *change.Table) change.Image {
	if r == nil || from == to || from.Fingerprint() == to.Fingerprint() {
		return r
	}
	out := make(change.Image, len(to.Columns))
	for i, column := range to.Columns {
		j := slices.IndexFunc(from.Columns, func(c change.Column) bool { return c.Name == column.Name })
		if j >= 0 && j < len(r) {
			out[i] = r[j]
		}
	}
	return out
}

// same reports whether v leaves a row that w found or made as w does.
func (w *Write) same(v *Write) bool {
	if w.Kind == Delete && v.Kind == Delete {
		return w.Table.Fingerprint() == v.Table.Fingerprint()
	}
	update := w.Kind == Update && v.Kind == Upsert // of a row that's there
	if w.Kind != v.Kind && !update || len(w.Image) != len(v.Image) || w.Table.Fingerprint() != v.Table.Fingerprint() {
		return false
	}
	for c := range w.Image {
		if w.Image[c] != v.Image[c] {
			return false
		}
	}
	return true
}
