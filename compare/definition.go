package compare

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
)

// definitions are a table in each region that has it.
type definitions map[string]*Table // by region

// Definitions compares the tables' definitions, without their rows. The differences are texts of one line
// each, by table; tables that are the same everywhere are there with none.
func Definitions(ctx context.Context, regions []Region) (map[change.TableName][]string, error) {
	tables, err := load(ctx, regions)
	if err != nil {
		return nil, err
	}
	out := map[change.TableName][]string{}
	for name, d := range tables {
		out[name] = d.differences(names(regions))
	}
	return out, nil
}

func load(ctx context.Context, regions []Region) (map[change.TableName]definitions, error) {
	out := map[change.TableName]definitions{}
	for _, r := range regions {
		tables, err := r.Tables(ctx)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", r.Name(), err)
		}
		for i := range tables {
			t := &tables[i]
			if out[t.TableName] == nil {
				out[t.TableName] = definitions{}
			}
			out[t.TableName][r.Name()] = t
		}
	}
	return out, nil
}

func names(regions []Region) []string {
	out := make([]string, len(regions))
	for i, r := range regions {
		out[i] = r.Name()
	}
	return out
}

// differences says in what the definitions differ.
func (d definitions) differences(regions []string) (out []string) {
	there := slices.DeleteFunc(slices.Clone(regions), func(r string) bool { return d[r] == nil })
	if len(there) < len(regions) {
		missing := slices.DeleteFunc(slices.Clone(regions), func(r string) bool { return d[r] != nil })
		out = append(out, "is missing in "+strings.Join(missing, ", "))
	}
	keys := map[string][]string{}
	for _, r := range there {
		text := "no key"
		if k := slices.Sorted(slices.Values(d[r].Key)); len(k) > 0 {
			text = "key (" + strings.Join(k, ", ") + ")"
		}
		keys[text] = append(keys[text], r)
	}
	if _, keyless := keys["no key"]; keyless || len(keys) > 1 {
		out = append(out, describe(keys))
	}
	for _, name := range d.columnNames() {
		texts := map[string][]string{}
		for _, r := range there {
			texts[d[r].column(name).describe()] = append(texts[d[r].column(name).describe()], r)
		}
		if len(texts) > 1 {
			out = append(out, fmt.Sprintf("column %q: %s", name, describe(texts)))
		}
	}
	return out
}

// describe lists what's where: "integer in eu, us; bigint in ap".
func describe(regions map[string][]string) string {
	var parts []string
	for _, text := range slices.Sorted(maps.Keys(regions)) {
		parts = append(parts, text+" in "+strings.Join(regions[text], ", "))
	}
	return strings.Join(parts, "; ")
}

// columnNames are those of any region, sorted.
func (d definitions) columnNames() []string {
	all := map[string]bool{}
	for _, t := range d {
		for i := range t.Columns {
			all[t.Columns[i].Name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// column is nil when the table has none of that name.
func (t *Table) column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

func (c *Column) describe() string {
	switch {
	case c == nil:
		return "missing"
	case c.NotNull:
		return c.Type + " NOT NULL"
	}
	return c.Type
}

// selection is what of the table can be compared in the given regions; nil when its rows can't be: fewer than
// two regions have it, or they name its rows by different keys.
func (d definitions) selection(name change.TableName, regions []string) *Selection {
	s := &Selection{TableName: name}
	var first *Table
	for _, r := range regions {
		t := d[r]
		switch {
		case t == nil:
			continue
		case first == nil:
			first = t
		case !sameSet(t.Key, first.Key):
			return nil
		}
	}
	if len(d) < 2 || first == nil || len(first.Key) == 0 {
		return nil
	}
	s.Key = first.Key
	for _, k := range s.Key {
		number := first.column(k).Number
		for _, t := range d {
			if t.column(k).Number != number {
				return nil // their texts have different orders
			}
		}
		s.numbers = append(s.numbers, number)
	}
	for _, c := range d.columnNames() {
		common := true
		for _, t := range d {
			common = common && t.column(c) != nil
		}
		if common {
			s.Columns = append(s.Columns, c)
		}
	}
	return s
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
