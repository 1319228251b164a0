package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Options say how to run a demo.
type Options struct {
	Bridge  string   // path of bridge's executable
	Regions []Region // two to [MaxRegions]
	// Load is how long the shops write; at least [MinLoad].
	Load time.Duration
	Rate int // transactions per second and region
	// Keep leaves everything running at the end, until the context is cancelled.
	Keep   bool
	Out    io.Writer
	Styled bool // Out is a terminal that knows ANSI sequences
}

// Region is one of a demo's regions.
type Region struct {
	Name   string // lower-case letters
	Engine Engine
}

// MaxRegions is how many the demo shows: a laptop runs them, and lines have room for them.
const MaxRegions = 5

// MinLoad is the shortest time in which there's something to see.
const MinLoad = 3 * time.Second

// Result is what came of it.
type Result struct {
	Regions      []string          `json:"regions"`
	Engines      []Engine          `json:"engines"`          // by region
	Transactions map[string]int    `json:"transactions"`     // acknowledged to the shops, by region
	Conflicts    map[string]int    `json:"conflicts"`        // decided, by region
	CatchUp      float64           `json:"catch_up_seconds"` // from the killed bridge's start to lag zero
	Tables       []TableComparison `json:"tables"`
	Equal        bool              `json:"equal"`
}

// patience is how long anything may take before the demo gives up: the machine may be slow.
const patience = 2 * time.Minute

// Run runs a demo. Regions that aren't equal in the end are no error: see the result, which is nil after an
// error. Everything that was started is gone when Run returns.
func Run(ctx context.Context, o Options) (result *Result, err error) {
	if o.Load < MinLoad {
		return nil, fmt.Errorf("the shops write for %s: that's too short, take %s or more", o.Load, MinLoad)
	}
	out := &screen{w: o.Out, styled: o.Styled}
	m := &mesh{options: o, out: out}
	defer func() {
		out.endLive()
		err = errors.Join(err, m.close())
		if err != nil {
			result = nil
		}
	}()
	if err := m.start(ctx); err != nil {
		return nil, err
	}
	s, err := newStory(ctx, m)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.tell(ctx); err != nil {
		return nil, s.blame(err)
	}
	if o.Keep {
		s.keep(ctx)
	}
	return s.result, nil
}
