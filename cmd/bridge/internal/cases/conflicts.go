// Package cases is what an operator does about decided conflicts and parked rows: "bridge conflicts", "bridge parked".
package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"bridge/casebook"
	"bridge/change"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/show"
	"bridge/config"
	"bridge/conflict"
)

// Conflicts is "bridge conflicts": the conflicts that this region has decided.
type Conflicts struct {
	List    conflictsList    `cmd:"" help:"List decided conflicts, the newest first."`
	Show    conflictsShow    `cmd:"" help:"Show a conflict: its versions side by side, who won and why, and the row as it is now."`
	Stats   conflictsStats   `cmd:"" help:"Count conflicts and lost updates by table, type and rule."`
	Export  conflictsExport  `cmd:"" help:"Print conflicts with all that's known of them, the oldest first, a line of JSON each."`
	Resolve conflictsResolve `cmd:"" help:"Write a conflict's row anew, in an ordinary transaction that goes to every region."`
}

// caseFilter chooses conflicts.
type caseFilter struct {
	Table    string   `placeholder:"[SCHEMA.]TABLE" help:"Only of this table, by its name between the regions."`
	Key      []string `placeholder:"VALUE" sep:"none" help:"Only of the row with this key; once for each of its columns."`
	Type     string   `placeholder:"TYPE" help:"Only of this type: insert_exists, update_concurrent, …"`
	Outcome  string   `placeholder:"WORD" help:"Only with this outcome: applied, kept, merged, parked, altered, dropped, restored."`
	Since    string   `placeholder:"AGE|TIME" help:"Only those decided since: 90m, 24h, 7d, or 2026-01-31T12:00:00Z."`
	Before   string   `placeholder:"AGE|TIME" help:"Only those decided before."`
	Awaiting bool     `help:"Only those that wait for somebody's decision in this region (columns with the rule manual)."`
	Open     bool     `help:"Only those that nobody has resolved."`
}

func (f *caseFilter) filter(now time.Time) (out casebook.Filter, err error) {
	out = casebook.Filter{Key: f.Key, Type: f.Type, Outcome: f.Outcome, Open: f.Open}
	if f.Awaiting {
		out.Awaits = conflict.PersonAwaited
	}
	if f.Table != "" {
		out.Table = settings.TableName(f.Table)
		if out.Table.Name == "" { // without a schema
			out.Table = change.TableName{Name: f.Table}
		}
	}
	if out.Since, err = shell.Moment("--since", f.Since, now); err != nil {
		return out, err
	}
	out.Before, err = shell.Moment("--before", f.Before, now)
	return out, err
}

// withCases opens the region's book for f.
func withCases(ctx context.Context, s *shell.Session, f func(casebook.Book) error) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	book, err := engines.Of(c).Cases(ctx)
	if err != nil {
		return shell.Environment(err)
	}
	defer book.Close(context.WithoutCancel(ctx)) //nolint:errcheck // what it wrote is committed
	return f(book)
}

// conflictsList is "bridge conflicts list".
type conflictsList struct {
	caseFilter
	listLimit
}

// listLimit is how many entries a list shows, the newest.
type listLimit struct {
	Limit int `short:"n" default:"50" help:"At most so many, 0 is all (${default})."`
}

// ask is how many to ask for, to tell whether there are more than are shown; 0 is all.
func (l listLimit) ask() int {
	if l.Limit > 0 {
		return l.Limit + 1
	}
	return 0
}

// newest are the entries that the limit lets be shown of those that were asked for, and the summary.
func newest[T any](l listLimit, list []T, what string) ([]T, string) {
	if l.Limit > 0 && len(list) > l.Limit {
		list = list[:l.Limit]
		return list, fmt.Sprintf("the newest %s; there are more (--limit)", show.Count(len(list), what))
	}
	return list, show.Count(len(list), what)
}

// Run is called by kong.
func (cmd *conflictsList) Run(ctx context.Context, s *shell.Session) error {
	f, err := cmd.filter(time.Now())
	if err != nil {
		return err
	}
	f.Limit = cmd.ask()
	cases := []*casebook.Case{}
	err = withCases(ctx, s, func(book casebook.Book) error {
		return book.Cases(ctx, f, func(c *casebook.Case) error { cases = append(cases, c); return nil })
	})
	if err != nil {
		return err
	}
	cases, s.Outcome.Summary = newest(cmd.listLimit, cases, "conflict")
	s.Outcome.Result = cases
	s.Outcome.Human = func(w io.Writer) error { return writeCases(w, cases) }
	return nil
}

