package apply

import "bridge/change"

// Pieces takes each operation of one origin's stream once and in order, whatever is repeated in it (I3).
//
// A transaction's operations are a function of its origin's log, so they are told apart by their place alone,
// and it doesn't matter who published a piece and where it was cut. A process that takes over publishes a
// transaction again that was begun, and what the one before it had sent may still arrive, among its pieces.
// The zero value expects the first transaction.
type Pieces struct {
	seq  uint64 // the last transaction that came whole
	have uint32 // operations that came of the one after it
}

// Take is what of a transaction or piece hasn't come before, cut from it; nil if nothing of it is new, or if
// operations are missing before it. Should they never come, then the transaction isn't whole when the next one or
// a heartbeat comes, which [Inbox] notices. Take itself goes on to whatever transaction comes next.
func (p *Pieces) Take(tx *change.Transaction) *change.Transaction {
	if tx.Dot.Seq > p.seq+1 {
		p.seq, p.have = tx.Dot.Seq-1, 0
	}
	end := tx.Before + uint32(len(tx.Operations))
	switch {
	case tx.Dot.Seq <= p.seq:
		return nil
	case tx.Before > p.have: // its writer isn't the one that is followed here; what is missing comes from that one
		return nil
	case end < p.have, end == p.have && !tx.Last:
		return nil
	case tx.Before < p.have:
		rest := *tx
		rest.Before, rest.Operations = p.have, tx.Operations[p.have-tx.Before:]
		tx = &rest
	}
	p.have = end
	if tx.Last {
		p.seq, p.have = tx.Dot.Seq, 0
	}
	return tx
}
