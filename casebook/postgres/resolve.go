package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/casebook"
	"bridge/conflict"
	"bridge/internal/postgres"
)

// Resolve is [casebook.Book]'s. The case is marked first: that locks it, with no more privilege than to write
// these three columns.
func (b *Book) Resolve(ctx context.Context, id int64, mark casebook.Mark, again bool, decide func(*casebook.Case, *casebook.Row) (casebook.Change, error)) error {
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		c, err := b.mark(ctx, tx, id, mark, again)
		if err != nil {
			return err
		}
		return b.amend(ctx, c, func(row *casebook.Row) (casebook.Change, error) { return decide(c, row) })
	})
	return explain(err)
}

// Mend is [casebook.Book]'s. What's applied writes a row before it records the row's case, so whoever holds the row sees all its cases.
func (b *Book) Mend(ctx context.Context, c *casebook.Case, mark func(*casebook.Case) casebook.Mark, decide func([]*casebook.Case, *casebook.Row) (casebook.Change, error)) error {
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		if _, err := b.mark(ctx, tx, c.ID, mark(c), false); err != nil {
			return err
		}
		return b.amend(ctx, c, func(row *casebook.Row) (casebook.Change, error) {
			cases, err := casebook.MarkWaiting(ctx, b, c, func(other *casebook.Case) error {
				_, err := b.mark(ctx, tx, other.ID, mark(other), false)
				return err
			})
			if err != nil {
				return casebook.Change{}, err
			}
			return decide(cases, row)
		})
	})
	return explain(err)
}

// amend makes the change to a case's row that decide asks for while the row is locked.
func (b *Book) amend(ctx context.Context, c *casebook.Case, decide func(*casebook.Row) (casebook.Change, error)) error {
	t, err := b.table(ctx, c.TableName())
	if err != nil {
		return err
	}
	row, err := b.row(ctx, t, c, " FOR UPDATE")
	if err != nil {
		return err
	}
	change, err := decide(row)
	if err != nil || change.Kind == casebook.Nothing {
		return err
	}
	return b.write(ctx, t, func(s *sql) (string, error) { return t.where(c, s) }, change)
}

func (b *Book) mark(ctx context.Context, tx pgx.Tx, id int64, mark casebook.Mark, again bool) (*casebook.Case, error) {
	set, by := "resolved_at = clock_timestamp(), resolved_by = $2, resolution = $3", mark.By
	if mark.Awaits != conflict.NothingAwaited {
		set, by = "awaits = $2, resolution = $3", string(mark.Awaits)
	}
	tag, err := tx.Exec(ctx, "UPDATE bridge.conflicts SET "+set+" WHERE id = $1 AND (resolved_at IS NULL OR $4)", id, by, mark.How, again)
	if err != nil {
		return nil, explainCases(err)
	}
	c, err := scan(tx.QueryRow(ctx, casesSQL+" WHERE id = $1", id))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("conflict %d: %w", id, casebook.ErrNoCase)
	case err == nil && tag.RowsAffected() == 0:
		return nil, fmt.Errorf("conflict %d: %w", id, casebook.ErrResolved)
	}
	return c, err
}

// write changes the row that a condition names as an application would: with its search_path, and with triggers and foreign
// keys.
func (b *Book) write(ctx context.Context, t *table, where func(*sql) (string, error), change casebook.Change) error {
	if _, err := b.conn.Exec(ctx, `SELECT set_config('search_path', $1, true)`, b.path); err != nil {
		return explain(err)
	}
	s := &sql{}
	text, err := t.statement(change, where, s)
	if err != nil {
		return err
	}
	return b.one(ctx, t, text, s)
}

// one runs a statement that writes one row.
func (b *Book) one(ctx context.Context, t *table, text string, s *sql) error {
	result := b.conn.PgConn().ExecParams(ctx, text, s.params, nil, nil, nil).Read()
	if result.Err != nil {
		return explain(result.Err)
	}
	if n := result.CommandTag.RowsAffected(); n != 1 {
		return fmt.Errorf("%d rows of %s were written, not one: a rule or a trigger has a hand in it; nothing was changed", n, t.local)
	}
	return nil
}

func (t *table) statement(change casebook.Change, where func(*sql) (string, error), s *sql) (string, error) {
	name := postgres.QuoteTable(t.local)
	var columns, values, set []string
	for i := range t.columns {
		col := &t.columns[i]
		v, ok := change.Values[col.Name]
		if !ok {
			continue
		}
		if change.Kind == casebook.Update && col.fixed {
			return "", fmt.Errorf("column %s is GENERATED ALWAYS AS IDENTITY, and can't be updated", col.local)
		}
		value := s.value(col, v)
		columns, values, set = append(columns, col.local), append(values, value), append(set, col.local+" = "+value)
	}
	if change.Kind == casebook.Insert {
		return fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)", name, strings.Join(columns, ", "), strings.Join(values, ", ")), nil
	}
	on, err := where(s)
	if change.Kind == casebook.Delete {
		return "DELETE FROM " + name + " AS t WHERE " + on, err
	}
	return fmt.Sprintf("UPDATE %s AS t SET %s WHERE %s", name, strings.Join(set, ", "), on), err
}
