package engines

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/cmd/bridge/internal/shell"
	"bridge/internal/mysql"
	mypreflight "bridge/internal/mysql/preflight"
	"bridge/internal/postgres"
	pgpreflight "bridge/internal/postgres/preflight"
	"bridge/internal/preflight"
)

// noTable says that a table isn't there.
func noTable(name change.TableName) error {
	return shell.Usage(fmt.Errorf("there's no table %s in the database: write schema.table as the catalog spells it", name))
}

// Shape is [Database]'s.
func (d postgresDatabase) Shape(ctx context.Context, name change.TableName) (*change.Table, error) {
	conn, err := d.connect(ctx, "rules")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	rows, err := conn.Query(ctx, `
SELECT a.attname::text, format_type(a.atttypid, -1), coalesce(a.attnum = ANY (k.indkey::int2[]), false), c.relreplident = 'f'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_index k ON k.indrelid = c.oid AND CASE c.relreplident WHEN 'i' THEN k.indisreplident ELSE k.indisprimary END
WHERE c.relkind IN ('r', 'p') AND n.nspname = $1 AND c.relname = $2 ORDER BY a.attnum`, name.Schema, name.Name)
	if err != nil {
		return nil, err
	}
	var columns []change.Column
	var column change.Column
	var full bool
	_, err = pgx.ForEachRow(rows, []any{&column.Name, &column.Type, &column.Key, &full}, func() error {
		columns = append(columns, column)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", name, err)
	}
	if len(columns) == 0 {
		return nil, noTable(name)
	}
	return change.NewTable(name, columns, full), nil
}

// Constraints is [Database]'s.
func (d postgresDatabase) Constraints(ctx context.Context, selected func(change.TableName) bool) ([]*preflight.Constrained, error) {
	conn, err := d.connect(ctx, "rules")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	return pgpreflight.LoadConstraints(ctx, conn, selected)
}

// WholeRows is [Database]'s.
func (postgresDatabase) WholeRows(name change.TableName) string {
	return "ALTER TABLE " + postgres.QuoteTable(name) + " REPLICA IDENTITY FULL;"
}

// Shape is [Database]'s. The server is refused unless it logs whole rows.
func (d mysqlDatabase) Shape(ctx context.Context, name change.TableName) (*change.Table, error) {
	conn, err := d.connect(ctx, "rules")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	tables, err := mysql.LoadCatalog(ctx, conn, func(t change.TableName) bool { return t == name })
	if err != nil {
		return nil, err
	}
	variables, err := mysql.Variables(ctx, conn, "binlog_row_image")
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		var columns []change.Column
		key := t.PrimaryKey()
		for i := range t.Columns {
			c := &t.Columns[i]
			columns = append(columns, change.Column{Name: c.Name, Type: c.Type, Key: key != nil && slices.Contains(key.Columns, c.Name)})
		}
		return change.NewTable(name, columns, variables["binlog_row_image"] == "FULL"), nil
	}
	return nil, noTable(name)
}

// Constraints is [Database]'s.
func (d mysqlDatabase) Constraints(ctx context.Context, selected func(change.TableName) bool) ([]*preflight.Constrained, error) {
	conn, err := d.connect(ctx, "rules")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return mypreflight.LoadConstraints(ctx, conn, selected)
}

// WholeRows is [Database]'s.
func (mysqlDatabase) WholeRows(change.TableName) string {
	return "SET GLOBAL binlog_row_image = 'FULL';"
}
