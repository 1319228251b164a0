package mysql

import (
	"context"
	"fmt"

	"bridge/casebook"
)

// Restore is [casebook.Book]'s. The tables' rows are written before the row of bridge.parked is locked: see [Book.Drop].
func (b *Book) Restore(ctx context.Context, p *casebook.Parked) ([]*casebook.Case, error) {
	where, err := b.placeOf(ctx, p)
	if err != nil {
		return nil, err
	}
	var cases []*casebook.Case
	err = b.transact(ctx, func() error {
		for _, l := range p.Lost {
			switch is, err := b.insertAgain(ctx, l); {
			case err != nil:
				return fmt.Errorf("%s: %w", l.Row(), err)
			case is:
				cases = append(cases, casebook.NewRestored(p, l))
			}
		}
		if len(cases) == 0 {
			return nil
		}
		r, err := b.conn.One(ctx, "SELECT 1 FROM bridge.parked"+where+" FOR UPDATE")
		switch {
		case err != nil:
			return explain(err)
		case len(r.Rows) == 0:
			return p.NotParked()
		}
		return b.record(ctx, cases...)
	})
	if err != nil {
		return nil, err
	}
	return cases, nil
}

// insertAgain inserts a row unless it's there, and reports whether it did.
func (b *Book) insertAgain(ctx context.Context, l *casebook.Lost) (bool, error) {
	t, err := b.table(ctx, l.TableName())
	if err != nil {
		return false, err
	}
	where, err := t.equal(l.KeyColumns(), l.Key)
	if err != nil {
		return false, err
	}
	row, err := b.read(ctx, t, where, " FOR UPDATE")
	if err != nil || row.Exists() {
		return false, err
	}
	text, err := t.statement(l.Again(row), nil)
	if err != nil {
		return false, err
	}
	_, err = b.conn.One(ctx, text)
	if untaken(err) {
		return false, fmt.Errorf("%w: %w", casebook.ErrUntaken, explain(err))
	}
	return err == nil, explain(err)
}
