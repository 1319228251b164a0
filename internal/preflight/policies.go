package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
	"bridge/visibility"
)

// Constraints says what becomes of rows that violate a table's constraints together, and whether its policies can be kept.
func Constraints(t *Constrained, p visibility.TablePolicies) []Finding {
	r := &constraintReport{table: t, policies: p}
	r.unique()
	r.foreign()
	return r.found
}

// WithNext are what was found of the policies that count, and what would be found besides of those of conflicts.next. What these come to is no finding yet.
func WithNext(now, next []Finding) []Finding {
	found := slices.Clone(now)
	for _, f := range next {
		if f.Level != Note && !slices.Contains(now, f) {
			f.Text = "conflicts.next: " + f.Text
			found = append(found, f)
		}
	}
	return found
}

type constraintReport struct {
	table    *Constrained
	policies visibility.TablePolicies
	found    []Finding
}

func (r *constraintReport) add(l Level, text, fix string) {
	r.found = append(r.found, Finding{Level: l, Object: r.table.String(), Text: text, Fix: fix})
}

// unique looks at the unique keys and their policies.
func (r *constraintReport) unique() {
	var told []string
	keys := map[string]string{}
	for i := range r.table.Unique {
		u := &r.table.Unique[i]
		if why, twice := keys[u.Key()]; !twice || why != "" { // one that can be told goes before one that can't
			keys[u.Key()] = u.Untold
		}
		if u.Exclusion {
			r.add(Warning, fmt.Sprintf("has the exclusion constraint %q, which bridge doesn't keep: when two regions write rows at once that it doesn't allow together, each stops at the other's row until one of them is changed", u.Name),
				"let only one region write such rows, or put slots of fixed lengths in the place of the ranges, a row for each, with a unique key")
			continue
		}
		if u.Untold != "" {
			r.add(Warning, fmt.Sprintf("unique key %q %s: when two regions take one value at once, bridge can't tell which row shows it, and applying stops until one of the rows is changed", u.Name, u.Untold),
				"let only one region write these values, make them unique by region, or make the key one of whole columns that holds for all rows")
			continue
		}
		policy := r.policies.Unique[u.Key()]
		told = append(told, fmt.Sprintf("%s: %s", u.words(), UniqueWords(policy)))
		r.uniquePolicy(u, policy)
	}
	if told != nil {
		r.add(Note, "unique besides the key; when two regions take one value at once, the later write's row has it, and the other one is treated by policy: "+strings.Join(told, "; "), "")
	}
	r.unknown("unique key besides the one that names its rows", slices.Sorted(maps.Keys(r.policies.Unique)), keys)
}

// words name the key.
func (u *Unique) words() string {
	if u.Computed {
		return fmt.Sprintf("%s, computed from (%s)", u.Name, u.Key())
	}
	return "(" + u.Key() + ")"
}

// UniqueWords says what becomes of the row that loses a unique value.
func UniqueWords(p visibility.UniquePolicy) string {
	switch p.Loser {
	case visibility.Null:
		return "shown with NULL in " + p.Column
	case visibility.Rename:
		return "shown with another " + p.Column
	}
	return "parked"
}

// narrow is a text in which a value and the row's key may not find room, in characters.
const narrow = 40

func (r *constraintReport) uniquePolicy(u *Unique, p visibility.UniquePolicy) {
	i := slices.IndexFunc(u.Columns, func(c KeyColumn) bool { return c.Between == p.Column })
	if p.Loser == visibility.Park || i < 0 {
		return
	}
	c := &u.Columns[i]
	const park = "choose park, or another column of the key, under conflicts.tables"
	says := fmt.Sprintf("the policy of unique key (%s) alters column %q, which ", u.Key(), c.Name)
	switch {
	case c.Naming:
		r.add(Error, says+"is part of the key that names the row", park)
	case p.Loser == visibility.Null && !c.Nullable:
		r.add(Error, says+"mustn't be NULL", park+", or allow NULL in it in every region")
	case p.Loser == visibility.Null && u.NullsEqual:
		r.add(Error, says+"can be NULL in one row only: the key counts NULLs as equal", park+", or drop NULLS NOT DISTINCT in every region")
	case p.Loser == visibility.Rename && !c.Text:
		r.add(Error, says+"is of type "+c.Type+": only a text can be renamed", park)
	case p.Loser == visibility.Rename && c.Width > 0 && c.Width < narrow:
		r.add(Warning, fmt.Sprintf("%sholds %d characters: a value and the row's key may not find room, and the row is parked then", says, c.Width),
			fmt.Sprintf("make it %d characters wide or more in every region", narrow))
	}
}

