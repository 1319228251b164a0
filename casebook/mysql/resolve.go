package mysql

import (
	"context"
	"fmt"
	"strings"

	"bridge/casebook"
	"bridge/change"
	"bridge/conflict"
	"bridge/internal/mysql"
)

// Resolve is [casebook.Book]'s. The case is marked first: that locks it, with no more privilege than to write
// these three columns.
func (b *Book) Resolve(ctx context.Context, id int64, mark casebook.Mark, again bool, decide func(*casebook.Case, *casebook.Row) (casebook.Change, error)) error {
	return b.transact(ctx, func() error {
		c, err := b.mark(ctx, id, mark, again)
		if err != nil {
			return err
		}
		return b.amend(ctx, c, func(row *casebook.Row) (casebook.Change, error) { return decide(c, row) })
	})
}

// Mend is [casebook.Book]'s. What's applied writes a row before it records the row's case, so whoever holds the row sees all its cases.
func (b *Book) Mend(ctx context.Context, c *casebook.Case, mark func(*casebook.Case) casebook.Mark, decide func([]*casebook.Case, *casebook.Row) (casebook.Change, error)) error {
	return b.transact(ctx, func() error {
		if _, err := b.mark(ctx, c.ID, mark(c), false); err != nil {
			return err
		}
		return b.amend(ctx, c, func(row *casebook.Row) (casebook.Change, error) {
			cases, err := casebook.MarkWaiting(ctx, b, c, func(other *casebook.Case) error {
				_, err := b.mark(ctx, other.ID, mark(other), false)
				return err
			})
			if err != nil {
				return casebook.Change{}, err
			}
			return decide(cases, row)
		})
	})
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
	return b.write(ctx, t, func() (string, error) { return t.where(c) }, change)
}

// transact runs f in a transaction.
func (b *Book) transact(ctx context.Context, f func() error) (err error) {
	if _, err := b.conn.One(ctx, "START TRANSACTION"); err != nil {
		return explain(err)
	}
	defer func() {
		if err != nil && !b.conn.Broken() {
			b.conn.One(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // the first error tells more; a session that ends is rolled back
		}
	}()
	if err := f(); err != nil {
		return err
	}
	_, err = b.conn.One(ctx, "COMMIT")
	return explain(err)
}

func (b *Book) mark(ctx context.Context, id int64, mark casebook.Mark, again bool) (*casebook.Case, error) {
	open := " AND resolved_at IS NULL"
	if again {
		open = ""
	}
	set, by := "resolved_at = CURRENT_TIMESTAMP(6), resolved_by", mark.By
	if mark.Awaits != conflict.NothingAwaited {
		set, by = "awaits", string(mark.Awaits)
	}
	r, err := b.conn.One(ctx, fmt.Sprintf("UPDATE bridge.conflicts SET %s = %s, resolution = %s WHERE id = %d%s",
		set, mysql.Literal(by), mysql.Literal(mark.How), id, open))
	if err != nil {
		return nil, explainCases(err)
	}
	var c *casebook.Case
	err = b.conn.Query(ctx, fmt.Sprintf("%s WHERE id = %d", casesSQL, id), func(row change.Image) (err error) {
		c, err = scan(row)
		return err
	})
	switch {
	case err != nil:
		return nil, explain(err)
	case c == nil:
		return nil, fmt.Errorf("conflict %d: %w", id, casebook.ErrNoCase)
	case r.Affected == 0:
		return nil, fmt.Errorf("conflict %d: %w", id, casebook.ErrResolved)
	}
	return c, nil
}

// write changes the row that a condition names.
func (b *Book) write(ctx context.Context, t *table, where func() (string, error), change casebook.Change) error {
	text, err := t.statement(change, where)
	if err != nil {
		return err
	}
	r, err := b.conn.One(ctx, text)
	if err != nil {
		return explain(err)
	}
	if r.Affected != 1 {
		return fmt.Errorf("%d rows of %s were written, not one; nothing was changed", r.Affected, t.local)
	}
	return nil
}

func (t *table) statement(change casebook.Change, where func() (string, error)) (string, error) {
	name := mysql.QuoteTable(t.local)
	var columns, values, set []string
	for i := range t.columns {
		col := &t.columns[i]
		v, ok := change.Values[col.Name]
		if !ok {
			continue
		}
		value := "NULL"
		if v != nil {
			var err error
			if value, err = col.text.Constant(*v); err != nil {
				return "", err
			}
		}
		columns, values, set = append(columns, col.local), append(values, value), append(set, col.local+" = "+value)
	}
	if change.Kind == casebook.Insert {
		return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", name, strings.Join(columns, ", "), strings.Join(values, ", ")), nil
	}
	on, err := where()
	if change.Kind == casebook.Delete {
		return "DELETE FROM " + name + " WHERE " + on, err
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s", name, strings.Join(set, ", "), on), err
}
