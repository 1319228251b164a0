package casebook

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"bridge/change"
	"bridge/conflict"
)

// Book is the cases of one region's database, and the rows that it has parked. Its methods aren't for concurrent use.
type Book interface {
	// Cases yields those that a filter lets through, in its order.
	Cases(ctx context.Context, f Filter, yield func(*Case) error) error
	// Row is a case's row as it is now. The error wraps [ErrNoTable] when there's no such table any more.
	Row(ctx context.Context, c *Case) (*Row, error)
	// Resolve marks a case, and makes the change that decide asks for: both in one transaction, in which the case and
	// the row are locked while decide is asked. again lets a case be resolved that is so already. The error wraps
	// [ErrNoCase], [ErrResolved], or what decide returned; no values are in it.
	Resolve(ctx context.Context, id int64, mark Mark, again bool, decide func(*Case, *Row) (Change, error)) error
	// Mend marks all cases of c's row that wait for a merge, and makes the change that decide asks for: all in one transaction, in which
	// the row and its cases, which decide is given, the oldest first, are locked. The error is as of Resolve, and then nothing is done.
	Mend(ctx context.Context, c *Case, mark func(*Case) Mark, decide func([]*Case, *Row) (Change, error)) error
	// Parked yields the parked rows that a filter lets through, the newest first.
	Parked(ctx context.Context, f ParkedFilter, yield func(*Parked) error) error
	// Obstacle is what stands in a parked row's way, without other parked rows; [InTheWay] has them, too.
	Obstacle(ctx context.Context, p *Parked) (*Obstacle, error)
	// Release makes the change to a parked row's table that decide asks for, as an application would. The row with its key is locked
	// while decide is asked. The error wraps what decide returned, or [ErrNoTable]; no values are in it.
	Release(ctx context.Context, p *Parked, decide func(*Row) (Change, error)) error
	// Discard supersedes a parked row in every region, see [Parked.Discard].
	Discard(ctx context.Context, p *Parked) error
	// Drop discards a row, takes it out of bridge.parked and records the case c, all in one transaction. The error wraps [ErrNotParked] where the
	// row isn't parked as p tells any more; then nothing is done.
	Drop(ctx context.Context, p *Parked, c *Case) error
	// Restore inserts again, as an application would, those of a parked row's [Parked.Lost] that aren't there, and records a case of each: all in one
	// transaction. It returns the cases. The error wraps [ErrNotParked] where the row isn't parked as p tells any more, or [ErrUntaken] where the
	// database doesn't take one of the rows; then nothing is done.
	Restore(ctx context.Context, p *Parked) ([]*Case, error)
	Close(ctx context.Context) error
}

// Filter chooses cases. Its zero value is all of them, newest first.
type Filter struct {
	ID            int64            // 0 is any
	Table         change.TableName // an empty Schema or Name is any
	Key           []string         // as the case has it; nil is any
	Type, Outcome string           // empty is any
	Since, Before time.Time        // zero is without limit
	Awaits        conflict.Awaited // empty is any; otherwise only cases that nobody has resolved
	Merge         bool             // only cases that wait for a merge, whatever else they wait for
	Open          bool             // only cases that nobody has resolved
	Limit         int              // 0 is none
	Oldest        bool             // oldest first
}

// MarkWaiting marks the cases of c's row that wait for a merge, but for c, and returns them with c, the oldest first: what [Book.Mend] does
// when it holds the row.
func MarkWaiting(ctx context.Context, book Book, c *Case, mark func(*Case) error) ([]*Case, error) {
	var others []*Case
	err := book.Cases(ctx, Filter{Table: c.TableName(), Key: c.Key, Merge: true, Oldest: true}, func(other *Case) error {
		if other.ID != c.ID {
			others = append(others, other)
		}
		return nil
	})
	for _, other := range others {
		if err == nil {
			err = mark(other)
		}
	}
	cases := append(others, c)
	slices.SortFunc(cases, func(a, b *Case) int { return cmp.Compare(a.ID, b.ID) })
	return cases, err
}

// Mark says who resolved a case, and how. When is told by the database's clock.
type Mark struct {
	By, How string
	// Awaits leaves the case open: it's what it waits for from now on.
	Awaits conflict.Awaited
}

// Row is a row of the region's own database, under the names between the regions.
type Row struct {
	Columns []Column
	// Values are nil where there's no row. They're in the form that versions have them.
	Values Image
}

// Column is a column of a row's table.
type Column struct {
	Name      string
	Key       bool
	Generated bool // by an expression: never written
	Nullable  bool
	Own       Own
}

// Exists reports whether there's a row.
func (r *Row) Exists() bool { return r.Values != nil }

// Errors of a [Book].
var (
	ErrNoCase   = errors.New(`no such conflict is recorded in this region ("bridge conflicts list" lists them; old ones are removed after conflicts.keep)`)
	ErrResolved = errors.New("the conflict is resolved already (--force resolves it again)")
	ErrNoTable  = errors.New("the table isn't in this database")
	// ErrOutdated means that an earlier bridge has made bridge's tables.
	ErrOutdated = errors.New(`bridge.conflicts or bridge.parked lacks columns: run "bridge init", which adds them`)
)