// foreign looks at the foreign keys and their policies.
func (r *constraintReport) foreign() {
	var told, untold []string
	keys := map[string]string{}
	for i := range r.table.Foreign {
		f := &r.table.Foreign[i]
		if why, twice := keys[f.Key()]; !twice || why != "" {
			keys[f.Key()] = f.Untold
		}
		if f.Untold != "" {
			untold = append(untold, f.Name+" "+f.Untold)
			continue
		}
		policy := r.policies.Foreign[f.Key()]
		told = append(told, fmt.Sprintf("(%s): %s", f.Key(), ForeignWords(policy)))
		for _, c := range f.Columns {
			if policy == visibility.NullChild && !c.Nullable {
				r.add(Error, fmt.Sprintf("the policy of foreign key (%s) is set_null, and column %q mustn't be NULL", f.Key(), c.Name),
					"choose park under conflicts.tables, or allow NULL in the column in every region")
			}
		}
	}
	if told != nil {
		r.add(Note, "foreign keys; when one region deletes a parent and another one adds a child at the same time, the child is treated by policy: "+strings.Join(told, "; "), "")
	}
	if untold != nil {
		r.add(Note, "foreign keys that bridge doesn't keep: "+strings.Join(untold, "; ")+"; they aren't checked for applied rows, so a child may be left without its parent", "")
	}
	r.unknown("foreign key", slices.Sorted(maps.Keys(r.policies.Foreign)), keys)
}

// KeptParents finds tables whose deleted rows are to be inserted again by the policy of a foreign key, and of which the log doesn't tell them. logs says,
// by a table's name between the regions, what would make the log carry its whole rows; nothing where it does.
func KeptParents(list []*Constrained, policies visibility.Policies, logs func(change.TableName) (table change.TableName, fix string)) (found []Finding) {
	for _, t := range list {
		for i := range t.Foreign {
			f := &t.Foreign[i]
			if f.Untold != "" || policies[t.Between].Foreign[f.Key()] != visibility.KeepParent {
				continue
			}
			if parent, fix := logs(f.Parent); fix != "" {
				found = append(found, Finding{Level: Error, Object: parent.String(), Fix: fix, Text: fmt.Sprintf(
					"the policy of foreign key (%s) of %s is keep_parent, which inserts deleted rows of this table again: that needs whole rows in the log", f.Key(), t.TableName)})
			}
		}
	}
	return found
}

// ForeignWords says what becomes of a child whose parent isn't shown.
func ForeignWords(p visibility.ForeignPolicy) string {
	return [...]string{visibility.ParkChild: "parked", visibility.NullChild: "shown with NULL in these columns",
		visibility.DropChild: "deleted in all regions, and recorded", visibility.KeepParent: "kept, and the parent inserted again in all regions"}[p]
}

// unknown reports policies of keys that the table doesn't have, or of which nothing can be told. keys are those of the kind that
// it has, and why that's so.
func (r *constraintReport) unknown(kind string, policies []string, keys map[string]string) {
	var told []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if keys[key] == "" {
			told = append(told, "("+key+")")
		}
	}
	has := "the table has none of which bridge can tell"
	if told != nil {
		has = "those of the table are " + strings.Join(told, ", ")
	}
	for _, key := range policies {
		switch why, found := keys[key]; {
		case !found:
			r.add(Error, fmt.Sprintf("has no %s (%s), and a policy for it", kind, key),
				"correct the columns under conflicts.tables: they're those between the regions, in the key's order; "+has)
		case why != "":
			r.add(Error, fmt.Sprintf("has a policy for the %s (%s), which %s", kind, key, why), "take it out of conflicts.tables; "+has)
		}
	}
}
