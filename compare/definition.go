package compare

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
	"bridge/value"
)

// definitions are a table in each region that has it.
type definitions map[string]*Table // by region

// Definitions compares the tables' definitions, without their rows. The differences are texts of one line
// each, by table; tables that are the same everywhere are there with none. Columns of different engines are the same
// when each can carry the other's values; which values those are is told by [Limits].
func Definitions(ctx context.Context, regions []Region) (map[change.TableName][]string, error) {
	return describeAll(ctx, regions, definitions.differences)
}

// Limits tells which values of a column another engine's region can't hold, as texts of one line each, by table. They
// are no differences: such values may never come. Those for which a policy has a substitute are left out.
func Limits(ctx context.Context, regions []Region) (map[change.TableName][]string, error) {
	return describeAll(ctx, regions, definitions.limits)
}

func describeAll(ctx context.Context, regions []Region, describe func(definitions, []string) []string) (map[change.TableName][]string, error) {
	tables, err := load(ctx, regions)
	if err != nil {
		return nil, err
	}
	out := map[change.TableName][]string{}
	for name, d := range tables {
		out[name] = describe(d, names(regions))
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

// there are the regions that have the table, and the table in each.
func (d definitions) there(regions []string) (have []string, tables []*Table) {
	for _, r := range regions {
		if d[r] != nil {
			have, tables = append(have, r), append(tables, d[r])
		}
	}
	return have, tables
}

// differences says in what the definitions differ.
func (d definitions) differences(regions []string) (out []string) {
	there, tables := d.there(regions)
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
	_, keyless := keys["no key"]
	alike := !keyless && len(keys) == 1
	if len(there) > 0 && !alike {
		out = append(out, describe(keys))
	}
	for _, name := range d.columnNames() {
		if text := d.columnDifference(name, there); text != "" {
			out = append(out, fmt.Sprintf("column %q: %s", name, text))
		}
	}
	if alike {
		for _, name := range tables[0].Key {
			if err := sameKey(tables, name); err != nil {
				out = append(out, fmt.Sprintf("key column %q: %v", name, err))
			}
		}
	}
	return out
}

// sameKey says why a key column doesn't name the same rows in regions of different engines.
func sameKey(tables []*Table, name string) error {
	if across(tables) {
		_, err := keyForms(tables, name)
		return err
	}
	for i, t := range tables {
		for _, other := range tables[:i] {
			if t.Engine == other.Engine {
				continue
			}
			if err := value.SameKey(other.column(name).Value, t.column(name).Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// columnDifference says in what a column differs, or nothing. Types are compared among regions of one engine; of
// different engines it's whether they carry each other's values.
func (d definitions) columnDifference(name string, there []string) string {
	texts, nulls := map[string][]string{}, map[string][]string{}
	missing := false
	for _, r := range there {
		c := d[r].column(name)
		texts[c.describe()] = append(texts[c.describe()], r)
		missing = missing || c == nil
		if c != nil && c.NotNull {
			nulls["NOT NULL"] = append(nulls["NOT NULL"], r)
		} else {
			nulls["nullable"] = append(nulls["nullable"], r)
		}
	}
	switch {
	case len(texts) == 1:
		return ""
	case missing || !d.mixed():
		return describe(texts)
	}
	for _, from := range there {
		for _, to := range there {
			a, b := d[from].column(name), d[to].column(name)
			if d[from].Engine == d[to].Engine {
				if a.Type != b.Type {
					return describe(texts)
				}
			} else if _, err := value.NewPlan(a.Value, b.Value, b.Policy); err != nil {
				return fmt.Sprintf("values of %s don't go to %s: %v", from, to, err)
			}
		}
	}
	if len(nulls) > 1 {
		return describe(nulls)
	}
	return ""
}

// limit is what columns of one type hold and those of another engine's can't.
type limit struct{ from, to, values string }

// limits says which values one region's column has that another's can't hold, for regions of different engines.
func (d definitions) limits(regions []string) (out []string) {
	there, _ := d.there(regions)
	for _, name := range d.columnNames() {
		var order []limit
		holders, others := map[limit][]string{}, map[limit][]string{} // regions
		for _, from := range there {
			for _, to := range there {
				values := d.lost(name, from, to)
				if values == "" {
					continue
				}
				l := limit{d[from].column(name).bare(), d[to].column(name).bare(), values}
				if holders[l] == nil {
					order = append(order, l)
				}
				holders[l] = appendNew(holders[l], from)
				others[l] = appendNew(others[l], to)
			}
		}
		for _, l := range order {
			out = append(out, fmt.Sprintf("column %q: %s in %s holds what %s in %s can't: %s", name, l.from, strings.Join(holders[l], ", "), l.to, strings.Join(others[l], ", "), l.values))
		}
	}
	return out
}

// lost says which values of a column don't go from one region to another and have no substitute there.
func (d definitions) lost(name, from, to string) string {
	a, b := d[from].column(name), d[to].column(name)
	if a == nil || b == nil || d[from].Engine == d[to].Engine || b.Policy.Alters() {
		return ""
	}
	plan, err := value.NewPlan(a.Value, b.Value, b.Policy)
	if err != nil {
		return "" // a difference
	}
	return strings.Join(plan.Limits(), "; ")
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// mixed reports whether the regions are of different engines.
func (d definitions) mixed() bool {
	engines := map[value.Engine]bool{}
	for _, t := range d {
		engines[t.Engine] = true
	}
	return len(engines) > 1
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

func joined(key []string) string { return strings.Join(key, ", ") }

// bare is the type without its collation.
func (c *Column) bare() string {
	text, _, _ := strings.Cut(c.Type, " collate ")
	return text
}
