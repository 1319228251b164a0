package conflict

import (
	"bridge/change"
	"bridge/history"
)

// Outcome is what a row becomes.
type Outcome struct {
	// Exists says whether there is a row. If not, Image is nil.
	Exists bool
	// Image is the row. A column is absent only if no operation carries it: then the row is there
	// already, and the column stays as it is.
	Image change.Image
	// Table is the shape of Image.
	Table *change.Table
	// Winner is the operation that decided existence.
	Winner history.Entry
}

// Decide gives the outcome of a row's operations, in their order and not empty. in is the one of them that came last;
// where columns are merged its images tell what they had been before everything that it hadn't seen. Where the
// operations' tables differ in shape, columns are matched by name, in the winner's shape.
func (r *Rule) Decide(ops history.Row, in *history.Entry) Outcome {
	ops, in = r.whole(ops, in)
	w := ops[r.winner(ops)]
	if removes(w.Kind) {
		return Outcome{Winner: w}
	}
	o := Outcome{Exists: true, Table: w.Table, Winner: w}
	switch {
	case r.Columns != nil:
		o.Image = r.planOf(w.Table).merge(ops, in)
	case r.Order == LatestWins:
		o.Image = latest(ops, w.Table)
	default:
		o.Image = w.Image
	}
	return o
}

// Exists reports whether there is a row after ops, which may be empty, and the operation that says so.
func (r *Rule) Exists(ops history.Row) (winner *history.Entry, exists bool) {
	if len(ops) == 0 {
		return nil, false
	}
	ops, _ = r.whole(ops, nil)
	w := &ops[r.winner(ops)]
	return w, !removes(w.Kind)
}

// latest has each column as the latest operation that carries it wrote it.
func latest(ops history.Row, t *change.Table) change.Image {
	image := make(change.Image, len(t.Columns))
	missing := len(image)
	for i := len(ops) - 1; i >= 0 && missing > 0; i-- {
		for c := range image {
			if image[c].IsAbsent() {
				if v := valueAs(&ops[i], ops[i].Image, t, c); !v.IsAbsent() {
					image[c] = v
					missing--
				}
			}
		}
		if ops[i].Kind == change.Insert {
			break // it assigned the whole row; what stood before it is over
		}
	}
	return image
}

// valueAs is the value in image, one of e's, of column c of table t, which may be a later or earlier shape of e's own table.
func valueAs(e *history.Entry, image change.Image, t *change.Table, c int) change.Value {
	if image == nil {
		return change.Absent
	}
	if e.Table == t || e.Table.Fingerprint() == t.Fingerprint() {
		return image[c]
	}
	for i := range e.Table.Columns {
		if e.Table.Columns[i].Name == t.Columns[c].Name && i < len(image) {
			return image[i]
		}
	}
	return change.Absent
}
