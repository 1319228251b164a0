package mend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/casebook"
	"bridge/change"
	"bridge/visibility"
)

// orphans are the parked rows of a book, as far as they were read, by what is to become of them.
type orphans struct {
	book     casebook.Book
	policies visibility.Policies
	parked   map[change.TableName][]*casebook.Parked
	lost     map[*casebook.Parked]bool
}

func newOrphans(book casebook.Book, policies visibility.Policies) *orphans {
	return &orphans{book: book, policies: policies, parked: map[change.TableName][]*casebook.Parked{}, lost: map[*casebook.Parked]bool{}}
}

// each calls f for the parked rows of all tables with a policy, the oldest of each first.
func (o *orphans) each(ctx context.Context, policy visibility.ForeignPolicy, f func(*casebook.Parked) error) error {
	for _, table := range sortedNames(o.policies) {
		if !slices.Contains(slices.Collect(maps.Values(o.policies[table].Foreign)), policy) {
			continue
		}
		rows, err := o.of(ctx, table)
		if err != nil {
			return err
		}
		for _, p := range rows {
			if err := f(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedNames(p visibility.Policies) []change.TableName {
	return slices.SortedFunc(maps.Keys(p), func(a, b change.TableName) int { return strings.Compare(a.String(), b.String()) })
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

// lacks is the parent that a parked row lacks by a foreign key with a policy; nil of other rows, and where the parent is there by now.
func (o *orphans) lacks(ctx context.Context, p *casebook.Parked, policy visibility.ForeignPolicy) (*casebook.Obstacle, error) {
	if p.Reason != visibility.ByParent || !p.Hidden() {
		return nil, nil
	}
	way, err := o.book.Obstacle(ctx, p)
	switch {
	case errors.Is(err, casebook.ErrNoTable):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for the parent of %s: %w", p.Row(), err)
	case way == nil || !way.Parent || way.Row != nil || o.policies[p.TableName()].Foreign[visibility.ColumnsName(way.Columns)] != policy:
		return nil, nil
	}
	return way, nil
}

// candidates are the other parked rows that would perhaps be the parent which a row lacks.
func (o *orphans) candidates(ctx context.Context, p *casebook.Parked, way *casebook.Obstacle) (parents []*casebook.Parked, err error) {
	rows, err := o.of(ctx, way.TableName())
	for _, parent := range rows {
		if values, ok := parent.ValuesOf(way.At); parent != p && ok && mayEqual(values, way.Values) {
			parents = append(parents, parent)
		}
	}
	return parents, err
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
