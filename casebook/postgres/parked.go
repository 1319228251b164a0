package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/casebook"
	"bridge/change"
)

// Parked is [casebook.Book]'s.
func (b *Book) Parked(ctx context.Context, f casebook.ParkedFilter, yield func(*casebook.Parked) error) error {
	sql := `SELECT coalesce(document, ''), parked_at FROM bridge.parked
WHERE ($1 = '' OR table_schema = $1) AND ($2 = '' OR table_name = $2) AND ($3 = '' OR reason = $3)
ORDER BY parked_at DESC, table_schema, table_name, key`
	if f.Limit > 0 && f.Key == nil {
		sql += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	rows, err := b.conn.Query(ctx, sql, f.Table.Schema, f.Table.Name, string(f.Reason))
	if err != nil {
		return explainCases(err)
	}
	defer rows.Close()
	for rows.Next() {
		var document string
		var at time.Time
		if err := rows.Scan(&document, &at); err != nil {
			return explainCases(err)
		}
		p, err := casebook.NewParked([]byte(document), at)
		if err == nil && f.Is(p) {
			err = yield(p)
		}
		if err != nil {
			return err
		}
	}
	return explainCases(rows.Err())
}

// constraintSQL finds a constraint of a table by its name: its columns and, of a foreign key, the parent and its columns. A unique
// key may be an index without a constraint; of one that's computed they're the columns that it reads.
const constraintSQL = `
SELECT computed, columns, coalesce(n.nspname::text, ''), coalesce(p.relname::text, ''), coalesce(refers, '{}')
FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT k.confrelid AS parent, false AS computed,
         (SELECT array_agg(a.attname::text ORDER BY o.n) FROM unnest(k.conkey) WITH ORDINALITY o(num, n) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.num) AS columns,
         (SELECT array_agg(a.attname::text ORDER BY o.n) FROM unnest(k.confkey) WITH ORDINALITY o(num, n) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = o.num) AS refers
  FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = $3 AND k.contype IN ('f', 'u', 'p')
  UNION ALL
  SELECT 0, i.indpred IS NOT NULL OR i.indexprs IS NOT NULL,
         CASE WHEN i.indpred IS NULL AND i.indexprs IS NULL
         THEN (SELECT array_agg(a.attname::text ORDER BY o.n) FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY o(num, n) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = o.num)
         ELSE ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum > 0
              AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)) ORDER BY a.attnum) END, NULL
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND x.relname = $3 AND i.indisunique
) AS found
LEFT JOIN pg_class p ON p.oid = found.parent LEFT JOIN pg_namespace n ON n.oid = p.relnamespace
WHERE s.nspname = $1 AND c.relname = $2 LIMIT 1`

// Obstacle is [casebook.Book]'s.
func (b *Book) Obstacle(ctx context.Context, p *casebook.Parked) (*casebook.Obstacle, error) {
	local, err := b.names.Local(p.TableName())
	if err != nil {
		return nil, err
	}
	var columns, refers []string
	var parent change.TableName
	var computed bool
	err = b.conn.QueryRow(ctx, constraintSQL, local.Schema, local.Name, p.Constraint).Scan(&computed, &columns, &parent.Schema, &parent.Name, &refers)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up constraint %s of %s: %w", p.Constraint, local, explain(err))
	}
	at := local
	o := &casebook.Obstacle{Parent: parent.Name != "", Computed: computed}
	if o.Parent {
		at = parent
	} else {
		refers = columns
	}
	stream, err := b.names.Stream(at)
	if err != nil {
		return nil, err
	}
	o.Schema, o.Table = stream.Schema, stream.Name
	if o.Columns, err = b.names.StreamColumns(local, columns); err == nil {
		o.At, err = b.names.StreamColumns(at, refers)
	}
	if o.Computed {
		return o, err
	}
	var there bool
	if o.Values, there = p.ValuesOf(o.Columns); err != nil || !there {
		return nil, err
	}
	return o, b.find(ctx, o)
}

// find looks for the row that has the values.
func (b *Book) find(ctx context.Context, o *casebook.Obstacle) error {
	t, err := b.table(ctx, o.TableName())
	if err != nil {
		return err
	}
	s := &sql{}
	where, err := t.equal(o.At, o.Values, s)
	if err != nil {
		return err
	}
	row, err := b.read(ctx, t, where, s, "")
	if err != nil || !row.Exists() {
		return err
	}
	o.Found(row, t.key())
	return nil
}

