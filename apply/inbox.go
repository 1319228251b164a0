package apply

import (
	"fmt"

	"bridge/change"
)

// Inbox is the order of one origin's transactions: each exactly once, without a gap (I3).
type Inbox struct {
	origin change.Origin
	seq    uint64 // the last transaction taken whole
	piece  uint32 // pieces taken of the next one
}

// NewInbox expects the transaction after seq.
func NewInbox(origin change.Origin, seq uint64) *Inbox { return &Inbox{origin: origin, seq: seq} }

// Seq is the last transaction that was taken whole.
func (in *Inbox) Seq() uint64 { return in.seq }

// GapError says that an origin's stream lacks something: records were lost or expired, the topic was
// made anew, or it's another topic. That origin can't go on (I8).
type GapError struct {
	Origin    change.Origin
	Want, Got uint64
	Offset    int64
	Reason    string
}

func (e *GapError) Error() string {
	return fmt.Sprintf("stream of region %s has a gap: %s at offset %d, where seq %d must follow: %s; restore the topic's records, or load this region anew from another",
		e.Origin.Region(), change.Dot{Origin: e.Origin, Seq: e.Got}, e.Offset, e.Want, e.Reason)
}

// Take looks at the next transaction or piece in the stream and reports whether it's new: false means a
// duplicate to be passed over. A [*GapError] means that something before it is missing. A transaction
// whose first piece comes again begins again: its writer died in the middle.
func (in *Inbox) Take(tx *change.Transaction, offset int64) (bool, error) {
	if tx.Dot.Origin != in.origin {
		return false, fmt.Errorf("topic of region %s holds transaction %s at offset %d: another origin's bridge writes to it",
			in.origin.Region(), tx.Dot, offset)
	}
	next := in.seq + 1
	switch {
	case tx.Dot.Seq < next:
		return false, nil
	case tx.Dot.Seq > next:
		return false, &GapError{in.origin, next, tx.Dot.Seq, offset, "records are missing in between"}
	case tx.Piece == 0:
		in.piece = 0
	case tx.Piece < in.piece:
		return false, nil
	case tx.Piece > in.piece:
		return false, &GapError{in.origin, next, tx.Dot.Seq, offset, fmt.Sprintf("piece %d of the transaction comes before piece %d", tx.Piece, in.piece)}
	}
	in.piece++
	if tx.Last {
		in.seq, in.piece = next, 0
	}
	return true, nil
}

// At checks a heartbeat's claim that the origin's last transaction was seq.
func (in *Inbox) At(seq uint64, offset int64) error {
	if seq > in.seq {
		return &GapError{in.origin, in.seq + 1, seq, offset, "a heartbeat tells of transactions that never came"}
	}
	return nil
}
