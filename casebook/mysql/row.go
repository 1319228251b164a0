package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bridge/casebook"
	"bridge/change"
	"bridge/internal/mysql"
)

// table is a case's table as the server has it.
type table struct {
	local   change.TableName
	columns []column
	catalog *mysql.Table
}

type column struct {
	casebook.Column        // its name is the one between the regions
	local           string // quoted
	text            *mysql.Text
}

// own tells which values of its own a column can have.
func own(c *mysql.Column) casebook.Own {
	switch strings.TrimSuffix(c.Type, " unsigned") {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		return casebook.Own{Kind: casebook.OwnText, Room: int(min(c.Length, 255))}
	case "smallint":
		return casebook.Own{Kind: casebook.OwnInteger, Room: 15}
	case "mediumint":
		return casebook.Own{Kind: casebook.OwnInteger, Room: 23}
	case "int":
		return casebook.Own{Kind: casebook.OwnInteger, Room: 31}
	case "bigint":
		return casebook.Own{Kind: casebook.OwnInteger, Room: 63}
	case "uuid":
		return casebook.Own{Kind: casebook.OwnUUID}
	}
	return casebook.Own{}
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
	t := &table{local: local, catalog: tables[0]}
	for i := range tables[0].Columns {
		has := &tables[0].Columns[i]
		c := column{local: mysql.Quote(has.Name), Column: casebook.Column{Key: primary[has.Name], Generated: has.Generated, Nullable: has.Nullable, Own: own(has)}}
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
	if len(c.Key) == 0 {
		return t.empty(), errors.New("the case is of a whole table, not of a row")
	}
	where, err := t.where(c)
	if err != nil {
		return t.empty(), err
	}
	return b.read(ctx, t, where, lock)
}

// empty is no row of the table.
func (t *table) empty() *casebook.Row {
	row := &casebook.Row{}
	for i := range t.columns {
		row.Columns = append(row.Columns, t.columns[i].Column)
	}
	return row
}

// read reads a row by a condition.
func (b *Book) read(ctx context.Context, t *table, where, lock string) (*casebook.Row, error) {
	row := t.empty()
	var list []string
	for i := range t.columns {
		list = append(list, t.columns[i].text.Expression())
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
	names := t.key()
	if len(names) == 0 {
		return "", fmt.Errorf("table %s has no primary key any more", t.local)
	}
	key, err := c.KeyOf(names)
	if err != nil {
		return "", fmt.Errorf("table %s: %w", t.local, err)
	}
	return t.equal(names, key)
}

// key are the names of the key's columns.
func (t *table) key() (names []string) {
	for i := range t.columns {
		if t.columns[i].Key {
			names = append(names, t.columns[i].Name)
		}
	}
	return names
}

// equal is the condition that columns have values.
func (t *table) equal(names, values []string) (string, error) {
	var on []string
	for n, name := range names {
		i := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == name })
		if i < 0 {
			return "", fmt.Errorf("table %s has no column %q any more", t.local, name)
		}
		constant, err := t.columns[i].text.Constant(values[n])
		if err != nil {
			return "", err
		}
		on = append(on, t.columns[i].local+" = "+constant)
	}
	return strings.Join(on, " AND "), nil
}
