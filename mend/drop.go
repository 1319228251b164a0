package mend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"bridge/casebook"
	"bridge/change"
	"bridge/visibility"
)

// Dropper gives up rows whose parents were deleted at the same time, where the policy of the foreign key is to drop them
// ([visibility.DropChild]).
//
// That can't be each region's own decision: one that sees the parent come back first would keep the row. So all regions hide it, and one,
// always the same, deletes it in an ordinary local transaction of its own, which supersedes it everywhere.
type Dropper struct {
	open     func(context.Context) (casebook.Book, error)
	policies visibility.Policies
	log      *slog.Logger
	wake     chan struct{}
}

// NewDropper makes a dropper; open opens the region's book. Policies are by names between the regions.
func NewDropper(open func(context.Context) (casebook.Book, error), policies visibility.Policies, log *slog.Logger) *Dropper {
	return &Dropper{open: open, policies: policies, log: log, wake: make(chan struct{}, 1)}
}

// Wake tells that rows are parked which may have to be dropped. It doesn't block.
func (d *Dropper) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// dropEvery is how often a dropper looks at parked rows in any case.
const dropEvery = time.Minute

// Run works until ctx ends. It begins when it's first woken: bridge looks at its parked rows when it starts, so they are as they should
// be by then. What fails is tried again: the rows stay parked.
func (d *Dropper) Run(ctx context.Context) error {
	pause := dropEvery
	for {
		select {
		case <-d.wake:
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		pause = dropEvery
		if err := d.session(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("rows that lack a parent can't be dropped; will try again", "error", err)
			pause = retryAfter
		}
	}
}

func (d *Dropper) session(ctx context.Context) error {
	book, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer book.Close(context.WithoutCancel(ctx)) //nolint:errcheck // every row was dropped by itself
	return d.Step(ctx, book)
}

// Step drops all rows that are to be dropped now.
func (d *Dropper) Step(ctx context.Context, book casebook.Book) error {
	o := &orphans{book: book, policies: d.policies, parked: map[change.TableName][]*casebook.Parked{}, lost: map[*casebook.Parked]bool{}}
	lost, err := o.all(ctx)
	if err != nil {
		return err
	}
	for _, p := range lost {
		switch err := book.Drop(ctx, p, casebook.NewDropped(p)); {
		case err == nil:
			d.log.Debug("row dropped for want of its parent", "table", p.TableName().String(), "key", p.Key, "constraint", p.Constraint)
		case errors.Is(err, casebook.ErrNotParked), errors.Is(err, casebook.ErrSuperseded):
			// It's shown, written anew, or dropped by now.
		case errors.Is(err, casebook.ErrUntaken):
			d.log.Warn("row that lacks a parent can't be dropped: it stays parked (bridge parked show)", "table", p.TableName().String(), "key", p.Key, "error", err)
		default:
			return fmt.Errorf("drop %s: %w", p.Row(), err)
		}
	}
	return nil
}

// orphans are the parked rows of a book, as far as they were read, by what is to become of them.
type orphans struct {
	book     casebook.Book
	policies visibility.Policies
	parked   map[change.TableName][]*casebook.Parked
	lost     map[*casebook.Parked]bool
}

// all are the rows that are to be dropped.
func (o *orphans) all(ctx context.Context) (lost []*casebook.Parked, err error) {
	for table, policies := range o.policies {
		if !policies.Drop() {
			continue
		}
		rows, err := o.of(ctx, table)
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			is, err := o.isLost(ctx, p)
			if err != nil {
				return nil, err
			}
			if is {
				lost = append(lost, p)
			}
		}
	}
	return lost, nil
}

// of are the parked rows of a table, the oldest first.
func (o *orphans) of(ctx context.Context, table change.TableName) ([]*casebook.Parked, error) {
	rows, read := o.parked[table]
	if read {
		return rows, nil
	}
	err := o.book.Parked(ctx, casebook.ParkedFilter{Table: table}, func(p *casebook.Parked) error {
		rows = append(rows, p)
		return nil
	})
	slices.Reverse(rows)
	o.parked[table] = rows
	return rows, err
}

// isLost reports whether a parked row is to be dropped: its parent isn't there and, if it's parked itself, is to be dropped, too. One that's parked
// for another reason may be shown again, and the row with it.
func (o *orphans) isLost(ctx context.Context, p *casebook.Parked) (lost bool, err error) {
	if lost, known := o.lost[p]; known {
		return lost, nil
	}
	o.lost[p] = false // of rows that wait for each other, as long as nothing else is known
	if p.Reason != visibility.ByParent || !p.Hidden() || !o.policies[p.TableName()].Drop() {
		return false, nil
	}
	way, err := o.book.Obstacle(ctx, p)
	switch {
	case errors.Is(err, casebook.ErrNoTable):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the parent of %s: %w", p.Row(), err)
	case way == nil || !way.Parent || way.Row != nil || o.policies[p.TableName()].Foreign[visibility.ColumnsName(way.Columns)] != visibility.DropChild:
		return false, nil
	}
	rivals, err := o.of(ctx, way.TableName())
	if err != nil {
		return false, err
	}
	for _, parent := range rivals {
		values, ok := parent.ValuesOf(way.At)
		if parent == p || !ok || !mayEqual(values, way.Values) {
			continue
		}
		if lost, err := o.isLost(ctx, parent); !lost || err != nil {
			return false, err
		}
	}
	o.lost[p] = true
	return true, nil
}

// mayEqual reports whether a database may hold values equal: a row that waits in vain does no harm, one that's dropped is gone.
func mayEqual(a, b []string) bool {
	plain := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || r == '.' })
	}
	return slices.EqualFunc(a, b, func(x, y string) bool {
		return !plain(x) || !plain(y) || strings.EqualFold(strings.TrimRight(x, " "), strings.TrimRight(y, " "))
	})
}
