package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Conflicts are the rules that decide concurrent writes to one row. They're the same in every region's file: bridge
// refuses a peer's transactions that were written under others.
type Conflicts struct {
	// The rule for all tables that have none of their own; there's no default, for this is a choice about your data.
	// `last_write_wins`: the later write by commit time stands. `first_write_wins`: the earlier one. The other is
	// recorded in bridge.conflicts.
	Default string `yaml:"default"`
	// Rules for single tables, by their names between the regions.
	Tables map[string]TableConflicts `yaml:"tables,omitempty"`
	// What default and tables are to become, while regions run. When every region's file has it and every bridge was restarted with it, they go over
	// to these rules by themselves; `bridge status` says when `conflicts` can be written so everywhere, and this left out.
	Next *NextConflicts `yaml:"next,omitempty"`
	// How long decided conflicts stay in bridge.conflicts; 0s is forever. Those that wait for a person stay longer. This
	// and keep_rows may differ between regions.
	Keep Duration `yaml:"keep"`
	// How many conflicts stay there at most, the newest; 0 is no limit.
	KeepRows int `yaml:"keep_rows"`
}

// NextConflicts are rules that regions go over to. Policies of constraints change with them.
type NextConflicts struct {
	// As `conflicts.default`.
	Default string `yaml:"default"`
	// As `conflicts.tables`: all of them, also those that stay as they are.
	Tables map[string]TableConflicts `yaml:"tables,omitempty"`
}

// WithNext is the same configuration with the next conflict rules in the place of those that are; nil if there are none.
func (c *Config) WithNext() *Config {
	if c.Conflicts.Next == nil {
		return nil
	}
	next := *c
	next.Conflicts.Default, next.Conflicts.Tables, next.Conflicts.Next = c.Conflicts.Next.Default, c.Conflicts.Next.Tables, nil
	return &next
}

// TableConflicts is one table's rule. All rules but `last_write_wins` by whole rows need complete images of rows in the
// log: `ALTER TABLE … REPLICA IDENTITY FULL`, or MySQL's `binlog_row_image=FULL`.
type TableConflicts struct {
	// `last_write_wins`, `first_write_wins`, `priority` or `home`; empty is `conflicts.default`.
	Rule string `yaml:"rule"`
	// For `priority`: regions, the best first. Those that aren't named come after them.
	Priority []string `yaml:"priority"`
	// For `home`: which region's writes win over the others' to the same row.
	Home *HomeRule `yaml:"home"`
	// What a delete is against a concurrent insert or update: `by_rule` (the default: an operation like
	// others), `delete_wins` or `update_wins`.
	Deletes string `yaml:"deletes"`
	// Columns to merge, by name between the regions; with it even `{}` all others are merged, too: each has the
	// latest change of that column. Without it a row is taken whole. For `last_write_wins` only.
	Columns Columns `yaml:"columns,omitempty"`
	// Columns that change together, by a name of your choice: who changes one of them has changed all.
	// `{address: [street, city]}`.
	Groups Groups `yaml:"groups,omitempty"`
	// What becomes of the row that loses a value of a unique key, by the key's columns: their names between the regions, in the key's
	// order, joined by comma and space. `{email: park, "org, name": {rename: name}}`. What isn't named is parked.
	Unique map[string]UniquePolicy `yaml:"unique,omitempty"`
	// What becomes of a row whose parent was deleted in another region, by the foreign key's columns: `park` (the default: it's
	// hidden in bridge.parked until the parent is back), `set_null` (it's shown with NULL in these columns), `drop`
	// (the bridge of the first region by name deletes it, in all regions, and records it) or `keep_parent` (that bridge inserts the parent again, in all regions, and records it).
	ForeignKeys map[string]string `yaml:"foreign_keys,omitempty"`
}

// Columns are the rules of a table's columns by name. No rules at all are another thing than rules for none of them.
type Columns map[string]ColumnRule

// IsZero leaves the key out of what's printed where it isn't set.
func (c Columns) IsZero() bool { return c == nil }

// Groups are a table's columns that change together, by the groups' names.
type Groups map[string][]string

// IsZero leaves the key out of what's printed where it isn't set.
func (g Groups) IsZero() bool { return g == nil }

// HomeRule says which region is a row's own, by a column that doesn't change.
type HomeRule struct {
	// The column's name between the regions.
	Column string `yaml:"column"`
	// Its values, by region: `{eu: [DE, FR], us: [US]}`.
	Values map[string][]string `yaml:"values"`
	// Or its ranges, by region: from the first value up to the second, which isn't in it: `{eu: 0..5000, us: 5000..}`.
	Ranges map[string]string `yaml:"ranges"`
	// The region of all other values; empty is none.
	Else string `yaml:"else"`
}

