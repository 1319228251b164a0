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

// Merges are the columns, by tables' names between the regions, that one region merges for all. Expressions are checked here.
func Merges(c *config.Config) (mend.Rules, error) {
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
