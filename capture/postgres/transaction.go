package postgres

import (
	"bridge/capture"
	"bridge/change"
	"bridge/loopguard"
)

// transaction is one whose messages are being read.
type transaction struct {
	capture.Assembler
	open   bool
	commit uint64 // where its commit record begins; 0 when it was streamed
}

func (t *transaction) begin(xid uint32, time change.Timestamp, commit uint64) {
	t.Begin(xid, time)
	t.open, t.commit = true, commit
}

// emit notes a message of bridge's.
func (t *transaction) emit(content string) error {
	b, err := loopguard.ParseBarrier(content)
	if err != nil {
		return badLog("%w", err)
	}
	return t.Barrier(b, `message with prefix "`+loopguard.BarrierPrefix+`"`)
}

// finish closes the transaction, whose commit record ends at end, with its last event.
func (t *transaction) finish(end uint64) capture.Event {
	t.open = false
	return t.Finish(change.Position{Offset: end})
}
