package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bridge/casebook"
	"bridge/change"
	"bridge/internal/mysql"
)

// table is a case's table as the server has it.
type table struct {
	local   change.TableName
	columns []column
}

type column struct {
	casebook.Column        // its name is the one between the regions
	local           string // quoted
	text            *mysql.Text
}

func (b *Book) table(ctx context.Context, name change.TableName) (*table, error) {
	local, err := b.names.Local(name)
	if err != nil {
		return nil, err
	}
	tables, err := mysql.LoadCatalog(ctx, b.conn, func(t change.TableName) bool { return t == local })
	if err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		return nil, fmt.Errorf("table %s: %w", local, casebook.ErrNoTable)
	}
	primary := map[string]bool{}
	if key := tables[0].PrimaryKey(); key != nil {
		for _, name := range key.Columns {
			primary[name] = true
		}
	}
	t := &table{local: local}
	for i := range tables[0].Columns {
		has := &tables[0].Columns[i]
		c := column{local: mysql.Quote(has.Name), Column: casebook.Column{Key: primary[has.Name], Generated: has.Generated}}
		if c.Name, err = b.names.StreamColumn(local, has.Name); err != nil {
			return nil, err
		}
		if c.text, err = mysql.NewText(b.conn.Flavor(), has); err != nil {
			return nil, fmt.Errorf("table %s: %w", local, err)
		}
		t.columns = append(t.columns, c)
	}
	return t, nil
}

// Row is [casebook.Book]'s.
func (b *Book) Row(ctx context.Context, c *casebook.Case) (*casebook.Row, error) {
	t, err := b.table(ctx, c.TableName())
	if err != nil {
		return nil, err
	}
	return b.row(ctx, t, c, "")
}

// row reads the case's row; lock is what follows the query.
func (b *Book) row(ctx context.Context, t *table, c *casebook.Case, lock string) (*casebook.Row, error) {
	row := &casebook.Row{}
	var list []string
	for i := range t.columns {
		row.Columns = append(row.Columns, t.columns[i].Column)
		list = append(list, t.columns[i].text.Expression())
	}
	if len(c.Key) == 0 {
		return row, errors.New("the case is of a whole table, not of a row")
	}
	where, err := t.where(c)
	if err != nil {
		return row, err
	}
	result, err := b.conn.One(ctx, "SELECT "+strings.Join(list, ", ")+" FROM "+mysql.QuoteTable(t.local)+" WHERE "+where+lock)
	if err != nil || len(result.Rows) == 0 {
		return row, explain(err)
	}
	row.Values = casebook.Image{}
	for i, v := range result.Rows[0] {
		name := t.columns[i].Name
		row.Values[name] = nil
		if text, ok := v.Text(); ok {
			if text, err = t.columns[i].text.Of(text); err != nil {
				return row, err
			}
			row.Values[name] = &text
		}
	}
	return row, nil
}

// where is the condition that a row is the case's.
func (t *table) where(c *casebook.Case) (string, error) {
	var names, on []string
	for i := range t.columns {
		if t.columns[i].Key {
			names = append(names, t.columns[i].Name)
		}
	}
	if len(names) == 0 {
		return "", fmt.Errorf("table %s has no primary key any more", t.local)
	}
	key, err := c.KeyOf(names)
	if err != nil {
		return "", fmt.Errorf("table %s: %w", t.local, err)
	}
	for i := range t.columns {
		if col := &t.columns[i]; col.Key {
			constant, err := col.text.Constant(key[len(on)])
			if err != nil {
				return "", err
			}
			on = append(on, col.local+" = "+constant)
		}
	}
	return strings.Join(on, " AND "), nil
}
