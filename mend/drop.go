package mend

import (
	"context"
	"errors"
	"fmt"

	"bridge/casebook"
	"bridge/visibility"
)

// drop gives up all rows that are to be dropped now.
func (m *OrphanMender) drop(ctx context.Context, o *orphans, told map[string]bool) error {
	var lost []*casebook.Parked // all are found before one is dropped: children go with their parents
	err := o.each(ctx, visibility.DropChild, func(p *casebook.Parked) error {
		is, err := o.isLost(ctx, p)
		if is {
			lost = append(lost, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range lost {
		switch err := o.book.Drop(ctx, p, casebook.NewDropped(p)); {
		case err == nil:
			m.log.Debug("row dropped for want of its parent", "table", p.TableName().String(), "key", p.Key, "constraint", p.Constraint)
		case errors.Is(err, casebook.ErrNotParked), errors.Is(err, casebook.ErrSuperseded):
			// It's shown, written anew, or dropped by now.
		case errors.Is(err, casebook.ErrUntaken):
			if m.isNews(told, p) {
				m.log.Warn("row that lacks a parent can't be dropped: it stays parked (bridge parked show)", "table", p.TableName().String(), "key", p.Key, "error", err)
			}
		default:
			return fmt.Errorf("drop %s: %w", p.Row(), err)
		}
	}
	return nil
}

// isLost reports whether a parked row is to be dropped: its parent isn't there and, if it's parked itself, is to be dropped, too. One that's parked
// for another reason may be shown again, and the row with it.
func (o *orphans) isLost(ctx context.Context, p *casebook.Parked) (lost bool, err error) {
	if lost, known := o.lost[p]; known {
		return lost, nil
	}
	o.lost[p] = false // of rows that wait for each other, as long as nothing else is known
	way, err := o.lacks(ctx, p, visibility.DropChild)
	if err != nil || way == nil {
		return false, err
	}
	parents, err := o.candidates(ctx, p, way)
	if err != nil {
		return false, err
	}
	for _, parent := range parents {
		if lost, err := o.isLost(ctx, parent); !lost || err != nil {
			return false, err
		}
	}
	o.lost[p] = true
	return true, nil
}
