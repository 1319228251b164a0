package mysql

import (
	"context"
	"errors"
	"slices"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/naming"
	"bridge/value"
	"bridge/visibility"
)

// constraints makes a [visibility.Catalog] of the server's.
type constraints struct {
	names  naming.Names
	local  *localizer
	tables map[change.TableName]*mysql.Table // those that are replicated, by local names
	out    visibility.Catalog
	// placings are those of the computed keys.
	placings map[uniqueName]*placing
}

// add adds a table's constraints.
func (c *constraints) add(ctx context.Context, t *mysql.Table) error {
	for i := range t.Indexes {
		if t.Indexes[i].Primary() {
			continue
		}
		if err := c.addUnique(ctx, t, &t.Indexes[i]); err != nil {
			return err
		}
	}
	for i := range t.ForeignKeys {
		if err := c.addForeign(ctx, t, &t.ForeignKeys[i]); err != nil {
			return err
		}
	}
	return nil
}

// addUnique adds a unique key.
func (c *constraints) addUnique(ctx context.Context, t *mysql.Table, key *mysql.Index) error {
	computed, untold := t.Computed(c.local.flavor, key)
	var columns []string
	var err error
	switch {
	case untold != "":
	case computed == nil:
		columns, err = c.columns(ctx, t, key.Columns)
	default:
		columns, err = c.addPlacing(ctx, t, key, computed)
	}
	if err != nil || columns == nil {
		return err
	}
	of, err := c.table(t)
	if err != nil {
		return err
	}
	of.Unique = append(of.Unique, visibility.Unique{Name: key.Name, Columns: columns, Computed: computed != nil})
	return nil
}

// addPlacing adds how places of a computed key are found, and returns the names between the regions of the columns that it reads; none where a part has no forms.
func (c *constraints) addPlacing(ctx context.Context, t *mysql.Table, key *mysql.Index, computed *mysql.Computed) (names []string, err error) {
	p := &placing{Computed: computed, index: mysql.Quote(key.Name)}
	for i := range computed.Parts {
		f, ok, err := c.form(ctx, &computed.Parts[i].Column)
		if err != nil || !ok {
			return nil, err
		}
		p.forms = append(p.forms, f)
	}
	for _, column := range computed.Reads {
		stream, err := c.names.StreamColumn(t.TableName, column.Name)
		if err != nil {
			return nil, err
		}
		names = append(names, stream)
	}
	table, err := c.names.Stream(t.TableName)
	if err != nil {
		return nil, err
	}
	c.placings[uniqueName{table, key.Name}] = p
	return names, nil
}

// addForeign adds a foreign key to a replicated table's primary or unique key. Others, to columns that are merely indexed, may
// name several rows.
func (c *constraints) addForeign(ctx context.Context, t *mysql.Table, f *mysql.ForeignKey) error {
	parent := c.tables[f.Parent]
	if parent == nil || !isKey(parent, f.Refers) {
		return nil
	}
	columns, err := c.columns(ctx, t, f.Columns)
	if err != nil || columns == nil {
		return err
	}
	refers, err := c.columns(ctx, parent, f.Refers)
	if err != nil || refers == nil {
		return err
	}
	of, err := c.table(t)
	if err != nil {
		return err
	}
	to, err := c.table(parent)
	if err != nil {
		return err
	}
	of.Foreign = append(of.Foreign, visibility.Foreign{Name: f.Name, Columns: columns, Parent: to.Shape.TableName, Refers: to.Refer(refers)})
	return nil
}

// isKey reports whether columns are all those of the primary key or of a unique one.
func isKey(t *mysql.Table, columns []string) bool {
	return slices.ContainsFunc(t.Indexes, func(i mysql.Index) bool {
		if i.Prefix || i.Hash || len(i.Columns) != len(columns) {
			return false
		}
		return !slices.ContainsFunc(columns, func(name string) bool {
			return !slices.ContainsFunc(i.Columns, func(has string) bool { return t.Column(has) == t.Column(name) })
		})
	})
}

// columns are the names between the regions of some columns; none where one is generated, or has no forms.
func (c *constraints) columns(ctx context.Context, t *mysql.Table, columns []string) (names []string, err error) {
	for _, name := range columns {
		column := t.Column(name)
		if column == nil || column.Generated {
			return nil, nil
		}
		if _, ok, err := c.form(ctx, column); err != nil || !ok {
			return nil, err
		}
		stream, err := c.names.StreamColumn(t.TableName, column.Name)
		if err != nil {
			return nil, err
		}
		names = append(names, stream)
	}
	return names, nil
}

// form is that of a column's texts; ok is false where it can't be told.
func (c *constraints) form(ctx context.Context, column *mysql.Column) (f form, ok bool, err error) {
	typ := value.Type{Class: value.Text, Charset: column.Charset, Collation: column.Collation}
	switch {
	case len(column.Labels) > 0:
		typ.Class = value.Enum
	case column.Type == "float" || column.Type == "double" || column.Type == "float unsigned" || column.Type == "double unsigned":
		typ.Class = value.Float
	}
	if f, err = c.local.keyForm(ctx, typ); err != nil || f == nil {
		return nil, err == nil, err
	}
	if _, err = f(ctx, ""); errors.Is(err, mysql.ErrNoForm) {
		return nil, false, nil
	}
	return f, err == nil, err
}

// named reports whether a table has a name between the regions, and its columns have. Capture refuses the rows of one that hasn't, once
// there are any.
func (c *constraints) named(t *mysql.Table) bool {
	_, err := c.names.StreamTable(c.shape(t))
	return err == nil
}

// table is what's known of a table so far.
func (c *constraints) table(t *mysql.Table) (*visibility.Table, error) {
	shape, err := c.names.StreamTable(c.shape(t))
	if err != nil {
		return nil, err
	}
	known := c.out[shape.TableName]
	if known == nil {
		known = &visibility.Table{Shape: shape}
		c.out[shape.TableName] = known
	}
	return known, nil
}

// shape is a table as capture tells it: see capture/mysql.
func (c *constraints) shape(t *mysql.Table) *change.Table {
	columns := make([]change.Column, len(t.Columns))
	key := t.PrimaryKey().Columns
	for i := range t.Columns {
		column := &t.Columns[i]
		columns[i] = change.Column{Name: column.Name, Type: column.Type, Key: slices.Contains(key, column.Name)}
	}
	return change.NewTable(t.TableName, columns, true).On(string(c.local.engine()))
}
