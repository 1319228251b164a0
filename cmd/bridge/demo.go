package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"bridge/cmd/bridge/internal/shell"
	"bridge/demo"
)

// demoCommand is "bridge demo". Exit code 1 means that the regions weren't equal in the end.
type demoCommand struct {
	Seconds int      `default:"24" help:"How long the shops write (${default})."`
	Rate    int      `default:"50" help:"Transactions per second in each region (${default})."`
	Regions []string `default:"pg,pg,pg" placeholder:"ENGINE,…" help:"Engines of the regions: two to five of pg (PostgreSQL), mysql, mariadb; the same more than once, too (${default})."`
	Keep    bool     `help:"Leave everything running at the end, until Ctrl-C."`
}

// demoRegions name the regions in their order.
var demoRegions = [demo.MaxRegions]string{"eu", "us", "ap", "sa", "af"}

// Run is called by kong.
func (cmd *demoCommand) Run(ctx context.Context, s *shell.Session) error {
	options, err := cmd.options()
	if err != nil {
		return shell.Usage(err)
	}
	if options.Bridge, err = os.Executable(); err != nil {
		return fmt.Errorf("find bridge's executable, which the demo runs: %w", err)
	}
	options.Out, options.Styled = s.Stdout, shell.IsTerminal(s.Stdout) && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
	if s.Flags.JSON { // standard output is the result's
		options.Out, options.Styled = s.Stderr, false
	}
	result, err := demo.Run(ctx, options)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted; everything that ran is gone")
	case err != nil:
		return shell.Environment(err)
	}
	s.Outcome.Result = result
	if !result.Equal {
		return errors.New("the regions aren't equal: this is a bug in bridge, please report it")
	}
	if s.Flags.JSON {
		s.Outcome.Summary = "the regions are equal"
	}
	return nil
}

// options checks the flags.
func (cmd *demoCommand) options() (o demo.Options, err error) {
	if n := len(cmd.Regions); n < 2 || n > len(demoRegions) {
		return o, fmt.Errorf("--regions has %d regions: give two to %d, such as pg,mysql,mariadb", n, len(demoRegions))
	}
	o = demo.Options{Load: time.Duration(cmd.Seconds) * time.Second, Rate: cmd.Rate, Keep: cmd.Keep}
	for i, word := range cmd.Regions {
		engine, err := demo.ParseEngine(word)
		if err != nil {
			return o, fmt.Errorf("--regions: %w", err)
		}
		o.Regions = append(o.Regions, demo.Region{Name: demoRegions[i], Engine: engine})
	}
	if o.Load < demo.MinLoad {
		return o, fmt.Errorf("--seconds %d is too short: take %.0f or more", cmd.Seconds, demo.MinLoad.Seconds())
	}
	if o.Rate < 1 || o.Rate > 1000 {
		return o, fmt.Errorf("--rate %d isn't between 1 and 1000", cmd.Rate)
	}
	return o, nil
}
