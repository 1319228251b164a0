package apply

import (
	"fmt"

	"bridge/change"
)

// Inbox is the order of one origin's transactions: each exactly once, without a gap (I3, I8).
type Inbox struct {
	origin change.Origin
	pieces Pieces
}

// NewInbox expects the transaction after seq.
func NewInbox(origin change.Origin, seq uint64) *Inbox {
	return &Inbox{origin: origin, pieces: Pieces{seq: seq}}
}

// Seq is the last transaction that was taken whole.
func (in *Inbox) Seq() uint64 { return in.pieces.seq }

// GapError says that an origin's stream lacks something: records were lost or expired, the topic was
// made anew, or it's another topic. That origin can't go on (I8).
type GapError struct {
	Origin    change.Origin
	Want, Got uint64
	Offset    int64
	Reason    string
}

func (e *GapError) Error() string {
	return fmt.Sprintf("stream of region %s has a gap: %s at offset %d, where seq %d must follow: %s; restore the topic's records, or see \"The stream has a gap\" in docs/operations.md",
		e.Origin.Region(), change.Dot{Origin: e.Origin, Seq: e.Got}, e.Offset, e.Want, e.Reason)
}

// Take looks at the next transaction or piece in the stream and gives what is new of it, nil if nothing is: see
// [Pieces.Take]. A [*GapError] means that something before it is missing.
func (in *Inbox) Take(tx *change.Transaction, offset int64) (*change.Transaction, error) {
	if tx.Dot.Origin != in.origin {
		return nil, fmt.Errorf("topic of region %s holds transaction %s at offset %d: another origin's bridge writes to it",
			in.origin.Region(), tx.Dot, offset)
	}
	if tx.Dot.Seq > in.Seq()+1 {
		return nil, in.gap(tx.Dot.Seq, offset, "records are missing in between")
	}
	return in.pieces.Take(tx), nil
}

// At checks a heartbeat's claim that the origin's last transaction was seq.
func (in *Inbox) At(seq uint64, offset int64) error {
	if seq > in.Seq() {
		return in.gap(seq, offset, "a heartbeat tells of transactions that never came")
	}
	return nil
}

func (in *Inbox) gap(got uint64, offset int64, reason string) error {
	want := in.Seq() + 1
	if n := in.pieces.have; n > 0 {
		reason = fmt.Sprintf("%s: of transaction %d the first %d operations came, and the next of them was expected", reason, want, n)
	}
	return &GapError{in.origin, want, got, offset, reason}
}
