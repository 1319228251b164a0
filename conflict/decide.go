package conflict

import (
	"bridge/change"
	"bridge/history"
)

// Rule names how a table's conflicts are decided.
type Rule uint8

// The rules. The zero Rule is none, so that a table without one is noticed.
const (
	// LastWriteWins: the latest (timestamp, origin) wins the row, each column the latest value that
	// an operation carries.
	LastWriteWins Rule = iota + 1
)

// String is the rule's name in the configuration and in bridge.conflicts.
func (r Rule) String() string {
	if r == LastWriteWins {
		return "last_write_wins"
	}
	return "no rule"
}

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

// Decide gives the outcome of a row's operations, in their order and not empty. Where their tables differ
// in shape, columns are matched by name, in the winner's shape.
func (r Rule) Decide(ops history.Row) Outcome {
	w := ops[r.winner(ops)]
	if w.Kind == change.Delete || w.Kind == change.Truncate {
		return Outcome{Winner: w}
	}
	image := make(change.Image, len(w.Image))
	missing := len(image)
	for i := len(ops) - 1; i >= 0 && missing > 0; i-- {
		for c := range image {
			if image[c].IsAbsent() {
				if v := valueAs(&ops[i], w.Table, c); !v.IsAbsent() {
					image[c] = v
					missing--
				}
			}
		}
		if ops[i].Kind == change.Insert {
			break // it assigned the whole row; what stood before it is over
		}
	}
	return Outcome{Exists: true, Image: image, Table: w.Table, Winner: w}
}

// valueAs is e's value of column c of table t, which may be a later or earlier shape of e's own table.
func valueAs(e *history.Entry, t *change.Table, c int) change.Value {
	if e.Table == t || e.Table.Fingerprint() == t.Fingerprint() {
		if e.Image == nil {
			return change.Absent
		}
		return e.Image[c]
	}
	for i, col := range e.Table.Columns {
		if col.Name == t.Columns[c].Name && i < len(e.Image) {
			return e.Image[i]
		}
	}
	return change.Absent
}

// winner is the index of the maximal operation that decides existence: the latest, but an update whose
// image lacks a column yields to any maximal delete, for it couldn't bring the row back. It could when it
// had seen an insert that comes after those deletes. Only such an insert counts: it's in the set wherever
// they are, because a row's operations are dropped in their order.
func (r Rule) winner(ops history.Row) int {
	var few [8]int // the maximal operations are at most as many as regions
	maximal := few[:0]
	removal := -1 // the latest maximal one
	for i := len(ops) - 1; i >= 0; i-- {
		if !seenBy(ops, maximal, i) {
			maximal = append(maximal, i)
			if removal < 0 && removes(ops[i].Kind) {
				removal = i
			}
		}
	}
	for _, m := range maximal {
		if removal < 0 || m == removal || ops[m].Image.Complete() || sawInsertAfter(ops, m, removal) {
			return m
		}
	}
	panic("conflict: a maximal delete wins over incomplete updates") // the removal is among maximal
}

// sawInsertAfter reports whether ops[m] had seen an insert that comes after ops[removal].
func sawInsertAfter(ops history.Row, m, removal int) bool {
	for i := removal + 1; i < m; i++ {
		if ops[i].Kind == change.Insert && ops[m].Saw(&ops[i]) {
			return true
		}
	}
	return false
}

func removes(k change.Kind) bool { return k == change.Delete || k == change.Truncate }

// seenBy reports whether one of the later maximal operations had seen ops[i]. They suffice: what sees an
// operation comes later in the order, and has seen all that the operation had.
func seenBy(ops history.Row, maximal []int, i int) bool {
	for _, m := range maximal {
		if ops[m].Saw(&ops[i]) {
			return true
		}
	}
	return false
}
