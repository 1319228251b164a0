package apply

import (
	"slices"
	"strings"

	"bridge/change"
	"bridge/history"
	"bridge/visibility"
)

// orphans are the values of a parent that an operation takes away, if an operation that it hadn't seen gave it a child.
func (w *Watch) orphans(t *visibility.Table, op *change.Operation, tag *change.Tag, h *history.History) (out []Orphaned) {
	for i := range t.Referred {
		values, gone := removed(t, i, op)
		if !gone {
			continue
		}
		for _, child := range w.catalog.Children(op.Key.Table, i) {
			if len(values) > 0 && (w.flying[op.Key.Table] > 0 || h.AnyConcurrent(child.Table.Shape.TableName, tag, func(e *history.Entry) bool { return mayName(e, child.Columns, values) })) {
				out = append(out, Orphaned{op.Key.Table, i, values})
				break
			}
		}
	}
	return out
}

// removed are the values of referred columns that an operation takes away; gone says whether it may. Where the log doesn't tell
// them values is nil.
func removed(t *visibility.Table, refers int, op *change.Operation) (values []change.Value, gone bool) {
	values, known := oldValues(op, t.Referred[refers])
	switch op.Kind {
	case change.Delete:
		return values, true
	case change.Update:
		after := visibility.Row{Key: op.Key, Table: op.Table, Image: op.New}
		now, ok := after.Values(t.Referred[refers])
		return values, known && ok && !slices.Equal(values, now)
	}
	return nil, false
}

// oldValues are the values of columns before an operation: of an image, or, where the log tells only that, of the key.
func oldValues(op *change.Operation, columns []string) ([]change.Value, bool) {
	old := visibility.Row{Key: op.Key, Table: op.Table, Image: op.Old}
	if op.Old == nil {
		old.Image = keyImage(op.Key, op.Table)
	}
	return old.Values(columns)
}

// mayName reports whether an operation may have left a row that names a parent by values: they're compared roughly, for forms
// are the database's to tell.
func mayName(e *history.Entry, columns []string, values []change.Value) bool {
	if e.Image == nil {
		return false
	}
	if values == nil {
		return true
	}
	row := visibility.Row{Table: e.Table, Image: e.Image}
	for i, c := range columns {
		names, ok := row.Values([]string{c})
		if !ok {
			return !row.IsNull(c) // what the image lacks may be anything
		}
		if !roughlyEqual(names[0], values[i]) {
			return false
		}
	}
	return true
}

// roughlyEqual is true of all values that a database may hold equal.
func roughlyEqual(a, b change.Value) bool {
	x, _ := a.Text()
	y, _ := b.Text()
	plain := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || r == '.' })
	}
	return x == y || !plain(x) || !plain(y) || strings.EqualFold(strings.TrimRight(x, " "), strings.TrimRight(y, " "))
}
