package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/preflight"
)

// LoadConstraints reads the constraints of the selected tables, by table and name, in this server's own names.
func LoadConstraints(ctx context.Context, conn *mysql.Conn, selected func(change.TableName) bool) ([]*preflight.Constrained, error) {
	tables, err := mysql.LoadCatalog(ctx, conn, selected)
	if err != nil {
		return nil, err
	}
	return loadConstraints(ctx, conn, slices.DeleteFunc(tables, func(t *mysql.Table) bool { return !replicable(t) }))
}

// loadConstraints makes the constraints of the replicated tables, in their order.
func loadConstraints(ctx context.Context, conn *mysql.Conn, tables []*mysql.Table) (list []*preflight.Constrained, err error) {
	l := constraintLoader{flavor: conn.Flavor(), tables: tables, forms: mysql.NewKeyForms(func(ctx context.Context, sql string) ([]change.Image, error) {
		r, err := conn.One(ctx, sql)
		return r.Rows, err
	})}
	for _, t := range tables {
		c := &preflight.Constrained{TableName: t.TableName}
		for i := range t.Indexes {
			if t.Indexes[i].Primary() {
				continue
			}
			u, err := l.unique(ctx, t, &t.Indexes[i])
			if err != nil {
				return nil, err
			}
			c.Unique = append(c.Unique, u)
		}
		for i := range t.ForeignKeys {
			f, err := l.foreign(ctx, t, &t.ForeignKeys[i])
			if err != nil {
				return nil, err
			}
			c.Foreign = append(c.Foreign, f)
		}
		list = append(list, c)
	}
	return list, nil
}

type constraintLoader struct {
	flavor mysql.Flavor
	tables []*mysql.Table
	forms  *mysql.KeyForms
}

func (l *constraintLoader) unique(ctx context.Context, t *mysql.Table, i *mysql.Index) (u preflight.Unique, err error) {
	computed, untold := t.Computed(l.flavor, i)
	if computed == nil {
		u = preflight.Unique{Name: i.Name, Columns: keyColumns(t, i.Columns)}
		u.Untold, err = l.untold(ctx, t, i.Columns)
		return u, err
	}
	u = preflight.Unique{Name: i.Name, Computed: true, Definition: computed.Definition(), Untold: untold}
	var names []string
	for _, column := range computed.Reads {
		names = append(names, column.Name)
	}
	u.Columns = keyColumns(t, names)
	for n := range computed.Parts {
		if u.Untold != "" || err != nil {
			break
		}
		u.Untold, err = l.untoldTexts(ctx, &computed.Parts[n].Column)
	}
	return u, err
}

func (l *constraintLoader) foreign(ctx context.Context, t *mysql.Table, f *mysql.ForeignKey) (out preflight.Foreign, err error) {
	out = preflight.Foreign{Name: f.Name, Columns: keyColumns(t, f.Columns), Parent: f.Parent, Refers: slices.Clone(f.Refers)}
	parent := slices.IndexFunc(l.tables, func(p *mysql.Table) bool { return p.TableName == f.Parent })
	switch {
	case parent < 0:
		out.Untold = "refers to a table that isn't replicated, " + f.Parent.String()
	case !identifies(l.tables[parent], f.Refers):
		out.Untold = "refers to columns that aren't a key of " + f.Parent.String()
	default:
		if out.Untold, err = l.untold(ctx, t, f.Columns); out.Untold == "" && err == nil {
			out.Untold, err = l.untold(ctx, l.tables[parent], f.Refers)
		}
	}
	return out, err
}

// untold says why equal values of columns can't be told; empty if they can.
func (l *constraintLoader) untold(ctx context.Context, t *mysql.Table, names []string) (untold string, err error) {
	for _, name := range names {
		c := t.Column(name)
		if c == nil {
			continue
		}
		if c.Generated {
			return fmt.Sprintf("has a generated column, %q", c.Name), nil
		}
		if untold, err = l.untoldTexts(ctx, c); untold != "" || err != nil {
			break
		}
	}
	return untold, err
}

