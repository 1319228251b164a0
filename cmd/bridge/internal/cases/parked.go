package cases

import (
	"context"
	"errors"
	"fmt"
	"io"

	"bridge/casebook"
	"bridge/change"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	"bridge/visibility"
)

// Parked is "bridge parked": the rows that constraints keep this region's tables from showing.
type Parked struct {
	List    parkedList    `cmd:"" help:"List parked rows, the newest first."`
	Show    parkedShow    `cmd:"" help:"Show a parked row: why it's parked, and what stands in its way."`
	Retry   parkedRetry   `cmd:"" help:"Have the running bridge look at all parked rows again, at once."`
	Resolve parkedResolve `cmd:"" help:"Write a parked row with other values, in an ordinary transaction that goes to every region."`
	Discard parkedDiscard `cmd:"" help:"Give a parked row up for good, in every region."`
}

// parkedList is "bridge parked list".
type parkedList struct {
	Table  string `placeholder:"[SCHEMA.]TABLE" help:"Only of this table, by its name between the regions."`
	Reason string `placeholder:"REASON" enum:",unique,foreign_key,refused" default:"" help:"Only for this reason: unique, foreign_key, refused."`
	listLimit
}

// Run is called by kong.
func (cmd *parkedList) Run(ctx context.Context, s *shell.Session) error {
	f := casebook.ParkedFilter{Reason: visibility.Reason(cmd.Reason)}
	if cmd.Table != "" {
		f.Table = settings.TableName(cmd.Table)
		if f.Table.Name == "" { // without a schema
			f.Table = change.TableName{Name: cmd.Table}
		}
	}
	f.Limit = cmd.ask()
	list := []*casebook.Parked{}
	err := withCases(ctx, s, func(book casebook.Book) error {
		return book.Parked(ctx, f, func(p *casebook.Parked) error { list = append(list, p); return nil })
	})
	if err != nil {
		return err
	}
	list, s.Outcome.Summary = newest(cmd.listLimit, list, "parked row")
	s.Outcome.Result = list
	s.Outcome.Human = func(w io.Writer) error { return writeParkedList(w, list) }
	return nil
}

// parkedRow names one parked row.
type parkedRow struct {
	Table string   `arg:"" help:"The table, as schema.table."`
	Key   []string `arg:"" help:"The values of the row's key columns, in the order of the table's columns."`
}

// with finds the row, and opens the region's book for f.
func (r *parkedRow) with(ctx context.Context, s *shell.Session, f func(casebook.Book, *casebook.Parked) error) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	table, err := settings.FindTable(c, r.Table)
	if err != nil {
		return shell.Usage(err)
	}
	return withCases(ctx, s, func(book casebook.Book) error {
		p, err := casebook.FindParked(ctx, book, table.Stream, r.Key)
		if err != nil {
			return err
		}
		return f(book, p)
	})
}

// parkedShow is "bridge parked show".
type parkedShow struct {
	parkedRow
}

// shownParked is what --json shows of a parked row.
type shownParked struct {
	*casebook.Parked
	// InTheWay is nil where no other row is, or where it isn't known: then InTheWayError says why, if that's known.
	InTheWay      *casebook.Obstacle `json:"in_the_way,omitempty"`
	InTheWayError string             `json:"in_the_way_error,omitempty"`
	Story         []string           `json:"story"`
}

// Run is called by kong.
func (cmd *parkedShow) Run(ctx context.Context, s *shell.Session) error {
	return cmd.with(ctx, s, func(book casebook.Book, p *casebook.Parked) error {
		shown := &shownParked{Parked: p}
		var err error
		if shown.InTheWay, err = casebook.InTheWay(ctx, book, p); err != nil {
			shown.InTheWayError = err.Error()
		}
		shown.Story = p.Story(shown.InTheWay)
		s.Outcome.Result = shown
		s.Outcome.Human = func(w io.Writer) error { return writeParked(w, shown) }
		return nil
	})
}

// parkedDiscard is "bridge parked discard".
type parkedDiscard struct {
	parkedRow
}

// Run is called by kong.
func (cmd *parkedDiscard) Run(ctx context.Context, s *shell.Session) error {
	return cmd.with(ctx, s, func(book casebook.Book, p *casebook.Parked) error {
		if err := book.Discard(ctx, p); err != nil {
			return err
		}
		what := "it's deleted"
		if !p.Hidden() {
			what = "what the table shows of it stays"
		}
		return superseded(s, p, "discarded", what)
	})
}

// parkedResolve is "bridge parked resolve".
type parkedResolve struct {
	parkedRow
	Value []string `placeholder:"COLUMN=VALUE" sep:"none" help:"Give a column this value, written as \"show\" shows it; can be repeated."`
	Null  []string `placeholder:"COLUMN" sep:"none" help:"Make a column NULL; can be repeated."`
}

// Run is called by kong.
func (cmd *parkedResolve) Run(ctx context.Context, s *shell.Session) error {
	set, err := columnValues(cmd.Value, cmd.Null)
	if err == nil && len(set) == 0 {
		err = errors.New("say what shall be different: --value COLUMN=VALUE or --null COLUMN")
	}
	if err != nil {
		return shell.Usage(err)
	}
	return cmd.with(ctx, s, func(book casebook.Book, p *casebook.Parked) error {
		err := book.Release(ctx, p, func(row *casebook.Row) (casebook.Change, error) { return p.Change(row, set) })
		if err != nil {
			return err
		}
		return superseded(s, p, "resolved", "it's written with the values given")
	})
}

// superseded is the outcome of a write that supersedes a parked row.
func superseded(s *shell.Session, p *casebook.Parked, word, what string) error {
	s.Outcome.Summary = fmt.Sprintf("%s is %s: %s, here and in the other regions. The running bridge takes it out of bridge.parked", p.Row(), word, what)
	s.Outcome.Result = map[string]any{"table_schema": p.Schema, "table_name": p.Table, "key": p.Key, "done": word}
	return nil
}
