package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
)

// RegionConstraints are the constraints of one region's tables, translated.
type RegionConstraints struct {
	Region string
	Tables []*Constrained
}

// Differences tells which constraints the regions don't have alike. A row that one region's constraint hides is shown where there's no
// such constraint. Tables that a region lacks are another check's.
func Differences(regions []RegionConstraints) []Finding {
	var found []Finding
	for _, name := range inAll(regions) {
		kinds := map[string]map[string]bool{} // regions that have it, by what it is
		for _, r := range regions {
			for _, text := range r.table(name).texts() {
				if kinds[text] == nil {
					kinds[text] = map[string]bool{}
				}
				kinds[text][r.Region] = true
			}
		}
		for _, text := range slices.Sorted(maps.Keys(kinds)) {
			has := slices.Sorted(maps.Keys(kinds[text]))
			if len(has) == len(regions) {
				continue
			}
			found = append(found, Finding{Level: Warning, Object: name.String(),
				Text: fmt.Sprintf("isn't constrained alike in the regions: %s is in %s only; a row that it hides there is shown in the others", text, strings.Join(has, ", ")),
				Fix:  "add the constraint in the other regions, or drop it there"})
		}
		found = append(found, otherwiseComputed(name, regions)...)
	}
	return found
}

// otherwiseComputed tells which keys are computed from the same columns, and not in the same way. Where the columns have other names
// than between the regions the definition isn't compared.
func otherwiseComputed(table change.TableName, regions []RegionConstraints) (found []Finding) {
	byKey := map[string]map[string][]string{} // regions, by the definitions of the keys of a text
	for _, r := range regions {
		for text, definitions := range r.table(table).definitions() {
			if byKey[text] == nil {
				byKey[text] = map[string][]string{}
			}
			all := strings.Join(definitions, " and ")
			byKey[text][all] = append(byKey[text][all], r.Region)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(byKey)) {
		if len(byKey[text]) < 2 {
			continue
		}
		var ways []string
		for _, definition := range slices.Sorted(maps.Keys(byKey[text])) {
			ways = append(ways, definition+" in "+strings.Join(byKey[text][definition], ", "))
		}
		found = append(found, Finding{Level: Warning, Object: table.String(),
			Text: fmt.Sprintf("isn't constrained alike in the regions: %s is %s; a row that it hides in one region may be shown in another", text, strings.Join(ways, ", ")),
			Fix:  "define the key in the same way in every region; servers of different versions, or for columns of different types, may print the same definition differently"})
	}
	return found
}

// definitions are those of the computed keys that bridge keeps, by their texts.
func (t *Constrained) definitions() map[string][]string {
	out := map[string][]string{}
	for i := range t.Unique {
		u := &t.Unique[i]
		mapped := slices.ContainsFunc(u.Columns, func(c KeyColumn) bool { return c.Name != c.Between })
		if u.Computed && u.Untold == "" && !mapped {
			out[u.text()] = append(out[u.text()], u.Definition)
		}
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// inAll are the tables that all regions have, by name.
func inAll(regions []RegionConstraints) []change.TableName {
	count := map[change.TableName]int{}
	for _, r := range regions {
		for _, t := range r.Tables {
			count[t.Between]++
		}
	}
	maps.DeleteFunc(count, func(_ change.TableName, n int) bool { return n < len(regions) })
	return slices.SortedFunc(maps.Keys(count), func(a, b change.TableName) int { return strings.Compare(a.String(), b.String()) })
}

func (r *RegionConstraints) table(name change.TableName) *Constrained {
	i := slices.IndexFunc(r.Tables, func(t *Constrained) bool { return t.Between == name })
	return r.Tables[i]
}

// texts say what the table's constraints are that bridge keeps, in words that are the same wherever they hide the same rows: whatever their
// names, and in whatever order their columns.
func (t *Constrained) texts() (out []string) {
	for i := range t.Unique {
		if u := &t.Unique[i]; u.Untold == "" {
			out = append(out, u.text())
		}
	}
	for i := range t.Foreign {
		if f := &t.Foreign[i]; f.Untold == "" {
			pairs := make([]string, len(f.Columns))
			for k := range f.Columns {
				pairs[k] = f.Columns[k].Between + " to " + f.Refers[k]
			}
			slices.Sort(pairs)
			out = append(out, fmt.Sprintf("foreign key (%s) of %s", strings.Join(pairs, ", "), f.Parent))
		}
	}
	return out
}

func (u *Unique) text() string {
	columns := u.Between()
	slices.Sort(columns)
	text := "unique key ("
	if u.Computed {
		text = "unique key computed from ("
	}
	text += strings.Join(columns, ", ") + ")"
	if u.NullsEqual {
		text += " that counts NULLs as equal"
	}
	return text
}
