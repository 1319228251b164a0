package mend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"bridge/casebook"
	"bridge/change"
	"bridge/conflict"
)

// Column is how one column's versions are merged.
type Column struct {
	Overlap    Overlap     // of texts
	Expression *Expression // in place of a text merge
}

// Rules are the columns that are merged here, by table and column under their names between the regions.
type Rules map[change.TableName]map[string]Column

// Mender resolves the cases that wait for a merge in a region's book, the oldest first.
type Mender struct {
	open  func(context.Context) (casebook.Book, error)
	rules Rules
	log   *slog.Logger
	wake  chan struct{}
}

// New makes a mender; open opens the region's book.
func New(open func(context.Context) (casebook.Book, error), rules Rules, log *slog.Logger) *Mender {
	return &Mender{open: open, rules: rules, log: log, wake: make(chan struct{}, 1)}
}

// Wake tells that a case has come that waits for a merge. It doesn't block.
func (m *Mender) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// retryAfter is how long a mender waits when its database is away, and looks again in any case: a case may have
// come with an earlier process.
const retryAfter = 10 * time.Second

// Run works until ctx ends. What fails is tried again: the cases stay in the book.
func (m *Mender) Run(ctx context.Context) error {
	for {
		if err := m.session(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("conflicts that wait for a merge can't be worked on; will try again", "error", err)
		}
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (m *Mender) session(ctx context.Context) error {
	book, err := m.open(ctx)
	if err != nil {
		return err
	}
	defer book.Close(context.WithoutCancel(ctx)) //nolint:errcheck // every case was ended by itself
	for {
		if err := m.Step(ctx, book); err != nil {
			return err
		}
		select {
		case <-m.wake:
		case <-time.After(retryAfter):
		case <-ctx.Done():
			return nil
		}
	}
}

// Step resolves all cases that wait now. A row whose cases can't be merged is left for a person, and doesn't hold up the others.
func (m *Mender) Step(ctx context.Context, book casebook.Book) error {
	var first []*casebook.Case // of each row
	type row struct{ table, key string }
	seen := map[row]bool{}
	err := book.Cases(ctx, casebook.Filter{Merge: true, Oldest: true}, func(c *casebook.Case) error {
		of := row{c.TableName().String(), fmt.Sprintf("%q", c.Key)}
		if !seen[of] {
			first = append(first, c)
		}
		seen[of] = true
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range first {
		if err := m.mend(ctx, book, c); err != nil {
			return err
		}
	}
	return nil
}

// mend resolves all cases of the row of c.
func (m *Mender) mend(ctx context.Context, book casebook.Book, c *casebook.Case) error {
	columns := m.rules[c.TableName()]
	mark := func(c *casebook.Case) casebook.Mark {
		mark := casebook.Mark{By: "bridge", How: "merged " + strings.Join(slices.Sorted(maps.Keys(columns)), ", ")}
		if c.Awaits == conflict.BothAwaited {
			mark.Awaits = conflict.PersonAwaited
		}
		return mark
	}
	err := book.Mend(ctx, c, mark, func(cases []*casebook.Case, row *casebook.Row) (casebook.Change, error) {
		if !row.Exists() {
			return casebook.Change{}, gone(ctx, book, c)
		}
		return merged(columns, cases, row)
	})
	failed, isOurs := errors.AsType[*unmergeable](err)
	switch {
	case err == nil:
		m.log.Debug("conflict merged", "conflict", c.ID, "table", c.TableName().String())
		return nil
	case errors.Is(err, casebook.ErrResolved), errors.Is(err, casebook.ErrNoCase):
		return nil // a person, or another process, was faster
	case errors.Is(err, errHidden):
		return nil // until it's shown
	case isOurs:
		m.log.Warn("conflict can't be merged: the winner stands, and a person may resolve it (bridge conflicts show)",
			"conflict", c.ID, "table", c.TableName().String(), "error", failed)
		given := casebook.Mark{How: "couldn't be merged: " + failed.Error(), Awaits: conflict.PersonAwaited}
		return book.Mend(ctx, c, func(*casebook.Case) casebook.Mark { return given },
			func([]*casebook.Case, *casebook.Row) (casebook.Change, error) { return casebook.Change{}, nil })
	}
	return fmt.Errorf("conflict %d of %s: %w", c.ID, c.TableName(), err)
}

// errHidden means that a constraint hides a row.
var errHidden = errors.New("the row is parked")

// gone is nil if a case's row, which isn't there, was deleted by someone who had seen it: then nothing is to be merged.
func gone(ctx context.Context, book casebook.Book, c *casebook.Case) error {
	_, err := casebook.FindParked(ctx, book, c.TableName(), c.Key)
	switch {
	case err == nil:
		return errHidden
	case !errors.Is(err, casebook.ErrNotParked):
		return err
	}
	row, err := book.Row(ctx, c) // it may have been shown since it was looked for
	if err == nil && row.Exists() {
		err = errHidden
	}
	return err
}

// unmergeable is a case that no repetition will merge.
type unmergeable struct{ why string }

func (e *unmergeable) Error() string { return e.why }

// merged is what the row becomes when every version's own part is in it.
func merged(columns map[string]Column, cases []*casebook.Case, row *casebook.Row) (casebook.Change, error) {
	for _, c := range cases {
		if !slices.ContainsFunc(c.Versions, func(v casebook.Version) bool { return v.Arrived }) {
			return casebook.Change{}, &unmergeable{"an earlier bridge has recorded it, without what it met"}
		}
	}
	change := casebook.Change{Kind: casebook.Update, Values: casebook.Image{}}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		column, now := columns[name], row.Values[name]
		value, err := column.replay(name, cases, now)
		if err != nil {
			return casebook.Change{}, &unmergeable{fmt.Sprintf("column %s: %v", name, err)}
		}
		if !casebook.Same(value, now) {
			change.Values[name] = value
		}
	}
	if len(change.Values) == 0 {
		return casebook.Change{}, nil
	}
	return change, nil
}