// ColumnRule is how one column is merged. The short form is the word for `merge`.
type ColumnRule struct {
	// `last_write_wins`, `counter` (differences add up), `max`, `min`, `set` (members are added and removed one by one;
	// the column is an array, a JSON array, a SET, or text with a separator), `map` (the same for members of JSON
	// objects), `append`. Or, with the latest change standing until then: `text` (one region, the first by name, merges the texts word by word),
	// `expression` (one region computes the value), `manual` (the case waits for a person: `bridge conflicts list --awaiting`).
	Merge string `yaml:"merge"`
	// What divides a text's elements, for `set` and `append`.
	Separator string `yaml:"separator"`
	// For `append`: the column holds a JSON array. MariaDB's JSON columns are text to its log, so say it of these.
	JSON bool `yaml:"json"`
	// For `counter`: writing this value sets the counter, and isn't a difference.
	Reset *string `yaml:"reset"`
	// For `text`: what becomes of words that both have changed. `winner` (the default): the later change's stand; `mark`: the
	// lines of both stand between lines of `<<<<<<<`, `=======` and `>>>>>>>`.
	Overlap string `yaml:"overlap"`
	// For `expression`: the value in CEL (cel.dev), of `a` (the later change), `b` (the other) and `base` (before both):
	// `a + b - base`. Where one of them is NULL the later change stands.
	Expression string `yaml:"expression"`
	// For `expression`: what the values are to it, `int`, `double` (15 digits), `string` or `bool`.
	As string `yaml:"as"`
}

// shorten takes the short form.
func (c *ColumnRule) shorten(text string) { c.Merge = text }

// Words of the rules.
const (
	LastWriteWins  = "last_write_wins"
	FirstWriteWins = "first_write_wins"
	Priority       = "priority"
	Home           = "home"
	ByRule         = "by_rule"
	DeleteWins     = "delete_wins"
	UpdateWins     = "update_wins"
)

var merges = []string{LastWriteWins, "counter", "max", "min", "set", "map", "append", "text", "expression", "manual"}

func (v *validator) conflicts(c *Config) {
	v.rules("conflicts", c)
	if next := c.WithNext(); next != nil {
		v.rules("conflicts.next", next)
		v.altersInto(c, next)
	}
	if c.Conflicts.KeepRows < 0 {
		v.problem("conflicts.keep_rows", "is below 0", "give the number of conflicts to keep, or 0 for no limit")
	}
}

// altersInto looks for tables whose rows are shown altered now and are to be merged by columns: while rules change it's both at once.
func (v *validator) altersInto(c, next *Config) {
	for _, table := range slices.Sorted(maps.Keys(next.Conflicts.Tables)) {
		now, then := c.Conflicts.Tables[table], next.Conflicts.Tables[table]
		if (then.Columns != nil || then.Groups != nil) && now.alters() {
			v.problem("conflicts.next.tables."+table+".columns", merged, "change the policies of its unique and foreign keys to park first; merge by columns in a second change")
		}
	}
}

// alters reports whether rows may be shown otherwise than they are.
func (t *TableConflicts) alters() bool {
	for _, u := range t.Unique {
		if u.Column() != "" {
			return true
		}
	}
	return slices.Contains(slices.Collect(maps.Values(t.ForeignKeys)), SetNull)
}

// rules looks at the rules of a block.
func (v *validator) rules(at string, c *Config) {
	if d := c.Conflicts.Default; d != LastWriteWins && d != FirstWriteWins {
		text := "is missing: say what happens when two regions change one row at once"
		if d != "" {
			text = "is not a rule for all tables"
		}
		v.problem(at+".default", text,
			"choose last_write_wins (the later write by commit time stands in every region) or first_write_wins (the earlier one; it needs whole rows "+
				"in the log); what doesn't stand is kept in bridge.conflicts. Single tables can merge columns, or prefer regions: conflicts.tables. "+
				"Set it in every region's file")
	}
	for _, table := range slices.Sorted(maps.Keys(c.Conflicts.Tables)) {
		t, at := c.Conflicts.Tables[table], at+".tables."+table
		if len(parts(table, 2)) != 2 {
			v.problem(at, "isn't of the form schema.table", "write both parts, as the table is called between the regions")
		}
		v.tableRule(at, &t, c)
	}
}

