package conflict

import (
	"bridge/change"
	"bridge/history"
)

// winner is the index of the maximal operation that decides existence: the best by the rule's order, but an
// update whose image lacks a column yields to any maximal delete, for it couldn't bring the row back. It could
// when it had seen an insert that comes after those deletes. Only such an insert counts: it's in the set
// wherever they are, because a row's operations are dropped in their order.
func (r *Rule) winner(ops history.Row) int {
	var few [8]int // the maximal operations are at most as many as regions
	competing := maximal(few[:0], ops)
	removal := -1 // the latest of them
	for _, m := range competing {
		if removes(ops[m].Kind) {
			removal = m
			break
		}
	}
	best := -1
	for _, m := range competing {
		if removal >= 0 && !removes(ops[m].Kind) && !ops[m].Image.Complete() && !sawInsertAfter(ops, m, removal) {
			continue
		}
		if best < 0 || r.beats(&ops[m], &ops[best]) {
			best = m
		}
	}
	return best // there's one: of incomplete updates alone none yields
}

// maximal appends the indexes of the operations that no other has seen, the latest first.
func maximal(to []int, ops history.Row) []int {
	for i := len(ops) - 1; i >= 0; i-- {
		if !seenBy(ops, to, i) {
			to = append(to, i)
		}
	}
	return to
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
