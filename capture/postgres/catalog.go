package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/postgres"
)

// catalog looks up, over an ordinary connection, the few things that the log doesn't tell. It opens
// its connection when it's first needed, and again when it was lost.
type catalog struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn
}

// keyedType is a type's name, and the name of the type that decides when two of its values are equal:
// see [postgres.KeyTypesSQL].
type keyedType struct{ name, key string }

// types names the types that the catalog has of those asked for.
func (c *catalog) types(ctx context.Context, oids []uint32) (map[uint32]keyedType, error) {
	found := make(map[uint32]keyedType, len(oids))
	err := c.query(ctx, postgres.KeyTypesSQL, []any{oids}, func(rows pgx.Rows) error {
		var oid uint32
		var t keyedType
		if err := rows.Scan(&oid, &t.name, &t.key); err != nil {
			return err
		}
		found[oid] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up types in the catalog: %w", err)
	}
	return found, nil
}

// keySQL finds the table by OID or else, when it was dropped since and made anew, by name. Its key is
// the index that its replica identity names, nothing under NOTHING, otherwise the primary key.
const keySQL = `
WITH t AS (
  SELECT c.oid, c.relreplident FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = $1 OR (n.nspname = $2 AND c.relname = $3) ORDER BY c.oid = $1 DESC LIMIT 1
)
SELECT a.attname::text
FROM t LEFT JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
            AND CASE t.relreplident WHEN 'n' THEN false WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
     LEFT JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n) ON k.n <= i.indnkeyatts
     LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum`

// key is the names of the columns that name the table's rows, none when it has no key. exists is false
// when there's no such table.
func (c *catalog) key(ctx context.Context, oid uint32, name change.TableName) (columns []string, exists bool, err error) {
	err = c.query(ctx, keySQL, []any{oid, name.Schema, name.Name}, func(rows pgx.Rows) error {
		exists = true
		var column *string
		if err := rows.Scan(&column); err != nil {
			return err
		}
		if column != nil {
			columns = append(columns, *column)
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("look up the key of table %s: %w", name, err)
	}
	return columns, exists, nil
}

// complete fills the columns that row lacks from the table, as the row with row's key has them now, after
// the commit of transaction xid. When there's no such row any more, they stay absent.
//
// The log shows a commit before other sessions see it: by a moment, or for as long as a synchronous standby
// takes. Until then the row isn't there, or another one is under its key.
func (c *catalog) complete(ctx context.Context, xid uint32, t *change.Table, row change.Image) error {
	const first, last = time.Millisecond, 50 * time.Millisecond
	sql, args, lacking := completion(xid, t, row)
	for pause := first; ; pause = min(2*pause, last) {
		visible := false
		err := c.text(ctx, sql, args, func(values [][]byte) {
			visible = string(values[0]) == "t"
			if found := string(values[1]) == "t"; !visible || !found {
				return
			}
			for n, i := range lacking {
				row[i] = change.Null
				if v := values[2+n]; v != nil {
					row[i] = change.Text(string(v))
				}
			}
		})
		if err != nil {
			return fmt.Errorf("complete a row of table %s, whose key changed, with the values that the log lacks: %w", t, err)
		}
		if visible {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// completion is the query for the columns that row lacks: whether it saw the commit of xid, whether it found the
// row, and their values. xid is given its epoch by the snapshot's end, which it can't be far from.
func completion(xid uint32, t *change.Table, row change.Image) (sql string, args []any, lacking []int) {
	var wanted, on strings.Builder
	for i := range row {
		if row[i].IsAbsent() {
			lacking = append(lacking, i)
			fmt.Fprintf(&wanted, ", t.%s", postgres.Quote(t.Columns[i].Name))
		}
	}
	args = append(args, strconv.FormatUint(uint64(xid), 10))
	for n, k := range t.Keys {
		text, _ := row[k].Text()
		args = append(args, text)
		if n > 0 {
			on.WriteString(" AND ")
		}
		fmt.Fprintf(&on, "t.%s = $%d", postgres.Quote(t.Columns[k].Name), len(args))
	}
	sql = `SELECT pg_visible_in_snapshot((s.upto + (($1::text::bigint - s.upto + 2147483648) & 4294967295) - 2147483648)::text::xid8,
	pg_current_snapshot()), t.tableoid IS NOT NULL` + wanted.String() + `
FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS upto) AS s LEFT JOIN ` + postgres.QuoteTable(t.TableName) + ` AS t ON ` + on.String()
	return sql, args, lacking
}

// text runs a query whose parameters and results are text, whatever their types.
func (c *catalog) text(ctx context.Context, sql string, args []any, row func([][]byte)) error {
	raw := make([][]byte, len(args))
	for i := range args {
		raw[i] = []byte(args[i].(string))
	}
	return c.retry(ctx, func(conn *pgx.Conn) error {
		result := conn.PgConn().ExecParams(ctx, sql, raw, nil, nil, nil).Read()
		if result.Err != nil {
			return result.Err
		}
		for _, values := range result.Rows {
			row(values)
		}
		return nil
	})
}

func (c *catalog) query(ctx context.Context, sql string, args []any, row func(pgx.Rows) error) error {
	return c.retry(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := row(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// retry runs do, once more on a new connection when it was the old one that failed: one that has been
// idle for days may have been cut. do hasn't called back by then, for its query never ran to an end.
func (c *catalog) retry(ctx context.Context, do func(*pgx.Conn) error) error {
	fresh := c.conn == nil
	err := c.open(ctx)
	if err == nil {
		err = do(c.conn)
	}
	if err == nil || fresh || ctx.Err() != nil || !c.conn.IsClosed() {
		return err
	}
	c.conn = nil
	if again := c.open(ctx); again != nil {
		return errors.Join(err, again)
	}
	return do(c.conn)
}

func (c *catalog) open(ctx context.Context) (err error) {
	if c.conn == nil || c.conn.IsClosed() {
		c.conn, err = pgx.ConnectConfig(ctx, c.config)
	}
	return err
}

func (c *catalog) close(ctx context.Context) error {
	if c.conn == nil {
		return nil
	}
	return c.conn.Close(ctx)
}

// await asks until the catalog has what a commit in the log has put there. The log shows a commit a
// moment before other sessions see it. found is false when it isn't there after all: dropped since.
func await(ctx context.Context, ask func() (found bool, err error)) (found bool, err error) {
	const every, patience = 20 * time.Millisecond, 2 * time.Second
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); ; {
		if found, err := ask(); err != nil || found || time.Now().After(deadline) {
			return found, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
