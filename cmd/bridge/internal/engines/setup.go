package engines

import (
	"context"

	"bridge/change"
	"bridge/internal/database"
	"bridge/internal/preflight"
	"bridge/wire"
)

// SetUp is what "bridge init" does to a database. Its steps are called in this order; each finds what's there and
// makes what's missing.
type SetUp interface {
	Preflight(ctx context.Context) (*preflight.Report, error)
	// Publish makes bridge's own tables, and what the log needs to show the replicated ones.
	Publish(ctx context.Context, report *preflight.Report, done func(Step)) error
	// Begun tells where capture begins if that's settled already.
	Begun(ctx context.Context, report *preflight.Report, verify bool) (step *Step, err error)
	// Begin settles where capture begins. To verify is to be able to read the tables as of there.
	Begin(ctx context.Context, report *preflight.Report, verify bool) (*Beginning, error)
	// Claim says in the database which region it is, and that it's set up.
	Claim(ctx context.Context) (n database.Node, claimed bool, err error)
	Close(ctx context.Context)
}

// Beginning is where a region's capture begins.
type Beginning struct {
	Step     Step
	Position change.Position
	// Baseline reads the tables as of the position; nil without verification.
	Baseline func(ctx context.Context) (wire.Baseline, error)
	Undo     func(ctx context.Context) error // so that init can be run again
	Close    func(ctx context.Context)
}

// Step is one thing that init saw to.
type Step struct {
	Step    string `json:"step"`
	Changed bool   `json:"changed"`
	Warning bool   `json:"warning,omitempty"` // an operator has something to do about it
	Detail  string `json:"detail"`
}
