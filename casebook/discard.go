package casebook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Change is what an operator's values make of a parked row: the row written anew with them, in place of the parked one.
// The error wraps [ErrSuperseded] where an application has done so already.
func (p *Parked) Change(row *Row, set Image) (Change, error) {
	for name := range set {
		if err := settable(row, name); err != nil {
			return Change{}, err
		}
	}
	switch {
	case p.Hidden() && row.Exists():
		return Change{}, fmt.Errorf("%s: %w", p.Row(), ErrSuperseded)
	case p.Hidden():
		return Change{Insert, fitted(p.Image, row, set)}, nil
	case !row.Exists():
		return Change{}, fmt.Errorf("%s was shown with other values, and has been deleted since: the running bridge takes it out of bridge.parked", p.Row())
	}
	return Change{Update, set}, nil
}

// fitted is an image with other values, as far as the table has columns for it.
func fitted(of Image, row *Row, set Image) Image {
	image := Image{}
	for i := range row.Columns {
		c := &row.Columns[i]
		if value, ok := of[c.Name]; ok && !c.Generated {
			image[c.Name] = value
		}
		if value, ok := set[c.Name]; ok {
			image[c.Name] = value
		}
	}
	return image
}

// Writer writes the row of one key, in a transaction that fires no triggers and checks no foreign keys.
type Writer interface {
	// Insert's error wraps [ErrUntaken] where the database doesn't take the image. Then nothing was written.
	Insert(Image) error
	Delete() error
}

// Discard writes what supersedes a parked row in every region, which is a write of its key. A hidden one is inserted and
// deleted again, with such values that the database takes it for that moment. A row that's shown with other values
// is written anew as it's shown.
func (p *Parked) Discard(row *Row, unique []UniqueKey, to Writer) error {
	switch {
	case p.Hidden() && row.Exists():
		return fmt.Errorf("%s: %w", p.Row(), ErrSuperseded)
	case !p.Hidden() && !row.Exists():
		return nil // an application has deleted it, which is another way to give it up
	case !p.Hidden():
		if err := to.Delete(); err != nil {
			return err
		}
		return to.Insert(p.asShown(row))
	}
	var err error
	for _, image := range p.standIns(row, unique) {
		if err = to.Insert(image); err == nil {
			return to.Delete()
		}
		if !errors.Is(err, ErrUntaken) {
			return err
		}
	}
	return fmt.Errorf(`no row could be put in place of %s for the moment that it takes to delete it: %w. `+
		`Write it with values that fit ("bridge parked resolve"), then delete it as an application does`, p.Row(), err)
}

func (p *Parked) asShown(row *Row) Image {
	image := maps.Clone(row.Values)
	for i := range row.Columns {
		if c := &row.Columns[i]; c.Generated {
			delete(image, c.Name)
		}
	}
	return image
}

// UniqueKey is a unique key beside the one that names rows.
type UniqueKey struct {
	Columns []string
	// NullsEqual says that NULLs count as equal.
	NullsEqual bool
}

// standIns are rows with the key of a hidden one, the likeliest to be taken first: as it is but for its unique values, and with
// NULL wherever that may be.
func (p *Parked) standIns(row *Row, unique []UniqueKey) []Image {
	first := fitted(p.Image, row, nil)
	bare := maps.Clone(first)
	for i := range row.Columns {
		if c := &row.Columns[i]; c.Nullable && !c.Key && !c.Generated {
			bare[c.Name] = nil
		}
	}
	for _, key := range unique {
		for _, image := range []Image{first, bare} {
			key.alter(row, image)
		}
	}
	return []Image{first, bare}
}

// alter changes one of the key's columns so that the row takes no value that another has: to NULL, or to a value of its own.
func (k *UniqueKey) alter(row *Row, image Image) {
	columns := slices.Clone(k.Columns)
	slices.SortStableFunc(columns, func(a, b string) int { return k.rank(row.column(a)) - k.rank(row.column(b)) })
	if len(columns) == 0 {
		return
	}
	switch c := row.column(columns[0]); k.rank(c) {
	case byNull:
		image[c.Name] = nil
	case byOwn:
		own := c.Own.value()
		image[c.Name] = &own
	}
}

// How a unique key's column can be altered, the best way first.
const (
	byNull = iota
	byOwn
	notAtAll
)

func (k *UniqueKey) rank(c *Column) int {
	switch {
	case c == nil || c.Key || c.Generated:
		return notAtAll
	case c.Nullable && !k.NullsEqual:
		return byNull
	case c.Own.Kind != NoOwn:
		return byOwn
	}
	return notAtAll
}