// untoldTexts says why equal texts of a column can't be told; empty if they can.
func (l *constraintLoader) untoldTexts(ctx context.Context, c *mysql.Column) (string, error) {
	if !c.IsText() {
		return "", nil
	}
	_, err := l.forms.Collation(ctx, c.Charset, c.Collation)
	if errors.Is(err, mysql.ErrNoForm) {
		return fmt.Sprintf("is of texts of collation %s, of which bridge can't tell which are equal", c.Collation), nil
	}
	return "", err
}

// identifies reports whether columns are those of a unique key, in any order.
func identifies(t *mysql.Table, columns []string) bool {
	return slices.ContainsFunc(t.Indexes, func(i mysql.Index) bool {
		return !i.Prefix && !i.Hash && slices.Equal(folded(i.Columns), folded(columns))
	})
}

// folded are names of columns, of which case says nothing, in an order of their own.
func folded(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.ToLower(name)
	}
	slices.Sort(out)
	return out
}

func keyColumns(t *mysql.Table, names []string) []preflight.KeyColumn {
	columns := make([]preflight.KeyColumn, len(names))
	for i, name := range names {
		c := t.Column(name)
		if c == nil {
			continue // an expression
		}
		key := t.PrimaryKey()
		columns[i] = preflight.KeyColumn{
			Name: c.Name, Type: c.Full, Nullable: c.Nullable, Text: c.Charset != "" && c.Type != "enum" && c.Type != "set",
			Naming: key != nil && slices.Contains(folded(key.Columns), strings.ToLower(name)),
		}
		if columns[i].Text {
			columns[i].Width = int(min(c.Length, 1<<30))
		}
	}
	return columns
}

// constraints says what becomes of rows that violate a constraint here after they were fine at their origin.
func (c *checker) constraints(ctx context.Context) error {
	list, err := loadConstraints(ctx, c.conn, c.tables)
	if err != nil {
		return err
	}
	for i, t := range list {
		if err := t.Translate(c.Names); err != nil {
			return err
		}
		c.findings = append(c.findings, preflight.WithNext(preflight.Constraints(t, c.Policies[t.Between]), preflight.Constraints(t, c.NextPolicies[t.Between]))...)
		c.uniqueTexts(c.tables[i], t)
	}
	return nil
}

// uniqueTexts finds unique texts of which other regions' engines hold other ones equal.
func (c *checker) uniqueTexts(t *mysql.Table, constrained *preflight.Constrained) {
	for i := range constrained.Unique {
		u := &constrained.Unique[i]
		for _, k := range u.Columns {
			column := t.Column(k.Name)
			if u.Untold != "" || !k.Text || column == nil {
				continue
			}
			if err := c.checkKey(column); err != nil {
				c.add(preflight.Warning, t.String(), fmt.Sprintf("unique key %q, column %q: %v; a region that holds two texts equal parks a row that another one shows", u.Name, k.Name, err), c.exactly(t, column))
			}
		}
	}
}

// exactly is the statement that makes a text equal to itself alone, as it is to PostgreSQL.
func (c *checker) exactly(t *mysql.Table, column *mysql.Column) string {
	return "ALTER TABLE " + mysql.QuoteTable(t.TableName) + " MODIFY " + mysql.Quote(column.Name) + " " + ExactText(column.Full, !column.Nullable, c.mariadb()) +
		"; with the rest of the column's definition (DEFAULT, COMMENT), in every region of MySQL and MariaDB"
}

// ExactText is a column's definition with a collation under which a text is equal to itself alone. full is its type.
func ExactText(full string, notNull, mariadb bool) string {
	collation := "utf8mb4_0900_bin"
	if mariadb {
		collation = "utf8mb4_nopad_bin"
	}
	null := " NULL"
	if notNull {
		null = " NOT NULL"
	}
	return full + " CHARACTER SET utf8mb4 COLLATE " + collation + null
}
