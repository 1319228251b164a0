package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
	"bridge/conflict"
)

// Shape is a table as its conflict rule sees it.
type Shape struct {
	change.TableName
	Columns []change.Column
	// JSON are columns of text that hold JSON, Altered those that may hold another value than was sent, by
	// tables.on_unrepresentable.
	JSON, Altered []string
	// Disordered are SETs whose labels aren't in their texts' order, where other engines have arrays for them.
	Disordered []string
	Whole      bool   // the log carries whole rows, before and after each change
	MakeIt     string // what makes it so
}

// Rule looks whether a table's conflicts can be decided by its rule.
func Rule(s *Shape, rule *conflict.Rule) []Finding {
	var found []Finding
	add := func(l Level, text, fix string) {
		found = append(found, Finding{Level: l, Object: s.String(), Text: text, Fix: fix})
	}
	if rule.NeedsImages() && !s.Whole {
		add(Error, fmt.Sprintf("its conflict rule (%s) needs whole rows in the log, before and after each change", rule), s.MakeIt)
	}
	for _, name := range s.Altered {
		if rule.NeedsImages() {
			add(Error, fmt.Sprintf("column %q may hold another value than was sent (tables.on_unrepresentable), which its conflict rule (%s) would send back", name, rule),
				"set the column's policy to error, or the table's rule to last_write_wins")
		}
	}
	const correct = "correct the names under conflicts.tables: they're those between the regions"
	for _, name := range slices.Sorted(maps.Keys(rule.Columns)) {
		i := s.column(name)
		switch {
		case i < 0:
			add(Error, fmt.Sprintf("has no column %q, which its conflict rule merges", name), correct)
		case slices.Contains(s.JSON, name) && rule.Columns[name].Merge == conflict.Append && !rule.Columns[name].JSON:
			add(Error, fmt.Sprintf("column %q is appended to and holds JSON, which is text to this engine's log", name),
				"set json: true of the column under conflicts.tables, in every region's file")
		case slices.Contains(s.Disordered, name) && rule.Columns[name].Merge == conflict.Set:
			add(Error, fmt.Sprintf("column %q is a merged SET whose labels aren't in their text's order, in which regions of PostgreSQL have merged members", name),
				"change the column's definition to have its labels sorted by their characters' codes, or choose another merge under conflicts.tables")
		case s.Columns[i].Key:
			add(Error, fmt.Sprintf("column %q is part of the key, which names the row: it can't be merged", name), "take it out of conflicts.tables")
		default:
			if why := rule.Columns[name].Suits(s.Columns[i].Type); why != "" {
				add(Error, fmt.Sprintf("column %q is of type %s: %s", name, s.Columns[i].Type, why), "choose another merge under conflicts.tables")
			}
		}
	}
	for _, group := range rule.Groups {
		for _, name := range group {
			if s.column(name) < 0 {
				add(Error, fmt.Sprintf("has no column %q, which its conflict rule has in a group", name), correct)
			}
		}
	}
	if rule.Home != nil && s.column(rule.Home.Column) < 0 {
		add(Error, fmt.Sprintf("has no column %q, which tells its rows' home region", rule.Home.Column), correct)
	}
	return found
}

func (s *Shape) column(name string) int {
	return slices.IndexFunc(s.Columns, func(c change.Column) bool { return c.Name == name })
}

// RulesWithoutTable tells which rules are of tables that aren't replicated.
func RulesWithoutTable(rules *conflict.Rules, replicated []change.TableName) []Finding {
	var found []Finding
	for name := range rules.Tables {
		if !slices.Contains(replicated, name) {
			found = append(found, Finding{Level: Error, Object: name.String(), Text: "has a conflict rule, and isn't a replicated table",
				Fix: "correct the name under conflicts.tables, or include the table under tables.include"})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.Object, b.Object) })
	return found
}
