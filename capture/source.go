// Package capture reads a region's own database log and hands its transactions on, tagged.
//
// A [Source] is one engine's log as a pull of [Event]s in commit order. It decides what a transaction
// is (local, echo, housekeeping) at its start, by loopguard's marks, so that an echo's rows are never
// decoded (they're half of all rows in a mesh).
package capture

import (
	"context"

	"bridge/change"
	"bridge/loopguard"
)

// Source reads one database's log, in commit order, from a position on.
//
// Next is called by one goroutine, Confirm and Visible by one, which may be another. The source keeps
// its connection alive by itself, however long its caller takes between calls of Next.
type Source interface {
	// Next waits for the next event. The event's slices belong to the caller. Any error ends the
	// source: what it means (retry, stop) is told by the engine's own error classes. Input that the
	// source doesn't understand is such an error, with the position; it's never skipped.
	Next(ctx context.Context) (Event, error)
	// Confirm tells the database that everything before p is safe elsewhere and its log may go. It's
	// called in rising order and doesn't wait for the server.
	Confirm(p change.Position)
	// Visible reports whether every session of the database sees the transactions that Next gave out with
	// these values of Event.Xid. It doesn't wait for that, and costs nothing where a commit is seen as soon
	// as it's in the log.
	Visible(ctx context.Context, xids []uint32) (bool, error)
	// Close ends the connection. The replication slot stays.
	Close(ctx context.Context) error
}

// Kind is what an [Event] tells.
type Kind uint8

// The kinds of event.
const (
	// Local is a piece of a transaction that an application committed. The pieces of one transaction
	// come one after another; First and Last mark its ends, and an empty transaction isn't shown.
	Local Kind = iota + 1
	// Echo is a transaction that bridge itself applied, as one event, without its rows.
	Echo
	// Barrier is a barrier's transaction, as one event.
	Barrier
	// Empty is a transaction of nothing that concerns bridge (other programs' logical messages).
	Empty
	// Idle says that the log holds nothing for bridge up to Position. It comes now and then while
	// nothing else does, so that an idle database's log can be released.
	Idle
)

// Event is one step in the log.
type Event struct {
	Kind Kind
	// Xid is the low 32 bits of the transaction's id on PostgreSQL, elsewhere a number of the source's. It's
	// set with everything but Idle.
	Xid uint32
	// CommitTime is the transaction's commit time; unset with Idle.
	CommitTime change.Timestamp
	// Position is where capture can go on once this transaction is dealt with: right after its commit.
	Position change.Position

	First, Last bool               // of a Local transaction's pieces
	Operations  []change.Operation // of a Local piece, at most about a mebibyte of values
	Marker      loopguard.Marker   // of an Echo: its highest marker
	Barrier     loopguard.Barrier  // of a Barrier
}
