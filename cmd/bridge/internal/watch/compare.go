package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bridge/change"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/show"
	"bridge/compare"
	"bridge/config"
)

// Compare is "bridge compare". Its exit codes: 0 equal, 1 different, 3 it couldn't be found out.
type Compare struct {
	Files   []string      `arg:"" optional:"" name:"file" help:"Configuration files of the regions. -c's is one of them when it's given, and when there's only one FILE."`
	Tables  []string      `placeholder:"PATTERN" help:"Compare only these tables, such as public.users or sales.* (default: all that are replicated)."`
	Timeout time.Duration `default:"2m" help:"How long to look again at rows that differ and may be on their way (${default})."`
	AtRest  bool          `help:"Nothing is on its way: no bridge runs, and no one writes. Every difference counts."`
}

// Run is called by kong.
func (cmd *Compare) Run(ctx context.Context, s *shell.Session) error {
	all, err := cmd.configurations(s)
	if err != nil {
		return err
	}
	members, closeAll, err := engines.OpenMembers(ctx, all, "compare")
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
		return shell.Environment(err)
	}
	return compared(s, result)
}

// configurations loads the files; the first is the command's own if it's one of them.
func (cmd *Compare) configurations(s *shell.Session) ([]*config.Config, error) {
	if s.Flags.Config != shell.DefaultConfig || len(cmd.Files) < 2 {
		c, err := s.Config()
		if err != nil {
			return nil, err
		}
		return s.OtherRegions(c, cmd.Files)
	}
	c, err := config.Load(cmd.Files[0], s.Outside)
	if err != nil {
		return nil, shell.Usage(err)
	}
	return s.OtherRegions(c, cmd.Files[1:])
}

// compared turns a result into the command's outcome.
func compared(s *shell.Session, r *compare.Result) error {
	s.Outcome = shell.Outcome{Result: r, Human: func(w io.Writer) error { return writeComparison(w, r) }}
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
		return shell.Environment(errors.New("no table to compare: see tables.include, tables.exclude and --tables"))
	case different > 0:
		s.Outcome.Summary = fmt.Sprintf("different: %d, undecided: %d of %s", different, undecided, show.Count(len(r.Tables), "table"))
		return shell.Runtime(errors.New(s.Outcome.Summary))
	case undecided > 0:
		s.Outcome.Summary = fmt.Sprintf("undecided: %d of %s", undecided, show.Count(len(r.Tables), "table"))
		return shell.Environment(errors.New(s.Outcome.Summary))
	}
	s.Outcome.Summary = fmt.Sprintf("%s equal in %s", show.Count(len(r.Tables), "table"), strings.Join(r.Regions, ", "))
	return nil
}
