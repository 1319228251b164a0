package settings

import (
	"fmt"
	"maps"
	"slices"

	"bridge/cmd/bridge/internal/shell"
	"bridge/config"
	"bridge/conflict"
	"bridge/mend"
)

// Merges are the columns, by tables' names between the regions, that one region merges for all: also those of the next rules, as these say it
// where they differ. Expressions are checked here.
func Merges(c *config.Config) (mend.Rules, error) {
	rules, err := merges(c)
	next := c.WithNext()
	if err != nil || next == nil {
		return rules, err
	}
	then, err := merges(next)
	if err != nil {
		return nil, fmt.Errorf("conflicts.next: %w", err)
	}
	for table, columns := range then {
		if rules[table] == nil {
			rules[table] = columns
		}
		maps.Copy(rules[table], columns)
	}
	return rules, nil
}

func merges(c *config.Config) (mend.Rules, error) {
	rules := mend.Rules{}
	for table, t := range c.Conflicts.Tables {
		columns := map[string]mend.Column{}
		for _, name := range slices.Sorted(maps.Keys(t.Columns)) {
			column := t.Columns[name]
			switch column.Merge {
			case conflict.Text.String():
				columns[name] = mend.Column{Overlap: overlaps[column.Overlap]}
			case conflict.Expression.String():
				e, err := mend.Compile(column.Expression, mend.Kind(column.As))
				if err != nil {
					return nil, shell.Usage(fmt.Errorf("conflicts.tables.%s.columns.%s.expression: %w", table, name, err))
				}
				columns[name] = mend.Column{Expression: e}
			}
		}
		if len(columns) > 0 {
			rules[TableName(table)] = columns
		}
	}
	return rules, nil
}

var overlaps = map[string]mend.Overlap{"": mend.Ours, "winner": mend.Ours, "mark": mend.Mark}