// Release is [casebook.Book]'s.
func (b *Book) Release(ctx context.Context, p *casebook.Parked, decide func(*casebook.Row) (casebook.Change, error)) error {
	return b.transact(ctx, p, func(_ pgx.Tx, t *table, row *casebook.Row) error {
		change, err := decide(row)
		if err != nil || change.Kind == casebook.Nothing {
			return err
		}
		return b.write(ctx, t, func(s *sql) (string, error) { return t.equal(p.KeyColumns(), p.Key, s) }, change)
	})
}

// Discard is [casebook.Book]'s.
func (b *Book) Discard(ctx context.Context, p *casebook.Parked) error {
	return b.transact(ctx, p, func(tx pgx.Tx, t *table, row *casebook.Row) error { return b.discard(ctx, tx, t, row, p) })
}

func (b *Book) discard(ctx context.Context, tx pgx.Tx, t *table, row *casebook.Row, p *casebook.Parked) error {
	unique, err := b.uniqueKeys(ctx, t)
	if err == nil {
		err = asReplica(ctx, tx)
	}
	if err != nil {
		return err
	}
	return p.Discard(row, unique, &writer{ctx, tx, b, t, p})
}

// transact runs f in a transaction that holds the row with a parked row's key, if there's one.
func (b *Book) transact(ctx context.Context, p *casebook.Parked, f func(pgx.Tx, *table, *casebook.Row) error) error {
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		t, err := b.table(ctx, p.TableName())
		if err != nil {
			return err
		}
		s := &sql{}
		where, err := t.equal(p.KeyColumns(), p.Key, s)
		if err != nil {
			return err
		}
		row, err := b.read(ctx, t, where, s, " FOR UPDATE")
		if err != nil {
			return err
		}
		return f(tx, t, row)
	})
	return explain(err)
}

// asReplica keeps triggers and foreign keys from the transaction's writes, as when bridge applies.
func asReplica(ctx context.Context, tx pgx.Tx) error {
	var role string
	err := tx.QueryRow(ctx, `SELECT current_setting('session_replication_role')`).Scan(&role)
	if err == nil && role != "replica" { // where the role has it already, it mustn't set it before PostgreSQL 15
		_, err = tx.Exec(ctx, `SET LOCAL session_replication_role = replica`)
	}
	if isCode(err, noPrivilege) {
		return errors.New("this role may not write past triggers and foreign keys, as discarding a row does: do it in bridge's own role, which database.user names")
	}
	return err
}

// uniqueKeysSQL are a table's unique keys but the one that names its rows. Of one with expressions, all columns that it reads.
const uniqueKeysSQL = `
SELECT coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
  ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum > 0
        AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
          OR 0 = ANY (i.indkey::int2[]) AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)) ORDER BY a.attnum)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE s.nspname = $1 AND c.relname = $2 AND (i.indisunique OR i.indisexclusion)
  AND NOT CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
ORDER BY i.indexrelid`

func (b *Book) uniqueKeys(ctx context.Context, t *table) (keys []casebook.UniqueKey, err error) {
	rows, err := b.conn.Query(ctx, uniqueKeysSQL, t.local.Schema, t.local.Name)
	if err != nil {
		return nil, err
	}
	var nullsEqual bool
	var columns []string
	_, err = pgx.ForEachRow(rows, []any{&nullsEqual, &columns}, func() error {
		names, err := b.names.StreamColumns(t.local, columns)
		keys = append(keys, casebook.UniqueKey{Columns: names, NullsEqual: nullsEqual})
		return err
	})
	return keys, err
}

// writer is [casebook.Writer].
type writer struct {
	ctx  context.Context
	tx   pgx.Tx
	book *Book
	t    *table
	p    *casebook.Parked
}

// Insert is [casebook.Writer]'s.
func (w *writer) Insert(image casebook.Image) error {
	err := pgx.BeginFunc(w.ctx, w.tx, func(pgx.Tx) error { // a savepoint
		s := &sql{}
		text, err := w.t.statement(casebook.Change{Kind: casebook.Insert, Values: image}, nil, s)
		if err != nil {
			return err
		}
		result := w.book.conn.PgConn().ExecParams(w.ctx, text, s.params, nil, nil, nil).Read()
		return result.Err
	})
	if isUntaken(err) {
		return fmt.Errorf("%w: %w", casebook.ErrUntaken, explain(err))
	}
	return explain(err)
}

// Delete is [casebook.Writer]'s.
func (w *writer) Delete() error {
	s := &sql{}
	text, err := w.t.statement(casebook.Change{Kind: casebook.Delete}, func(s *sql) (string, error) { return w.t.equal(w.p.KeyColumns(), w.p.Key, s) }, s)
	if err != nil {
		return err
	}
	return w.book.one(w.ctx, w.t, text, s)
}
