package mend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"bridge/apply"
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

// Step resolves all cases that wait now. A case that can't be merged is left for a person, and doesn't hold up the others.
func (m *Mender) Step(ctx context.Context, book casebook.Book) error {
	var waiting []*casebook.Case
	for _, awaits := range []conflict.Awaited{conflict.MergeAwaited, conflict.BothAwaited} {
		filter := casebook.Filter{Awaits: awaits, Open: true, Oldest: true}
		err := book.Cases(ctx, filter, func(c *casebook.Case) error {
			waiting = append(waiting, c)
			return nil
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(waiting, func(a, b *casebook.Case) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range waiting {
		if err := m.mend(ctx, book, c); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mender) mend(ctx context.Context, book casebook.Book, c *casebook.Case) error {
	columns := m.rules[c.TableName()]
	mark := casebook.Mark{By: "bridge", How: "merged " + strings.Join(slices.Sorted(maps.Keys(columns)), ", ")}
	if c.Awaits == conflict.BothAwaited {
		mark.Awaits = conflict.PersonAwaited
	}
	err := book.Resolve(ctx, c.ID, mark, false, func(c *casebook.Case, row *casebook.Row) (casebook.Change, error) {
		return merged(columns, c, row)
	})
	failed, isOurs := errors.AsType[*unmergeable](err)
	switch {
	case err == nil:
		m.log.Debug("conflict merged", "conflict", c.ID, "table", c.TableName().String())
		return nil
	case errors.Is(err, casebook.ErrResolved), errors.Is(err, casebook.ErrNoCase):
		return nil // a person, or another process, was faster
	case isOurs:
		m.log.Warn("conflict can't be merged: the winner stands, and a person may resolve it (bridge conflicts show)",
			"conflict", c.ID, "table", c.TableName().String(), "error", failed)
		return book.Resolve(ctx, c.ID, casebook.Mark{How: "couldn't be merged: " + failed.Error(), Awaits: conflict.PersonAwaited}, false,
			func(*casebook.Case, *casebook.Row) (casebook.Change, error) { return casebook.Change{}, nil })
	}
	return fmt.Errorf("conflict %d of %s: %w", c.ID, c.TableName(), err)
}

// unmergeable is a case that no repetition will merge.
type unmergeable struct{ why string }

func (e *unmergeable) Error() string { return e.why }

// merged is what the row becomes with the lost versions' part in it.
func merged(columns map[string]Column, c *casebook.Case, row *casebook.Row) (casebook.Change, error) {
	if !row.Exists() {
		return casebook.Change{}, nil // it was deleted since, by someone who had seen the row
	}
	change := casebook.Change{Kind: casebook.Update, Values: casebook.Image{}}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		value := row.Values[name]
		for _, side := range sides(c, name) {
			column := columns[name]
			next, err := column.merge(side.base, value, side.theirs)
			if err != nil {
				return casebook.Change{}, &unmergeable{fmt.Sprintf("column %s: %v", name, err)}
			}
			if next != nil {
				value, change.Values[name] = next, next
			}
		}
	}
	for name, value := range change.Values {
		if now := row.Values[name]; now != nil && *now == *value {
			delete(change.Values, name)
		}
	}
	if len(change.Values) == 0 {
		return casebook.Change{}, nil
	}
	return change, nil
}

// side is what lost versions have made of a column's value, together.
type side struct{ base, theirs *string }

// sides are those of a column's lost versions that no other of them had seen. What they had seen is in their values, and
// counts from before the first of it: once, also where two of them had seen it.
func sides(c *casebook.Case, column string) (out []side) {
	var lost, counted []*casebook.Version
	for i := range c.Versions {
		if v := &c.Versions[i]; v.Fate == apply.FateLost && slices.Contains(v.Lost, column) && v.Image != nil {
			lost = append(lost, v)
		}
	}
	for _, v := range lost {
		if slices.ContainsFunc(lost, func(w *casebook.Version) bool { return w.HadSeen(v) }) {
			continue
		}
		from := v
		for _, w := range slices.Backward(lost) {
			if v.HadSeen(w) && !slices.ContainsFunc(counted, func(x *casebook.Version) bool { return x.HadSeen(w) }) {
				from = w
			}
		}
		out = append(out, side{from.Before[column], v.Image[column]})
		counted = append(counted, v)
	}
	return out
}

// merge gives nil where a NULL takes part: then the row stays.
func (c *Column) merge(base, ours, theirs *string) (*string, error) {
	switch {
	case base == nil || ours == nil || theirs == nil:
		return nil, nil
	case c.Expression != nil:
		v, err := c.Expression.Value(*base, *ours, *theirs)
		return &v, err
	case !isText(*base) || !isText(*ours) || !isText(*theirs):
		return nil, errors.New("it isn't UTF-8")
	}
	v := Texts(*base, *ours, *theirs, c.Overlap)
	return &v, nil
}
