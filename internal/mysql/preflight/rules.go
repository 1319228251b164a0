package preflight

import (
	"context"
	"slices"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/preflight"
)

// conflictRules checks the tables' conflict rules against their columns. That the log carries whole rows is demanded of
// the server in any case.
func (c *checker) conflictRules(context.Context) error {
	if c.Rules == nil {
		return nil
	}
	var names []change.TableName
	for _, t := range c.tables {
		names = append(names, t.TableName)
		c.findings = append(c.findings, preflight.Rule(shape(t), c.Rules.Of(t.TableName))...)
	}
	c.findings = append(c.findings, preflight.RulesWithoutTable(c.Rules, names)...)
	return nil
}

func shape(t *mysql.Table) *preflight.Shape {
	s := &preflight.Shape{TableName: t.TableName, Whole: true}
	for i := range t.Columns {
		column := change.Column{Name: t.Columns[i].Name, Type: t.Columns[i].Type}
		for j := range t.Indexes {
			column.Key = column.Key || t.Indexes[j].Primary() && slices.Contains(t.Indexes[j].Columns, column.Name)
		}
		s.Columns = append(s.Columns, column)
	}
	return s
}
