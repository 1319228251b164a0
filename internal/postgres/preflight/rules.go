package preflight

import (
	"context"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/preflight"
	"bridge/value"
)

// conflictRules checks the tables' conflict rules against their columns.
func (c *checker) conflictRules(ctx context.Context) error {
	if c.Rules == nil {
		return nil
	}
	columns := map[uint32][]change.Column{}
	err := c.each(ctx, func(row pgx.CollectableRow) error {
		var table uint32
		var column change.Column
		err := row.Scan(&table, &column.Name, &column.Type, &column.Key)
		columns[table] = append(columns[table], column)
		return err
	}, `
SELECT a.attrelid, a.attname, format_type(a.atttypid, -1),
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey))
FROM pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum`, c.oids())
	if err != nil {
		return err
	}
	var names []change.TableName
	for _, t := range c.tables {
		names = append(names, t.TableName)
		var altered []string
		for _, column := range columns[t.oid] {
			if c.Policy != nil && !column.Key && c.Policy(t.TableName, column.Name) != value.RefuseValue {
				altered = append(altered, column.Name)
			}
		}
		shape := &preflight.Shape{
			TableName: t.TableName, Columns: columns[t.oid], Altered: altered, Whole: t.identity == "f",
			MakeIt: wholeRows(t.TableName),
		}
		for _, rule := range c.Rules.Each(t.TableName) {
			c.findings = append(c.findings, preflight.Rule(shape, rule)...)
		}
	}
	c.findings = append(c.findings, preflight.RulesWithoutTable(c.Rules, names)...)
	return nil
}
