package apply

import (
	"context"
	"errors"

	"bridge/change"
	"bridge/conflict"
	"bridge/loopguard"
)

// Target is one engine's database as apply sees it.
type Target interface {
	// Open makes the session of a worker. Workers are numbered from 0; each has its own marker rows.
	Open(ctx context.Context, worker int) (Session, error)
	// Progress reads bridge.progress: the furthest marker of each origin.
	Progress(ctx context.Context) (map[change.Origin]loopguard.Marker, error)
	Localizer
	// Close ends what Localize has opened. Sessions are closed on their own.
	Close(ctx context.Context) error
}

// Localizer knows the form in which this database's own rows come from capture: the engine's types and texts, and
// its keys.
type Localizer interface {
	// Localize takes the operations of a transaction, or of a piece of one, into that form, in place. It's called with
	// whatever is decoded from a topic, before anything else sees it. The error wraps [ErrRefused] where a value, or a
	// table, has no such form. It's safe for concurrent use.
	Localize(ctx context.Context, tx *change.Transaction) error
}

// Session is one connection that applies one database transaction after another. It's used by one
// goroutine at a time. The errors of its methods wrap [ErrRetry] or [ErrRefused] where those apply; after
// such an error, and before the next transaction, Rollback must be called. Any other error means that
// the connection, or what bridge knows of the database, can't be trusted any more.
type Session interface {
	// Begin begins a transaction whose first act is to write m. It may wait for the first Write to be sent.
	Begin(m loopguard.Marker, inOrder bool)
	// Write writes in the transaction: as sets by table and kind (truncates, deletes, updates, upserts),
	// or one by one in their order if Begin said so. As a set each row is written once at most.
	Write(ctx context.Context, writes []Write) (Written, error)
	// Record puts conflicts into bridge.conflicts, in the transaction.
	Record(ctx context.Context, records []conflict.Record) error
	// Ping tells the database that the transaction isn't abandoned. A database may end one that hears nothing
	// for some time, and should: a frozen bridge must not hold rows.
	Ping(ctx context.Context) error
	// Commit commits. When the answer is lost, nobody knows whether it took effect, until Progress is
	// read anew: the error is neither ErrRetry nor ErrRefused.
	Commit(ctx context.Context) error
	// Rollback ends the transaction without effect. It's harmless when there is none.
	Rollback(ctx context.Context) error
	Close(ctx context.Context) error
}

// AsLogged is the [Localizer] of a mesh of one engine, whose rows have one form everywhere.
type AsLogged struct{}

// Localize is [Localizer]'s.
func (AsLogged) Localize(context.Context, *change.Transaction) error { return nil }

// Written is what a write found.
type Written struct {
	// Missing are the indexes of the updates and deletes that found no row.
	Missing []int
	// Witness is what the [Fence] needs to tell whether capture knows all that finished before the
	// rows were locked. It's the engine's own.
	Witness any
}

// Fence tells whether capture has read every local write that could have touched rows which a session has
// just locked.
type Fence interface {
	// Certain reports, without waiting, whether that's so.
	Certain(witness any) bool
	// Raise writes a barrier to the log, with the floor that every later local timestamp must exceed (0 is
	// none), and waits until capture has read it: then it's so for every lock taken before the call. It
	// returns the barrier's place in the log as capture counts. Concurrent calls may share one barrier.
	Raise(ctx context.Context, floor change.Timestamp) (asOf uint64, err error)
}

// Errors of a [Session], wrapped around the engine's own.
var (
	// ErrRetry: the transaction lost a race (deadlock, lock timeout, serialization failure) and may
	// succeed when it's decided and written anew.
	ErrRetry = errors.New("the database asks to try again")
	// ErrRefused: the database doesn't take a row (unique key, check, value out of range, a missing
	// column). The text names table, constraint and remedy.
	ErrRefused = errors.New("the database refuses a row")
)

// WhenUnfit is the remedy for a value that a column can't hold.
const WhenUnfit = "compare the table's definition with the other regions', or make the column wider in all of them where its conflict rule " +
	"adds up or merges, and it goes on by itself once the value fits"
