package cases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"

	"bridge/casebook"
	"bridge/cmd/bridge/internal/shell"
)

// conflictsResolve is "bridge conflicts resolve".
type conflictsResolve struct {
	ID     int64    `arg:"" help:"The conflict's number, as the list has it."`
	Pick   string   `placeholder:"VERSION" help:"Make the row what it was in this version: a region, an origin, or a transaction such as us/1:42."`
	Value  []string `placeholder:"COLUMN=VALUE" sep:"none" help:"Give a column this value, written as \"show\" shows it; can be repeated, and goes with --pick."`
	Null   []string `placeholder:"COLUMN" sep:"none" help:"Make a column NULL; can be repeated."`
	Delete bool     `help:"Delete the row."`
	Keep   bool     `help:"Write nothing: the row is right as it is."`
	Force  bool     `help:"Also when the row has changed since, or the conflict is resolved already."`
	By     string   `placeholder:"NAME" help:"Who decides, for the record (default: the user who runs this)."`
	Note   string   `placeholder:"TEXT" help:"Why, for the record."`
}

// Run is called by kong.
func (cmd *conflictsResolve) Run(ctx context.Context, s *shell.Session) error {
	choice, err := cmd.choice()
	if err != nil {
		return shell.Usage(err)
	}
	mark := casebook.Mark{By: cmd.By, How: choice.String()}
	if mark.By == "" {
		if mark.By = userName(); mark.By == "" {
			return shell.Usage(errors.New("who resolves the conflict? Say --by NAME"))
		}
	}
	if cmd.Note != "" {
		mark.How += ": " + cmd.Note
	}
	return withCases(ctx, s, func(book casebook.Book) error {
		var done casebook.Change
		var of *casebook.Case
		err := book.Resolve(ctx, cmd.ID, mark, cmd.Force, func(c *casebook.Case, row *casebook.Row) (casebook.Change, error) {
			of = c
			var err error
			done, err = choice.Change(c, row)
			return done, err
		})
		if err != nil {
			return err
		}
		s.Outcome.Summary = fmt.Sprintf("conflict %d is resolved: %s", cmd.ID, wrote(of, done))
		s.Outcome.Result = map[string]any{"id": cmd.ID, "by": mark.By, "how": mark.How, "wrote": done.Kind.String()}
		s.Outcome.Human = func(io.Writer) error { return nil }
		return nil
	})
}

func (cmd *conflictsResolve) choice() (*casebook.Choice, error) {
	set, err := columnValues(cmd.Value, cmd.Null)
	if err != nil {
		return nil, err
	}
	c := &casebook.Choice{Pick: cmd.Pick, Set: set, Delete: cmd.Delete, Keep: cmd.Keep, Force: cmd.Force}
	return c, c.Check()
}

// columnValues are what --value and --null say.
func columnValues(assignments, nulls []string) (casebook.Image, error) {
	image := casebook.Image{}
	set := func(column string, value *string) error {
		if _, twice := image[column]; twice {
			return fmt.Errorf("column %s is set twice", column)
		}
		image[column] = value
		return nil
	}
	for _, s := range assignments {
		column, value, ok := strings.Cut(s, "=")
		if !ok || column == "" {
			return nil, fmt.Errorf("--value %s is not of the form column=value", column)
		}
		if err := set(column, &value); err != nil {
			return nil, err
		}
	}
	for _, column := range nulls {
		if err := set(column, nil); err != nil {
			return nil, err
		}
	}
	return image, nil
}

// wrote says what was done, for people.
func wrote(c *casebook.Case, done casebook.Change) string {
	if done.Kind == casebook.Nothing {
		return c.Row() + " is as it shall be already"
	}
	return done.Kind.String() + " of " + c.Row() + ", which goes to the other regions"
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}
