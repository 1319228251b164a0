package mysql

import (
	"bridge/capture"
	"bridge/change"
	"bridge/loopguard"
)

// class is what a transaction turned out to be by its first row.
type class uint8

const (
	undecided class = iota // nothing has come that means anything to bridge
	local
	echo
	barrier
)

// What a piece of a local transaction holds at most, but for its last rows.
const (
	pieceOperations = 4096
	pieceBytes      = 1 << 20
)

// transaction assembles the events of one committed transaction out of its rows.
//
// A piece is held until the next operation or the commit tells whether it's the last one.
type transaction struct {
	time change.Timestamp

	class      class
	marker     loopguard.Marker
	barrier    loopguard.Barrier
	operations []change.Operation
	bytes      int            // of the values of operations
	pieces     int            // given out so far
	ready      *capture.Event // a piece to give out, if any

	values []change.Value // not yet used: images are cut from it
}

// slab is how many values are allocated at a time. An image that's kept keeps its slab.
const slab = 256

func (t *transaction) begin(time change.Timestamp) {
	*t = transaction{time: time, values: t.values}
}

// image is a row of n absent values.
func (t *transaction) image(n int) change.Image {
	if len(t.values) < n {
		t.values = make([]change.Value, max(n, slab))
	}
	row := t.values[:n:n]
	t.values = t.values[n:]
	return row
}

// data notes a change of an application's table. skip says that it's an applied transaction's: not
// to be shipped, so not worth decoding.
func (t *transaction) data() (skip bool, err error) {
	switch t.class {
	case undecided, local:
		t.class = local
		return false, nil
	case echo:
		return true, nil
	}
	return false, badLog("a transaction that wrote bridge.barrier changes other rows, too: only bridge may write that table")
}

// mark notes a marker. It must come first: what is before it would have been taken for local.
func (t *transaction) mark(m loopguard.Marker) (err error) {
	switch t.class {
	case undecided:
		t.class, t.marker = echo, m
		return nil
	case echo:
		t.marker, err = raise(t.marker, m)
		return err
	}
	return badLog("bridge.progress was written in the middle of a transaction that had changed other rows before: only bridge may write it")
}

// emit notes a barrier.
func (t *transaction) emit(b loopguard.Barrier) error {
	if t.class != undecided {
		return badLog("bridge.barrier was written in the middle of a transaction: only bridge may write it")
	}
	t.class, t.barrier = barrier, b
	return nil
}

// room makes room for operations: a full piece becomes ready.
func (t *transaction) room(bytes int) {
	if len(t.operations) >= pieceOperations || t.bytes >= pieceBytes {
		e := t.piece()
		t.ready = &e
		t.operations = make([]change.Operation, 0, pieceOperations)
	}
	t.bytes += bytes
}

func (t *transaction) add(o change.Operation) { t.operations = append(t.operations, o) }

func (t *transaction) piece() capture.Event {
	e := t.event(capture.Local)
	e.First = t.pieces == 0
	e.Operations = t.operations
	t.operations, t.bytes = nil, 0
	t.pieces++
	return e
}

func (t *transaction) event(kind capture.Kind) capture.Event {
	return capture.Event{Kind: kind, CommitTime: t.time}
}

// take is the piece that is ready, if any.
func (t *transaction) take() (capture.Event, bool) {
	if t.ready == nil {
		return capture.Event{}, false
	}
	e := *t.ready
	t.ready = nil
	return e, true
}

// finish closes the transaction, after which the log goes on at end, with its last event.
func (t *transaction) finish(end change.Position) capture.Event {
	var e capture.Event
	switch t.class {
	case local:
		e = t.piece()
		e.Last = true
	case echo:
		e = t.event(capture.Echo)
		e.Marker = t.marker
	case barrier:
		e = t.event(capture.Barrier)
		e.Barrier = t.barrier
	default:
		e = t.event(capture.Empty)
	}
	e.Position = end
	return e
}
