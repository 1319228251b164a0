package casebook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Choice is how a person wants a case resolved.
type Choice struct {
	Pick   string             // a version's row, see [Case.Version]
	Set    map[string]*string // columns' values; nil is NULL. Of the picked version's row or, without one, of the row as it is
	Delete bool               // there shall be no row
	Keep   bool               // the row shall stay as it is
	Force  bool               // also if the row has changed since the case was decided
}

// Check refuses choices that mean nothing.
func (c *Choice) Check() error {
	ways := 0
	for _, way := range []bool{c.Pick != "" || len(c.Set) > 0, c.Delete, c.Keep} {
		if way {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("say how the conflict is resolved: --pick VERSION, --value COLUMN=VALUE (also together), --delete, or --keep")
	}
	return nil
}

// String says what was chosen, without values: "picked us/1, set qty".
func (c *Choice) String() string {
	var parts []string
	if c.Pick != "" {
		parts = append(parts, "picked "+c.Pick)
	}
	if len(c.Set) > 0 {
		parts = append(parts, "set "+strings.Join(slices.Sorted(maps.Keys(c.Set)), ", "))
	}
	switch {
	case c.Delete:
		return "deleted the row"
	case c.Keep:
		return "kept the row"
	}
	return strings.Join(parts, ", ")
}

// ChangeKind is what a [Change] does.
type ChangeKind uint8

// The kinds of change.
const (
	Nothing ChangeKind = iota
	Insert
	Update
	Delete
)

// String is the kind's word.
func (k ChangeKind) String() string { return [...]string{"nothing", "insert", "update", "delete"}[k] }

// Change is what must be written to the row.
type Change struct {
	Kind ChangeKind
	// Values are an insert's, complete but for generated columns, or those that an update changes.
	Values Image
}

// Change is what the choice makes of a row. It's an error when the row has changed since the case was decided.
func (c *Choice) Change(of *Case, row *Row) (Change, error) {
	if c.Keep {
		return Change{}, nil
	}
	if since := of.ChangedSince(row); since != "" && !c.Force {
		return Change{}, fmt.Errorf("%s: look at it (bridge conflicts show %d), and give --force to write it nevertheless", since, of.ID)
	}
	target, err := c.target(of, row)
	switch {
	case err != nil:
		return Change{}, err
	case target == nil && row.Exists():
		return Change{Kind: Delete}, nil
	case target == nil:
		return Change{}, nil
	case !row.Exists():
		return insertOf(of, row, target)
	}
	for name, value := range row.Values {
		if want, ok := target[name]; ok && Same(want, value) {
			delete(target, name)
		}
	}
	if len(target) == 0 {
		return Change{}, nil
	}
	return Change{Update, target}, nil
}

// target is the row as it shall be, as far as the choice says; nil is no row.
func (c *Choice) target(of *Case, row *Row) (Image, error) {
	target := Image{}
	switch {
	case c.Delete:
		return nil, nil
	case c.Pick != "":
		v, err := of.Version(c.Pick)
		if err != nil {
			return nil, err
		}
		if v.Removes() {
			if len(c.Set) > 0 {
				return nil, fmt.Errorf("version %s has no row in which a column could be set: it's a %s", v.Dot(), v.Kind)
			}
			return nil, nil
		}
		target = maps.Clone(v.Image)
	case !row.Exists():
		return nil, errors.New("there's no row now in which a column could be set: pick a version, too")
	}
	for _, column := range row.Columns {
		if column.Generated {
			delete(target, column.Name)
		}
	}
	for name, value := range c.Set {
		if err := settable(row, name); err != nil {
			return nil, err
		}
		target[name] = value
	}
	for name := range target {
		if row.column(name) == nil {
			return nil, fmt.Errorf("the table has no column %q any more, which version %s has: set the others (--value, --null)", name, c.Pick)
		}
	}
	return target, nil
}

func settable(row *Row, name string) error {
	switch column := row.column(name); {
	case column == nil:
		var names []string
		for _, c := range row.Columns {
			names = append(names, c.Name)
		}
		return fmt.Errorf("the table has no column %q: it has %s", name, strings.Join(names, ", "))
	case column.Key:
		return fmt.Errorf("column %q is of the key, which names the row: it can't be set", name)
	case column.Generated:
		return fmt.Errorf("column %q is generated: it can't be set", name)
	}
	return nil
}

func insertOf(of *Case, row *Row, target Image) (Change, error) {
	var lacking []string
	for _, column := range row.Columns {
		if _, ok := target[column.Name]; !ok && !column.Generated {
			lacking = append(lacking, column.Name)
		}
	}
	if len(lacking) > 0 {
		return Change{}, fmt.Errorf("there's no row %s now, and the version picked lacks %s, which its log didn't carry: give them (--value, --null)",
			of.Row(), strings.Join(lacking, ", "))
	}
	return Change{Insert, target}, nil
}

// valuesOf are an image's values of columns; ok is false where one is NULL, or isn't known.
func valuesOf(image Image, columns []string) (values []string, ok bool) {
	for _, name := range columns {
		text := image[name]
		if text == nil {
			return nil, false
		}
		values = append(values, *text)
	}
	return values, true
}

func (r *Row) column(name string) *Column {
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return &r.Columns[i]
		}
	}
	return nil
}

// ChangedSince says how a row differs from what its case came to; empty if it doesn't.
func (c *Case) ChangedSince(row *Row) string {
	switch {
	case c.Result == nil:
		return "it isn't recorded what the row became, so nobody can tell whether it has changed since"
	case c.Result.Exists && !row.Exists():
		return "the row has been deleted since"
	case !c.Result.Exists && row.Exists():
		return "the row has been made anew since"
	}
	var changed []string
	for _, column := range row.Columns {
		if was, known := c.Result.Image[column.Name]; known && !Same(was, row.Values[column.Name]) {
			changed = append(changed, column.Name)
		}
	}
	if len(changed) > 0 {
		return "the row has been changed since: " + strings.Join(changed, ", ")
	}
	return ""
}

// Same reports whether two values of an [Image] are one; NULL is itself.
func Same(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
