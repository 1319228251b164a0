package mend

import (
	"errors"
	"slices"

	"bridge/apply"
	"bridge/casebook"
	"bridge/change"
)

// replay is what a column of a row becomes: each write that came in conflict is made again, as the change that it was of the value that
// its own region had, on the value that this region had when it came.
//
// To put the lost versions' part into the winner's value, the other way round, would take for deleted what the winner's value lacks and the
// lost ones' base has. But a region that writes on a row has not always what it has seen: of two concurrent writes it shows one
// until the merged value comes to it. So what a winner had seen isn't what's in it.
//
// The cases are those of the row that wait, the oldest first. Between one and the next the row was written here, or by who had its value.
func (column *Column) replay(name string, cases []*casebook.Case, now *string) (*string, error) {
	var value, left *string // the merged value, and the row's own
	began := false
	carry := func(to *string) (err error) {
		if !casebook.Same(left, to) {
			value, err = column.merge(left, to, value)
		}
		return err
	}
	for _, c := range cases {
		arrived := arrivals(c, name)
		if len(arrived) == 0 {
			continue
		}
		if c.Result == nil {
			return nil, errors.New("the case doesn't tell what the row was before")
		}
		met := c.Result.Met[name]
		if !began {
			began, value, left = true, met, met
		}
		if err := carry(met); err != nil {
			return nil, err
		}
		for _, v := range arrived {
			var err error
			if value, err = column.add(value, v, name); err != nil {
				return nil, err
			}
		}
		left = c.Result.Image[name]
	}
	if !began {
		return now, nil
	}
	err := carry(now)
	return value, err
}

// arrivals are the writes of a column that came in conflict, in their order.
func arrivals(c *casebook.Case, column string) (out []*casebook.Version) {
	for i := range c.Versions {
		v := &c.Versions[i]
		_, changed := v.Before[column]
		if _, has := v.Image[column]; v.Arrived && has && (changed || v.Kind == change.Insert.String()) {
			out = append(out, v)
		}
	}
	return out
}

// add makes a write's change to a value. The winner's side is ours.
func (column *Column) add(value *string, v *casebook.Version, name string) (*string, error) {
	base, written := v.Before[name], v.Image[name]
	switch {
	case casebook.Same(base, value):
		return written, nil
	case v.Fate == apply.FateLost && slices.Contains(v.Lost, name):
		return column.merge(base, value, written)
	}
	return column.merge(base, written, value)
}

// merge gives ours where a NULL takes part.
func (column *Column) merge(base, ours, theirs *string) (*string, error) {
	switch {
	case base == nil || ours == nil || theirs == nil:
		return ours, nil
	case column.Expression != nil:
		v, err := column.Expression.Value(*base, *ours, *theirs)
		return &v, err
	case !isText(*base) || !isText(*ours) || !isText(*theirs):
		return nil, errors.New("it isn't UTF-8")
	}
	v := Texts(*base, *ours, *theirs, column.Overlap)
	return &v, nil
}
