package mysql

import (
	"context"
	"fmt"
	"strings"

	"bridge/change"
	"bridge/compare"
	"bridge/internal/mysql"
	"bridge/wire"
)

// Baseline reads every row of the replicated tables in the snapshot of [Region.Begin], and sums them up. It's the same
// in regions that hold the same rows, in whatever order and on whatever engine.
func (r *Region) Baseline(ctx context.Context) (baseline wire.Baseline, err error) {
	tables, err := r.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for i := range tables {
		t, err := r.digest(ctx, &tables[i])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", tables[i].TableName, err)
		}
		baseline = append(baseline, t)
	}
	return baseline, nil
}

func (r *Region) digest(ctx context.Context, definition *compare.Table) (wire.TableBaseline, error) {
	t := r.tables[definition.TableName]
	columns := make([]*column, len(definition.Columns))
	list := make([]string, len(columns))
	for i := range columns {
		columns[i] = t.columns[definition.Columns[i].Name]
		list[i] = columns[i].expression()
	}
	d := compare.NewDigest(definition)
	sql := "SELECT " + strings.Join(list, ", ") + " FROM " + mysql.QuoteTable(t.local)
	err := r.conn.Query(ctx, sql, func(values change.Image) error {
		if err := canonical(columns, values); err != nil {
			return err
		}
		d.Add(values)
		return nil
	})
	return d.Baseline(), err
}
