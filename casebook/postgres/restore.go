package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/casebook"
	"bridge/internal/postgres"
)

// stillParkedSQL locks a row of bridge.parked that is as it was.
const stillParkedSQL = `SELECT FROM bridge.parked WHERE table_schema = $1 AND table_name = $2 AND key = $3 AND document = $4 FOR UPDATE`

// Restore is [casebook.Book]'s. The tables' rows are written before the row of bridge.parked is locked: see [Book.Drop].
func (b *Book) Restore(ctx context.Context, p *casebook.Parked) ([]*casebook.Case, error) {
	var cases []*casebook.Case
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		// A deferred foreign key would have its say at the commit only.
		if _, err := tx.Exec(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT set_config('search_path', $1, true)`, b.path); err != nil {
			return err
		}
		for _, l := range p.Lost {
			switch is, err := b.insertAgain(ctx, tx, l); {
			case err != nil:
				return fmt.Errorf("%s: %w", l.Row(), err)
			case is:
				cases = append(cases, casebook.NewRestored(p, l))
			}
		}
		if len(cases) == 0 {
			return nil
		}
		tag, err := tx.Exec(ctx, stillParkedSQL, p.Schema, p.Table, p.Form(), p.Document())
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return p.NotParked()
		}
		for _, c := range cases {
			if err := record(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, explain(err)
	}
	return cases, nil
}

// insertAgain inserts a row unless it's there, and reports whether it did.
func (b *Book) insertAgain(ctx context.Context, tx pgx.Tx, l *casebook.Lost) (bool, error) {
	t, err := b.table(ctx, l.TableName())
	if err != nil {
		return false, err
	}
	s := &sql{}
	where, err := t.equal(l.KeyColumns(), l.Key, s)
	if err != nil {
		return false, err
	}
	row, err := b.read(ctx, t, where, s, " FOR UPDATE")
	if err != nil || row.Exists() {
		return false, err
	}
	in := &sql{}
	text, err := t.statement(l.Again(row), nil, in)
	if err != nil {
		return false, err
	}
	result := b.conn.PgConn().ExecParams(ctx, text, in.params, nil, nil, nil).Read()
	switch {
	case isUntaken(result.Err):
		return false, fmt.Errorf("%w: %w", casebook.ErrUntaken, explain(result.Err))
	case result.Err != nil:
		return false, explain(result.Err)
	case result.CommandTag.RowsAffected() != 1:
		return false, fmt.Errorf("%w: a rule or a trigger keeps it out", casebook.ErrUntaken)
	}
	return true, b.haveParents(ctx, tx, t, where, s)
}

// isUntaken reports whether the database refuses a row for what's in it, or a trigger does.
func isUntaken(err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(server.Code, "22") || strings.HasPrefix(server.Code, "23") || strings.HasPrefix(server.Code, "P0"))
}

// foreignKeysSQL are a table's foreign keys: their names, the parents, and the columns of both.
const foreignKeysSQL = `
SELECT k.conname::text, n.nspname::text, p.relname::text,
  (SELECT array_agg(a.attname::text ORDER BY o.n) FROM unnest(k.conkey) WITH ORDINALITY o(num, n) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.num),
  (SELECT array_agg(a.attname::text ORDER BY o.n) FROM unnest(k.confkey) WITH ORDINALITY o(num, n) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = o.num)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace s ON s.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace n ON n.oid = p.relnamespace
WHERE s.nspname = $1 AND c.relname = $2 AND k.contype = 'f' AND k.conparentid = 0
  AND current_setting('session_replication_role') = 'replica' -- otherwise the database has checked them
ORDER BY k.conname`

// haveParents makes sure, where the role writes without foreign keys, as bridge's own does on PostgreSQL 14, that the parents of a row that was inserted
// are there, and locks them.
func (b *Book) haveParents(ctx context.Context, tx pgx.Tx, t *table, where string, s *sql) error {
	rows, err := tx.Query(ctx, foreignKeysSQL, t.local.Schema, t.local.Name)
	if err != nil {
		return err
	}
	type key struct {
		name, schema, parent string
		columns, refers      []string
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k key, err error) {
		return k, row.Scan(&k.name, &k.schema, &k.parent, &k.columns, &k.refers)
	})
	if err != nil {
		return err
	}
	for _, k := range keys {
		var equal, set []string
		for i, c := range k.columns {
			equal = append(equal, fmt.Sprintf("p.%s = t.%s", postgres.Quote(k.refers[i]), postgres.Quote(c)))
			set = append(set, fmt.Sprintf("t.%s IS NOT NULL", postgres.Quote(c)))
		}
		child, parent := postgres.QuoteTable(t.local), postgres.Quote(k.schema)+"."+postgres.Quote(k.parent)
		there := fmt.Sprintf("SELECT FROM %s AS t, %s AS p WHERE %s AND %s FOR KEY SHARE OF p", child, parent, where, strings.Join(equal, " AND "))
		names := fmt.Sprintf("SELECT FROM %s AS t WHERE %s AND %s", child, where, strings.Join(set, " AND "))
		has, err := b.any(ctx, there, s)
		if err == nil && !has {
			if has, err = b.any(ctx, names, s); err == nil && has {
				return fmt.Errorf("%w: table %s, constraint %s: there's no such parent", casebook.ErrUntaken, t.local, k.name)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// any reports whether a query has rows.
func (b *Book) any(ctx context.Context, text string, s *sql) (bool, error) {
	result := b.conn.PgConn().ExecParams(ctx, text, s.params, nil, nil, nil).Read()
	return result.CommandTag.RowsAffected() > 0, explain(result.Err)
}