// conflictsShow is "bridge conflicts show".
type conflictsShow struct {
	ID int64 `arg:"" help:"The conflict's number, as the list has it."`
}

// shownCase is what --json shows of a conflict.
type shownCase struct {
	*casebook.Case
	Story []string `json:"story"`
	// Now is the row as it is; null if there's none. NowError says why it isn't known.
	Now      casebook.Image `json:"now"`
	NowError string         `json:"now_error,omitempty"`
	Changed  string         `json:"changed_since,omitempty"`

	columns []string
}

// Run is called by kong.
func (cmd *conflictsShow) Run(ctx context.Context, s *shell.Session) error {
	return withCases(ctx, s, func(book casebook.Book) error {
		c, err := caseOf(ctx, book, cmd.ID)
		if err != nil {
			return err
		}
		shown := &shownCase{Case: c, Story: c.Story()}
		row, err := book.Row(ctx, c)
		if err != nil {
			shown.NowError = err.Error()
		} else {
			shown.Now, shown.Changed = row.Values, c.ChangedSince(row)
			for _, column := range row.Columns {
				shown.columns = append(shown.columns, column.Name)
			}
		}
		s.Outcome.Result = shown
		s.Outcome.Human = func(w io.Writer) error { return writeCase(w, shown) }
		return nil
	})
}

func caseOf(ctx context.Context, book casebook.Book, id int64) (found *casebook.Case, err error) {
	err = book.Cases(ctx, casebook.Filter{ID: id}, func(c *casebook.Case) error { found = c; return nil })
	if err == nil && (found == nil || id == 0) {
		err = fmt.Errorf("conflict %d: %w", id, casebook.ErrNoCase)
	}
	return found, err
}

// conflictsStats is "bridge conflicts stats".
type conflictsStats struct {
	Since  string `default:"24h" placeholder:"AGE|TIME" help:"Count from then on: 90m, 24h, 7d, or 2026-01-31T12:00:00Z (${default})."`
	Before string `placeholder:"AGE|TIME" help:"Count up to then (default: now)."`
	Table  string `placeholder:"[SCHEMA.]TABLE" help:"Only of this table."`
}

// Run is called by kong.
func (cmd *conflictsStats) Run(ctx context.Context, s *shell.Session) error {
	now := time.Now()
	filter := caseFilter{Table: cmd.Table, Since: cmd.Since, Before: cmd.Before}
	f, err := filter.filter(now)
	if err != nil {
		return err
	}
	f.Oldest = true
	end := f.Before
	if end.IsZero() {
		end = now
	}
	tally := casebook.NewTally(f.Since, end)
	err = withCases(ctx, s, func(book casebook.Book) error {
		return book.Cases(ctx, f, func(c *casebook.Case) error { tally.Add(c); return nil })
	})
	if err != nil {
		return err
	}
	stats := tally.Stats()
	s.Outcome.Result = stats
	s.Outcome.Human = func(w io.Writer) error { return writeStats(w, &stats) }
	s.Outcome.Summary = fmt.Sprintf("%s in %s, %d open; %s, %s an hour", show.Count(stats.Cases, "conflict"), config.Duration(stats.Before.Sub(stats.Since).Round(time.Second)),
		stats.Open, show.Count(stats.Lost, "lost update"), rate(stats.LostPerHour))
	return nil
}

// conflictsExport is "bridge conflicts export".
type conflictsExport struct{ caseFilter }

// Run is called by kong.
func (cmd *conflictsExport) Run(ctx context.Context, s *shell.Session) error {
	f, err := cmd.filter(time.Now())
	if err != nil {
		return err
	}
	f.Oldest = true
	s.Outcome.Streamed = true
	lines := json.NewEncoder(s.Stdout)
	lines.SetEscapeHTML(false)
	return withCases(ctx, s, func(book casebook.Book) error {
		return book.Cases(ctx, f, func(c *casebook.Case) error { return lines.Encode(c) })
	})
}
