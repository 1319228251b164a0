package postgres

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/apply/convert"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/value"
)

// catalog tells the converter what tables are like here. It has a session of its own, opened when it's needed first.
type catalog struct {
	config func(worker string) (*pgx.ConnConfig, error)
	mu     sync.Mutex
	conn   *pgx.Conn
}

// Localize is [apply.Localizer]'s.
func (t *Target) Localize(ctx context.Context, tx *change.Transaction) error {
	return t.converter.Localize(ctx, tx)
}

// Close is [apply.Target]'s.
func (t *Target) Close(ctx context.Context) error {
	t.catalog.mu.Lock()
	defer t.catalog.mu.Unlock()
	if t.catalog.conn == nil {
		return nil
	}
	defer func() { t.catalog.conn = nil }()
	return t.catalog.conn.Close(ctx)
}

// columnsSQL are a table's columns: their types as format_type prints them, of a domain its base type's; whether it's an
// enum, and its labels; and the name by which its equality is known (internal/postgres.KeyTypesSQL).
const columnsSQL = `
WITH RECURSIVE base AS (
  SELECT a.attname, a.attnum, a.attgenerated <> '' AS generated, a.atttypid AS oid, a.atttypmod AS mod
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace s ON s.oid = c.relnamespace
  WHERE s.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT base.attname, base.attnum, base.generated, t.typbasetype, t.typtypmod FROM base JOIN pg_type t USING (oid) WHERE t.typtype = 'd'
)
SELECT base.attname::text, base.attnum::int, base.generated, format_type(base.oid, base.mod), t.typtype = 'e', format_type(base.oid, -1),
       coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = base.oid), '{}')
FROM base JOIN pg_type t USING (oid) WHERE t.typtype <> 'd'`

// with runs f on the catalog's session, again on a new one when the session was lost since the last time.
func (c *catalog) with(ctx context.Context, f func(*pgx.Conn) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.try(ctx, f)
	if err != nil && c.conn != nil && c.conn.IsClosed() && ctx.Err() == nil {
		c.conn = nil
		err = c.try(ctx, f)
	}
	return err
}

func (c *catalog) try(ctx context.Context, f func(*pgx.Conn) error) error {
	if c.conn == nil {
		config, err := c.config("catalog")
		if err != nil {
			return err
		}
		if c.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
			c.conn = nil
			return fmt.Errorf("connect to read the catalog: %w", err)
		}
	}
	return f(c.conn)
}

// Columns is [convert.Catalog]'s.
func (c *catalog) Columns(ctx context.Context, t change.TableName) (columns map[string]convert.Column, err error) {
	err = c.with(ctx, func(conn *pgx.Conn) (err error) {
		columns, err = loadColumns(ctx, conn, t)
		return err
	})
	return columns, err
}

func loadColumns(ctx context.Context, conn *pgx.Conn, t change.TableName) (map[string]convert.Column, error) {
	rows, err := conn.Query(ctx, columnsSQL, t.Schema, t.Name)
	if err != nil {
		return nil, err
	}
	columns := map[string]convert.Column{}
	var name, declared, base string
	var generated, enum bool
	var labels []string
	var place int
	_, err = pgx.ForEachRow(rows, []any{&name, &place, &generated, &declared, &enum, &base, &labels}, func() error {
		typ, err := value.Declared(value.Postgres, declared)
		if err != nil {
			return fmt.Errorf("%w: table %s, column %s: %w", apply.ErrRefused, t, name, err)
		}
		if enum {
			typ, base = typ.WithLabels(labels), "enum"
		}
		col := convert.Column{Place: place, Type: typ, Generated: generated}
		if normalize, err := postgres.Normalizer(base); err == nil && normalize != nil { // what can't be a key, capture refuses
			col.Form = func(_ context.Context, text string) (string, error) { return normalize(text), nil }
		}
		columns[name] = col
		return nil
	})
	return columns, err
}
