package mend

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bridge/casebook"
	"bridge/visibility"
)

// keep inserts the parents again of all rows that are to keep theirs. A row whose parent is parked itself waits for that.
func (m *OrphanMender) keep(ctx context.Context, o *orphans, told map[string]bool) error {
	return o.each(ctx, visibility.KeepParent, func(p *casebook.Parked) error {
		way, err := o.lacks(ctx, p, visibility.KeepParent)
		if err != nil || way == nil {
			return err
		}
		parents, err := o.candidates(ctx, p, way)
		if err != nil || len(parents) > 0 {
			return err
		}
		if !isTold(p, way) {
			if m.isNews(told, p) {
				m.log.Warn("parent can't be inserted again, for its last row isn't known: the child stays parked (bridge parked show)", "table", p.TableName().String(), "key", p.Key, "constraint", p.Constraint)
			}
			return nil
		}
		switch cases, err := o.book.Restore(ctx, p); {
		case err == nil && len(cases) == 0:
			return m.untaken(ctx, o, told, p, errors.New("a row with the parent's key is there, with other values in the columns that the child names"))
		case err == nil:
			for _, c := range cases {
				m.log.Debug("deleted row inserted again for its children", "table", c.TableName().String(), "key", c.Key, "constraint", p.Constraint)
			}
		case errors.Is(err, casebook.ErrNotParked):
			// It's shown by now, or something else was made of it.
		case errors.Is(err, casebook.ErrUntaken):
			return m.untaken(ctx, o, told, p, err)
		default:
			return fmt.Errorf("insert the parent of %s again: %w", p.Row(), err)
		}
		return nil
	})
}

// isTold reports whether it's known how the parent was that a row lacks.
func isTold(p *casebook.Parked, way *casebook.Obstacle) bool {
	return slices.ContainsFunc(p.Lost, func(l *casebook.Lost) bool {
		values, ok := l.ValuesOf(way.At)
		return ok && l.TableName() == way.TableName() && mayEqual(values, way.Values)
	})
}

// untaken tells of a row whose parent the database doesn't take, unless an application has inserted it at the same moment.
func (m *OrphanMender) untaken(ctx context.Context, o *orphans, told map[string]bool, p *casebook.Parked, why error) error {
	way, err := o.lacks(ctx, p, visibility.KeepParent)
	if err == nil && way != nil && m.isNews(told, p) {
		m.log.Warn("parent can't be inserted again: the child stays parked (bridge parked show)", "table", p.TableName().String(), "key", p.Key, "error", why)
	}
	return err
}
