package main

import (
	"context"

	"bridge/change"
	"bridge/internal/database"
	"bridge/internal/preflight"
	"bridge/wire"
)

// setUp is what "bridge init" does to a database. Its steps are called in this order; each finds what's there and
// makes what's missing.
type setUp interface {
	preflight(ctx context.Context) (*preflight.Report, error)
	// publish makes bridge's own tables, and what the log needs to show the replicated ones.
	publish(ctx context.Context, report *preflight.Report, done func(initStep)) error
	// begun tells where capture begins if that's settled already.
	begun(ctx context.Context, report *preflight.Report, verify bool) (step *initStep, err error)
	// begin settles where capture begins. To verify is to be able to read the tables as of there.
	begin(ctx context.Context, report *preflight.Report, verify bool) (*beginning, error)
	// claim says in the database which region it is, and that it's set up.
	claim(ctx context.Context) (n database.Node, claimed bool, err error)
	close(ctx context.Context)
}

// beginning is where a region's capture begins.
type beginning struct {
	step     initStep
	position change.Position
	// baseline reads the tables as of the position; nil without verification.
	baseline func(ctx context.Context) (wire.Baseline, error)
	undo     func(ctx context.Context) error // so that init can be run again
	close    func(ctx context.Context)
}

// initStep is one thing that init saw to.
type initStep struct {
	Step    string `json:"step"`
	Changed bool   `json:"changed"`
	Warning bool   `json:"warning,omitempty"` // an operator has something to do about it
	Detail  string `json:"detail"`
}
