package node

import (
	"context"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/loopguard"
)

// Engine is one kind of database, as a node needs it. Each method makes its own connections.
type Engine interface {
	// Lead waits until this process is the only bridge of the region's database, and makes sure that
	// nothing of an earlier one can still write. standby is called if it has to wait. The lease ends when
	// its connection is lost: ctx of the session must end then.
	Lead(ctx context.Context, standby func()) (Lease, error)
	// Origin is who this region is: its name and incarnation, from bridge.node.
	Origin(ctx context.Context) (change.Origin, error)
	// Inspect looks whether the database still is as replication needs it. It's asked at the start, and every
	// few seconds; a session with an error ends.
	Inspect(ctx context.Context) error
	// Horizon is what was saved last, or empty.
	Horizon(ctx context.Context) (Horizon, error)
	// SaveHorizon saves all of h or nothing.
	SaveHorizon(ctx context.Context, h Horizon) error
	// TrimConflicts removes from bridge.conflicts what r lets go, a batch at a time, and tells how many cases. It's a local
	// matter: nothing of it is shipped.
	TrimConflicts(ctx context.Context, r Retention) (removed int, err error)
	// OpenSource reads the database's log from a position, or from where its slot stands.
	OpenSource(ctx context.Context, from change.Position) (capture.Source, error)
	// OpenTarget opens what apply writes through, and the fence that it's checked by.
	OpenTarget(ctx context.Context) (apply.Target, Fence, error)
	// Heals reports whether an error may go away without an operator: the session is tried again then.
	Heals(err error) bool
}

// Fence is what apply asks and capture tells.
type Fence interface {
	apply.Fence
	capture.Witness
	// Turn writes to the log that what comes later in it is published under other conflict rules, and waits until capture has read that.
	Turn(ctx context.Context, rules string) error
	Close(ctx context.Context) error
}

// Lease is the right to be the region's bridge.
type Lease interface {
	// Lost is closed when the right is gone.
	Lost() <-chan struct{}
	Close(ctx context.Context) error
}

// Progress re-exports where apply stands.
type Progress = map[change.Origin]loopguard.Marker
