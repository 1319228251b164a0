package apply

import "bridge/change"

// Pieces tells the next piece of each large transaction from one that is repeated, when a topic is read
// again, and counts the operations before it. The zero value is ready for use.
type Pieces struct {
	dot         change.Dot
	next, count uint32
}

// Take reports whether a transaction or piece is new, and the place of its first operation in its
// transaction. One whose first piece comes again begins again: its writer died in the middle.
func (p *Pieces) Take(tx *change.Transaction) (first uint32, fresh bool) {
	if tx.Piece == 0 {
		p.dot, p.next, p.count = tx.Dot, 0, 0
	}
	if tx.Dot != p.dot || tx.Piece != p.next {
		return 0, false
	}
	first = p.count
	p.next++
	p.count += uint32(len(tx.Operations))
	return first, true
}
