package apply

import (
	"context"
	"errors"

	"bridge/change"
	"bridge/conflict"
	"bridge/loopguard"
	"bridge/visibility"
)

// Target is one engine's database as apply sees it.
type Target interface {
	// Open makes the session of a worker. Workers are numbered from 0; each has its own marker rows.
	Open(ctx context.Context, worker int) (Session, error)
	// Progress reads bridge.progress: the furthest marker of each origin.
	Progress(ctx context.Context) (map[change.Origin]loopguard.Marker, error)
	Localizer
	Keeper
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

// Keeper knows the database's constraints, and the rows that they hide.
type Keeper interface {
	// Constraints reads the unique and foreign keys of the replicated tables that have any, beside the unique key that names
	// rows. It leaves out those by which visibility can't be told: keys of values of which it isn't known which are equal, deferrable ones,
	// exclusion constraints, and foreign keys to tables that aren't replicated. What violates these stops the origin.
	Constraints(ctx context.Context) (visibility.Catalog, error)
	// Parked reads bridge.parked.
	Parked(ctx context.Context) ([]visibility.Parked, error)
	visibility.Forms
}

// Session is one connection that applies one database transaction after another. It's used by one
// goroutine at a time. The errors of its methods wrap [ErrRetry] or [ErrRefused] where those apply; after
// such an error, and before the next transaction, Rollback must be called. Any other error means that
// the connection, or what bridge knows of the database, can't be trusted any more.
type Session interface {
	// Begin begins a transaction whose first act is to write m. It may wait for the first Write, or Find, to be sent.
	Begin(m loopguard.Marker, how Manner)
	// Write writes in the transaction: as sets by table and kind (truncates, deletes, updates, upserts),
	// or one by one in their order if Begin said so. As a set each row is written once at most.
	Write(ctx context.Context, writes []Write) (Written, error)
	// Find locks rows and reads them; what isn't there isn't locked. No row comes twice. Of parents (Lookup.Parents) the lock
	// lets others' foreign keys name them; those that are only held (Lookup.Held) several sessions may.
	Find(ctx context.Context, l *visibility.Lookup) ([]visibility.Row, error)
	// Seen reports whether what is looked up from now on has all of this region's transactions that capture had read. A database may log
	// a commit before others see it; where Find waits for such rows that doesn't matter, and it's true.
	Seen(ctx context.Context) (bool, error)
	// Savepoint marks a place in the transaction, in place of the last one. RollbackTo goes back there after an error that wraps
	// [ErrRefused]: then what was written, and locked, before the savepoint holds, and the transaction goes on.
	Savepoint(ctx context.Context) error
	RollbackTo(ctx context.Context) error
	// Park writes rows to bridge.parked, in place of those with their keys, and takes the rows of other keys away.
	Park(ctx context.Context, put []visibility.Parked, away []change.Key) error
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

// Manner is how a session's transaction is to be done.
type Manner uint8

const (
	AsSets  Manner = iota // writes as sets
	InOrder               // writes one by one
	// Upkeep is of a transaction that applies nothing: it changes which rows are shown. As sets; its marker is that of what was applied
	// last of its origin, once more, in whichever worker's row.
	Upkeep
)

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

// Refusals that concern a row; each is [ErrRefused], too.
var (
	// ErrCollides: the row takes a unique value that another row has.
	ErrCollides error = &refusal{}
	// ErrUnfit: the row doesn't fit its table: a check, a column that mustn't be NULL, a value out of range or too long.
	ErrUnfit error = &refusal{}
)

// refusal reads as [ErrRefused].
type refusal struct{ _ byte } // not of size zero: pointers must differ

func (*refusal) Error() string        { return ErrRefused.Error() }
func (*refusal) Is(target error) bool { return target == ErrRefused }

// WhenUnfit is the remedy for a value that a column can't hold.
const WhenUnfit = "compare the table's definition with the other regions', or make the column wider in all of them where its conflict rule " +
	"adds up or merges, and it goes on by itself once the value fits"
