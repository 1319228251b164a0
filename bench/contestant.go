package main

import (
	"context"
	"time"
)

// contestant replicates the tables of a pair, from source to target. The calls come in this order, and
// Stop in any case.
type contestant interface {
	Name() string
	// Prepare makes the slot and whatever else must be there before the first write. Nothing flows yet.
	Prepare(ctx context.Context, p *pair) error
	// Start lets it flow, and gives the moment at which the source's slot began to be read.
	Start(ctx context.Context, p *pair) (time.Time, error)
	// Stop ends it. The slots may stay. It works after ctx of the measurement has ended.
	Stop(p *pair) error
}

// stater is a contestant that can tell more about a measurement that failed.
type stater interface {
	state(ctx context.Context, p *pair) string
}

// nothing is the contestant that an application is measured alone with.
type nothing struct{}

func (nothing) Name() string                                    { return "no replication" }
func (nothing) Prepare(context.Context, *pair) error            { return nil }
func (nothing) Start(context.Context, *pair) (time.Time, error) { return time.Now(), nil }
func (nothing) Stop(*pair) error                                { return nil }
