package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (v *validator) tables(c *Config) {
	t := &c.Tables
	v.patterns("tables.include", t.Include)
	v.patterns("tables.exclude", t.Exclude)
	if len(t.Include) == 0 {
		v.problem("tables.include", "is empty: nothing would be replicated", "list tables, such as [public.*]")
	}
	v.names(t)
	v.policies(t)
	for i, name := range t.AllowTriggers {
		if len(parts(name, 3)) != 3 {
			v.problem(fmt.Sprintf("tables.allow_triggers[%d]", i), "isn't of the form schema.table.trigger", "write all three parts")
		}
	}
}

// names checks that each name stands for one table here and one between the regions.
func (v *validator) names(t *Tables) {
	seen := map[string]string{}
	for _, here := range slices.Sorted(maps.Keys(t.Schemas)) {
		there := t.Schemas[here]
		at := "tables.schemas." + here
		if there == "" {
			v.problem(at, "is empty", "write the schema's name between the regions")
		}
		if other, taken := seen[there]; taken {
			v.problem(at, "has the same name between the regions as "+other, "give each schema its own")
		}
		seen[there] = here
	}
	between := map[string]bool{}
	for _, table := range slices.Sorted(maps.Keys(t.Rename)) {
		r, at := t.Rename[table], "tables.rename."+table
		if len(parts(table, 2)) != 2 {
			v.problem(at, "isn't of the form schema.table", "write both parts")
		}
		if r.To != "" && len(parts(r.To, 2)) != 2 {
			v.problem(at+".to", "isn't of the form schema.table", "write both parts, or nothing")
		}
		if r.To != "" && between[r.To] {
			v.problem(at+".to", "is another table's name between the regions, too", "give each table its own")
		}
		between[r.To] = true
		columns := map[string]bool{}
		for _, here := range slices.Sorted(maps.Keys(r.Columns)) {
			if there := r.Columns[here]; there == "" || columns[there] {
				v.problem(at+".columns."+here, "is empty, or the same as another column's", "give each column its own name")
			}
			columns[r.Columns[here]] = true
		}
	}
}

func (v *validator) policies(t *Tables) {
	for _, column := range slices.Sorted(maps.Keys(t.OnUnrepresentable)) {
		at := "tables.on_unrepresentable." + column
		if len(parts(column, 3)) != 3 {
			v.problem(at, "isn't of the form schema.table.column", "write all three parts")
		}
		v.oneOf(at, t.OnUnrepresentable[column], "error", "null", "clamp", "text")
	}
}

// parts are a dotted name's, at most n; nil when one is empty.
func parts(name string, n int) []string {
	list := strings.SplitN(name, ".", n)
	if slices.Contains(list, "") {
		return nil
	}
	return list
}
