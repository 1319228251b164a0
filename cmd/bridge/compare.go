package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bridge/change"
	"bridge/compare"
	"bridge/config"
)

// compareCommand is "bridge compare". Its exit codes: 0 equal, 1 different, 3 it couldn't be found out.
type compareCommand struct {
	Files   []string      `arg:"" optional:"" name:"file" help:"Configuration files of the regions. -c's is one of them when it's given, and when there's only one FILE."`
	Tables  []string      `placeholder:"PATTERN" help:"Compare only these tables, such as public.users or sales.* (default: all that are replicated)."`
	Timeout time.Duration `default:"2m" help:"How long to look again at rows that differ and may be on their way (${default})."`
	AtRest  bool          `help:"Nothing is on its way: no bridge runs, and no one writes. Every difference counts."`
}

// Run is called by kong.
func (cmd *compareCommand) Run(ctx context.Context, s *session) error {
	all, err := cmd.configurations(s)
	if err != nil {
		return err
	}
	members, closeAll, err := openMembers(ctx, all, "compare")
	defer closeAll()
	if err != nil {
		return err
	}
	only := config.Tables{Include: cmd.Tables}
	options := compare.Options{Timeout: cmd.Timeout, AtRest: cmd.AtRest}
	if len(cmd.Tables) > 0 {
		options.Selected = func(t change.TableName) bool { return only.Match(t.Schema, t.Name) }
	}
	result, err := compare.Run(ctx, members, options)
	if err != nil {
		return environmentError(err)
	}
	return compared(s, result)
}

// configurations loads the files; the first is the command's own if it's one of them.
func (cmd *compareCommand) configurations(s *session) ([]*config.Config, error) {
	if s.flags.Config != defaultConfig || len(cmd.Files) < 2 {
		c, err := s.config()
		if err != nil {
			return nil, err
		}
		return s.otherRegions(c, cmd.Files)
	}
	c, err := config.Load(cmd.Files[0], s.outside)
	if err != nil {
		return nil, usageError(err)
	}
	return s.otherRegions(c, cmd.Files[1:])
}

// compared turns a result into the command's outcome.
func compared(s *session, r *compare.Result) error {
	s.outcome = outcome{result: r, human: func(w io.Writer) error { return writeComparison(w, r) }}
	different, undecided := 0, 0
	for _, t := range r.Tables {
		switch t.Verdict {
		case compare.Different:
			different++
		case compare.Undecided:
			undecided++
		}
	}
	switch {
	case len(r.Tables) == 0:
		return environmentError(errors.New("no table to compare: see tables.include, tables.exclude and --tables"))
	case different > 0:
		s.outcome.summary = fmt.Sprintf("different: %d, undecided: %d of %s", different, undecided, count(len(r.Tables), "table"))
		return runtimeError(errors.New(s.outcome.summary))
	case undecided > 0:
		s.outcome.summary = fmt.Sprintf("undecided: %d of %s", undecided, count(len(r.Tables), "table"))
		return environmentError(errors.New(s.outcome.summary))
	}
	s.outcome.summary = fmt.Sprintf("%s equal in %s", count(len(r.Tables), "table"), strings.Join(r.Regions, ", "))
	return nil
}
