package capture

import (
	"bridge/change"
	"bridge/loopguard"
)

// What a piece of a local transaction holds at most, but for the rows that fill it.
const (
	PieceOperations = 4096
	PieceBytes      = 1 << 20
)

// Assembler makes events of what an engine's log shows of committed transactions, one after the other.
//
// What a transaction is, is decided by the first thing in it that means anything to bridge: a change of an
// application's table, a marker or a barrier. What doesn't go with that afterwards is an error: someone else
// has written what only bridge may write.
//
// A local transaction comes in pieces. Each is held until the next operation or the commit tells whether it's
// the last one. The zero Assembler is to be told [Assembler.Begin] first.
type Assembler struct {
	xid  uint32
	time change.Timestamp

	kind       Kind // Empty as long as it's undecided
	marker     loopguard.Marker
	barrier    loopguard.Barrier
	form       string // of the barrier, in this engine's log
	operations []change.Operation
	bytes      int    // of the rows that operations came from
	pieces     int    // made so far
	ready      *Event // a piece to give out, if any

	// Not yet used: images are cut from them. Those before a change have their own, for hardly anybody keeps them.
	values, olds []change.Value
	expect       int // operations in the next transaction: as many as in the last
}

// slab is how many values are allocated at a time. An image that's kept keeps its slab.
const slab = 256

// Begin begins a transaction. One that wasn't finished is forgotten. xid is for [Event.Xid].
func (a *Assembler) Begin(xid uint32, time change.Timestamp) {
	*a = Assembler{xid: xid, time: time, kind: Empty, values: a.values, olds: a.olds, expect: a.expect}
}

// Xid is the transaction's, as Begin was told.
func (a *Assembler) Xid() uint32 { return a.xid }

// CommitTime is the transaction's, as Begin was told.
func (a *Assembler) CommitTime() change.Timestamp { return a.time }

// Kind is what the transaction is by what has come: Empty as long as that's nothing.
func (a *Assembler) Kind() Kind { return a.kind }

// Pieces is how many pieces of a local transaction are complete.
func (a *Assembler) Pieces() int { return a.pieces }

// Image is a row of n absent values, to be filled in and added.
func (a *Assembler) Image(n int) change.Image { return cut(&a.values, n) }

// Old is the same for a row as it was before a change.
func (a *Assembler) Old(n int) change.Image { return cut(&a.olds, n) }

func cut(from *[]change.Value, n int) change.Image {
	if len(*from) < n {
		*from = make([]change.Value, max(n, slab))
	}
	row := (*from)[:n:n]
	*from = (*from)[n:]
	return row
}

// Data notes a change of an application's table. skip says that it's an applied transaction's: not to be
// shipped, so not worth decoding.
func (a *Assembler) Data() (skip bool, err error) {
	switch a.kind {
	case Empty, Local:
		a.kind = Local
		return false, nil
	case Echo:
		return true, nil
	}
	return false, BadLog("a transaction with a barrier (a %s) changes rows, too: only bridge may write barriers", a.form)
}

// Mark notes a marker. It must come first: what is before it would have been taken for local.
func (a *Assembler) Mark(m loopguard.Marker) (err error) {
	switch a.kind {
	case Empty:
		a.kind, a.marker = Echo, m
		return nil
	case Echo:
		a.marker, err = raise(a.marker, m)
		return err
	}
	return BadLog("bridge.progress was written in the middle of a transaction that had changed other rows before: only bridge may write it")
}

// Barrier notes a barrier, which must be all that the transaction does. form says for the operator what it is
// in the log: "message …", "row …".
func (a *Assembler) Barrier(b loopguard.Barrier, form string) error {
	if a.kind != Empty {
		return BadLog("a barrier (a %s) came in the middle of a transaction: only bridge may write barriers", form)
	}
	a.kind, a.barrier, a.form = Barrier, b, form
	return nil
}

// Room makes room for the operations of rows of so many bytes in the log: a full piece becomes ready, for
// [Assembler.Take].
func (a *Assembler) Room(bytes int) {
	if len(a.operations) >= PieceOperations || a.bytes >= PieceBytes {
		e := a.piece()
		a.ready = &e
		a.operations = make([]change.Operation, 0, PieceOperations)
	}
	a.bytes += bytes
}

// Add adds an operation to the piece. Data and Room come before it.
func (a *Assembler) Add(o change.Operation) {
	if a.operations == nil {
		a.operations = make([]change.Operation, 0, max(1, a.expect))
	}
	a.operations = append(a.operations, o)
}

func (a *Assembler) piece() Event {
	e := a.event()
	e.First = a.pieces == 0
	e.Operations = a.operations
	a.operations, a.bytes = nil, 0
	a.pieces++
	return e
}

func (a *Assembler) event() Event {
	return Event{Kind: a.kind, Xid: a.xid, CommitTime: a.time}
}

// Take is the piece that is ready, if any. It must be taken before the next call of Room.
func (a *Assembler) Take() (Event, bool) {
	if a.ready == nil {
		return Event{}, false
	}
	e := *a.ready
	a.ready = nil
	return e, true
}

// Finish ends the transaction, after whose commit the log goes on at end, with its last event.
func (a *Assembler) Finish(end change.Position) (e Event) {
	if a.kind == Local {
		a.expect = min(len(a.operations), slab)
		e = a.piece()
		e.Last = true
	} else {
		e = a.event()
		e.Marker, e.Barrier = a.marker, a.barrier
	}
	e.Position = end
	return e
}
