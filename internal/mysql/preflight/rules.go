package preflight

import (
	"context"
	"slices"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/preflight"
	"bridge/value"
)

// conflictRules checks the tables' conflict rules against their columns. That the log carries whole rows is demanded of
// the server in any case.
func (c *checker) conflictRules(ctx context.Context) error {
	if c.Rules == nil {
		return nil
	}
	json, err := mysql.LoadJSONColumns(ctx, c.conn.Flavor(), func(ctx context.Context, sql string) ([]change.Image, error) {
		result, err := c.conn.One(ctx, sql)
		return result.Rows, err
	})
	if err != nil {
		return err
	}
	var names []change.TableName
	for _, t := range c.tables {
		names = append(names, t.TableName)
		for _, rule := range c.Rules.Each(t.TableName) {
			c.findings = append(c.findings, preflight.Rule(c.shape(t, json), rule)...)
		}
	}
	c.findings = append(c.findings, preflight.RulesWithoutTable(c.Rules, names)...)
	return nil
}

func (c *checker) shape(t *mysql.Table, json mysql.JSONColumns) *preflight.Shape {
	s := &preflight.Shape{TableName: t.TableName, Whole: true}
	for i := range t.Columns {
		column := change.Column{Name: t.Columns[i].Name, Type: t.Columns[i].Type}
		for j := range t.Indexes {
			column.Key = column.Key || t.Indexes[j].Primary() && slices.Contains(t.Indexes[j].Columns, column.Name)
		}
		s.Columns = append(s.Columns, column)
		if column.Type == "set" && slices.Contains(c.Others, value.Postgres) && !slices.IsSorted(t.Columns[i].Labels) {
			s.Disordered = append(s.Disordered, column.Name)
		}
		if json.Has(t.TableName, column.Name) {
			s.JSON = append(s.JSON, column.Name)
		}
		if c.Policy != nil && !column.Key && c.Policy(t.TableName, column.Name) != value.RefuseValue {
			s.Altered = append(s.Altered, column.Name)
		}
	}
	return s
}
