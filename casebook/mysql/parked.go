package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bridge/casebook"
	"bridge/change"
	"bridge/internal/mysql"
)

// Parked is [casebook.Book]'s.
func (b *Book) Parked(ctx context.Context, f casebook.ParkedFilter, yield func(*casebook.Parked) error) error {
	sql := "SELECT document, parked_at FROM bridge.parked WHERE true"
	for _, term := range [][2]string{{"table_schema", f.Table.Schema}, {"table_name", f.Table.Name}, {"reason", string(f.Reason)}} {
		if term[1] != "" {
			sql += " AND " + term[0] + " = " + mysql.Literal(term[1])
		}
	}
	sql += " ORDER BY parked_at DESC, table_schema, table_name, row_key"
	if f.Limit > 0 && f.Key == nil {
		sql += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return explainCases(b.conn.Query(ctx, sql, func(row change.Image) error {
		document, _ := row[0].Text()
		text, _ := row[1].Text()
		at, err := time.Parse(moment, text)
		if err != nil {
			return fmt.Errorf("bridge.parked: parked_at: %w", err)
		}
		p, err := casebook.NewParked([]byte(document), at)
		if err == nil && f.Is(p) {
			err = yield(p)
		}
		return err
	}))
}

// Obstacle is [casebook.Book]'s.
func (b *Book) Obstacle(ctx context.Context, p *casebook.Parked) (*casebook.Obstacle, error) {
	t, err := b.table(ctx, p.TableName())
	if err != nil {
		return nil, err
	}
	o := &casebook.Obstacle{}
	at := t.local
	var columns, refers []string
	if i := slices.IndexFunc(t.catalog.Indexes, func(i mysql.Index) bool { return i.Name == p.Constraint }); i >= 0 {
		columns, o.Computed = b.readBy(t, &t.catalog.Indexes[i])
		refers = columns
	} else if columns, refers, at, err = b.foreignKey(ctx, t.local, p.Constraint); err != nil || columns == nil {
		return nil, err
	} else {
		o.Parent = true
	}
	stream, err := b.names.Stream(at)
	if err != nil {
		return nil, err
	}
	o.Schema, o.Table = stream.Schema, stream.Name
	if o.Columns, err = b.names.StreamColumns(t.local, columns); err == nil {
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

// foreignKey is a foreign key of a table's: its columns, and the parent's that they name. It has none if it isn't there.
func (b *Book) foreignKey(ctx context.Context, t change.TableName, name string) (columns, refers []string, parent change.TableName, err error) {
	sql := "SELECT column_name, referenced_table_schema, referenced_table_name, referenced_column_name FROM information_schema.key_column_usage" +
		" WHERE table_schema = " + mysql.Literal(t.Schema) + " AND table_name = " + mysql.Literal(t.Name) + " AND constraint_name = " + mysql.Literal(name) +
		" AND referenced_table_name IS NOT NULL ORDER BY ordinal_position"
	err = b.conn.Query(ctx, sql, func(row change.Image) error {
		var text [4]string
		for i := range text {
			text[i], _ = row[i].Text()
		}
		columns, refers = append(columns, text[0]), append(refers, text[3])
		parent = change.TableName{Schema: text[1], Name: text[2]}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("look up constraint %s of %s: %w", name, t, explain(err))
	}
	return columns, refers, parent, err
}

// find looks for the row that has the values.
func (b *Book) find(ctx context.Context, o *casebook.Obstacle) error {
	t, err := b.table(ctx, o.TableName())
	if err != nil {
		return err
	}
	where, err := t.equal(o.At, o.Values)
	if err != nil {
		return err
	}
	row, err := b.read(ctx, t, where, "")
	if err != nil || !row.Exists() {
		return err
	}
	o.Found(row, t.key())
	return nil
}

// Release is [casebook.Book]'s.
func (b *Book) Release(ctx context.Context, p *casebook.Parked, decide func(*casebook.Row) (casebook.Change, error)) error {
	return b.withRow(ctx, p, func(t *table, row *casebook.Row) error {
		change, err := decide(row)
		if err != nil || change.Kind == casebook.Nothing {
			return err
		}
		return b.write(ctx, t, func() (string, error) { return t.equal(p.KeyColumns(), p.Key) }, change)
	})
}

// Discard is [casebook.Book]'s.
func (b *Book) Discard(ctx context.Context, p *casebook.Parked) error {
	return b.discard(ctx, p, func() error { return nil })
}

// discard discards a row, and runs f in the same transaction.
func (b *Book) discard(ctx context.Context, p *casebook.Parked, f func() error) (err error) {
	if err := b.as(ctx, replica); err != nil {
		return err
	}
	defer func() {
		if !b.conn.Broken() {
			err = errors.Join(err, b.as(context.WithoutCancel(ctx), application))
		}
	}()
	return b.withRow(ctx, p, func(t *table, row *casebook.Row) error {
		unique, err := b.uniqueKeys(t)
		if err != nil {
			return err
		}
		if err := p.Discard(row, unique, &writer{ctx, b, t, p}); err != nil {
			return err
		}
		return f()
	})
}

// withRow runs f in a transaction that holds the row with a parked row's key, if there's one.
func (b *Book) withRow(ctx context.Context, p *casebook.Parked, f func(*table, *casebook.Row) error) error {
	return b.transact(ctx, func() error {
		t, err := b.table(ctx, p.TableName())
		if err != nil {
			return err
		}
		where, err := t.equal(p.KeyColumns(), p.Key)
		if err != nil {
			return err
		}
		row, err := b.read(ctx, t, where, " FOR UPDATE")
		if err != nil {
			return err
		}
		return f(t, row)
	})
}

// readBy are the columns that an index reads; computed says that they aren't what it compares.
func (b *Book) readBy(t *table, i *mysql.Index) (columns []string, computed bool) {
	c, _ := t.catalog.Computed(b.conn.Flavor(), i)
	if c == nil {
		return i.Columns, false
	}
	for _, column := range c.Reads {
		columns = append(columns, column.Name)
	}
	return columns, true
}

// uniqueKeys are the table's but the primary key.
func (b *Book) uniqueKeys(t *table) (keys []casebook.UniqueKey, err error) {
	for i := range t.catalog.Indexes {
		if t.catalog.Indexes[i].Primary() {
			continue
		}
		columns, _ := b.readBy(t, &t.catalog.Indexes[i])
		names, err := b.names.StreamColumns(t.local, columns)
		if err != nil {
			return nil, err
		}
		keys = append(keys, casebook.UniqueKey{Columns: names})
	}
	return keys, nil
}

// writer is [casebook.Writer].
type writer struct {
	ctx  context.Context
	book *Book
	t    *table
	p    *casebook.Parked
}

// Insert is [casebook.Writer]'s. A statement that fails has done nothing; the transaction goes on.
func (w *writer) Insert(image casebook.Image) error {
	text, err := w.t.statement(casebook.Change{Kind: casebook.Insert, Values: image}, nil)
	if err != nil {
		return err
	}
	_, err = w.book.conn.One(w.ctx, text)
	if untaken(err) {
		return fmt.Errorf("%w: %w", casebook.ErrUntaken, explain(err))
	}
	return explain(err)
}

// untaken reports whether the server refuses a row for what's in it, or a trigger does.
func untaken(err error) bool {
	server, ok := errors.AsType[*mysql.Error](err)
	const truncated, noDefault, incorrect, violatesCheck = 1265, 1364, 1366, 3819 // these have other states
	return ok && (strings.HasPrefix(server.State, "22") || strings.HasPrefix(server.State, "23") || strings.HasPrefix(server.State, "45") || mysql.IsError(err, truncated, noDefault, incorrect, violatesCheck))
}

// Delete is [casebook.Writer]'s.
func (w *writer) Delete() error {
	return w.book.write(w.ctx, w.t, func() (string, error) { return w.t.equal(w.p.KeyColumns(), w.p.Key) }, casebook.Change{Kind: casebook.Delete})
}