func (v *validator) tableRule(at string, t *TableConflicts, c *Config) {
	v.oneOf(at+".rule", t.Rule, "", LastWriteWins, FirstWriteWins, Priority, Home)
	v.oneOf(at+".deletes", t.Deletes, "", ByRule, DeleteWins, UpdateWins)
	if (t.Rule == Priority) != (len(t.Priority) > 0) {
		v.problem(at+".priority", "goes with rule: priority", "name the regions, the best first, or leave both out")
	}
	for _, r := range t.Priority {
		v.member(at+".priority", r, c)
	}
	if (t.Rule == Home) != (t.Home != nil) {
		v.problem(at+".home", "goes with rule: home", "say which column tells a row's region, or leave both out")
	}
	if t.Home != nil {
		v.homeRule(at+".home", t.Home, c)
	}
	rule := t.Rule
	if rule == "" {
		rule = c.Conflicts.Default
	}
	if (t.Columns != nil || t.Groups != nil) && rule != LastWriteWins {
		v.problem(at+".columns", "goes with last_write_wins: under other rules a row is the winner's whole", "set rule: last_write_wins, or leave columns and groups out")
	}
	v.columnRules(at, t)
	v.uniquePolicies(at+".unique", t)
	v.foreignPolicies(at+".foreign_keys", t)
}

func (v *validator) member(at, region string, c *Config) {
	if _, ok := c.Regions[region]; !ok {
		v.problem(at, fmt.Sprintf("names %q, which isn't one of regions", region), "correct it")
	}
}

func (v *validator) homeRule(at string, h *HomeRule, c *Config) {
	v.required(at+".column", h.Column)
	if (len(h.Values) == 0) == (len(h.Ranges) == 0) {
		v.problem(at, "needs values or ranges, and not both", "write values: {eu: [DE, FR]} or ranges: {eu: 0..5000}")
	}
	seen := map[string]string{}
	for _, r := range slices.Sorted(maps.Keys(h.Values)) {
		v.member(at+".values", r, c)
		for _, value := range h.Values[r] {
			if other, twice := seen[value]; twice {
				v.problem(at+".values."+r, fmt.Sprintf("has the value %q, which is %s's, too", value, other), "give it to one region")
			}
			seen[value] = r
		}
	}
	for _, r := range slices.Sorted(maps.Keys(h.Ranges)) {
		v.member(at+".ranges", r, c)
		if _, _, ok := strings.Cut(h.Ranges[r], ".."); !ok {
			v.problem(at+".ranges."+r, "isn't a range", "write from..to; either may be empty")
		}
	}
	if h.Else != "" {
		v.member(at+".else", h.Else, c)
	}
}

func (v *validator) columnRules(at string, t *TableConflicts) {
	for _, name := range slices.Sorted(maps.Keys(t.Columns)) {
		c, at := t.Columns[name], at+".columns."+name
		v.oneOf(at+".merge", c.Merge, merges...)
		if c.Separator != "" && c.Merge != "set" && c.Merge != "append" {
			v.problem(at+".separator", "goes with set and append", "leave it out")
		}
		if c.Overlap != "" && c.Merge != "text" {
			v.problem(at+".overlap", "goes with text", "leave it out")
		}
		v.oneOf(at+".overlap", c.Overlap, "", "winner", "mark")
		if (c.Merge == "expression") != (c.Expression != "") {
			v.problem(at+".expression", "goes with merge: expression", "write both, or leave both out")
		}
		if c.Merge == "expression" {
			v.oneOf(at+".as", c.As, "int", "double", "string", "bool")
		}
		if c.JSON && (c.Merge != "append" || c.Separator != "") {
			v.problem(at+".json", "goes with append, and without a separator", "leave it out")
		}
		if c.Reset != nil && c.Merge != "counter" {
			v.problem(at+".reset", "goes with counter", "leave it out")
		}
	}
	in := map[string]string{}
	for _, group := range slices.Sorted(maps.Keys(t.Groups)) {
		for _, column := range t.Groups[group] {
			at := at + ".groups." + group
			if other, twice := in[column]; twice {
				v.problem(at, fmt.Sprintf("has column %s, which is in group %s, too", column, other), "leave it in one of them")
			}
			if c, ok := t.Columns[column]; ok && c.Merge != LastWriteWins {
				v.problem(at, fmt.Sprintf("has column %s, which is merged by %s", column, c.Merge), "leave it in columns or in the group")
			}
			in[column] = group
		}
	}
}
