package mysql

import (
	"context"
	"fmt"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/visibility"
)

// Constraints is [apply.Keeper]'s. Of a key WITHOUT OVERLAPS (MariaDB) it tells the half that values tell: equal periods overlap.
func (t *Target) Constraints(ctx context.Context) (visibility.Catalog, error) {
	conn, err := t.connect(ctx, "constraints")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	t.local.learn(conn)
	tables, err := mysql.LoadCatalog(ctx, conn, t.Selected)
	if err != nil {
		return nil, err
	}
	c := constraints{names: t.inward.Names, local: &t.local, tables: map[change.TableName]*mysql.Table{}, out: visibility.Catalog{}, placings: map[uniqueName]*placing{}}
	for _, table := range tables {
		if table.Kind == "BASE TABLE" && table.PrimaryKey() != nil && c.named(table) {
			c.tables[table.TableName] = table
		}
	}
	for _, table := range tables {
		if c.tables[table.TableName] == nil {
			continue
		}
		if err := c.add(ctx, table); err != nil {
			return nil, fmt.Errorf("read the constraints of table %s: %w", table, err)
		}
	}
	t.local.places.set(c.placings)
	return c.out, nil
}

// Parked is [apply.Keeper]'s.
func (t *Target) Parked(ctx context.Context) (parked []visibility.Parked, err error) {
	conn, err := t.connect(ctx, "parked")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = conn.Query(ctx, "SELECT document FROM bridge.parked ORDER BY table_schema, table_name, row_key", func(row change.Image) error {
		document, _ := row[0].Text()
		p, err := visibility.ParseParked([]byte(document))
		parked = append(parked, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read bridge.parked: %w", err)
	}
	return parked, nil
}

// Form is [visibility.Forms]'s.
func (t *Target) Form(ctx context.Context, table change.TableName, column, text string) (string, error) {
	forms, err := t.local.tableForms(ctx, table)
	if err != nil {
		return "", err
	}
	f, ok := forms[column]
	if !ok {
		return "", fmt.Errorf("table %s (as it's called between the regions) has no column %s here", table, column)
	}
	if f == nil {
		return text, nil
	}
	return f(ctx, text)
}
