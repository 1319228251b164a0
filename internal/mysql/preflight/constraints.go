package preflight

import (
	"context"
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
	tables = slices.DeleteFunc(tables, func(t *mysql.Table) bool { return !replicable(t) })
	return constraintsOf(tables), nil
}

// constraintsOf are the constraints of the replicated tables.
func constraintsOf(tables []*mysql.Table) []*preflight.Constrained {
	var list []*preflight.Constrained
	for _, t := range tables {
		c := &preflight.Constrained{TableName: t.TableName}
		for i := range t.Indexes {
			if index := &t.Indexes[i]; !index.Primary() {
				c.Unique = append(c.Unique, uniqueOf(t, index))
			}
		}
		for i := range t.ForeignKeys {
			c.Foreign = append(c.Foreign, foreignOf(t, &t.ForeignKeys[i], tables))
		}
		list = append(list, c)
	}
	return list
}

func uniqueOf(t *mysql.Table, i *mysql.Index) preflight.Unique {
	u := preflight.Unique{Name: i.Name, Columns: keyColumns(t, i.Columns), Untold: generated(t, i.Columns)}
	switch {
	case slices.Contains(i.Columns, ""):
		u.Untold = "is of an expression"
	case i.Prefix:
		u.Untold = "is of the first characters of a column"
	case i.Hash:
		u.Untold = "is one of hashes, by which the server finds no rows"
	case i.Period:
		u.Untold = "is one of periods (WITHOUT OVERLAPS)"
	}
	return u
}

func foreignOf(t *mysql.Table, f *mysql.ForeignKey, tables []*mysql.Table) preflight.Foreign {
	out := preflight.Foreign{Name: f.Name, Columns: keyColumns(t, f.Columns), Parent: f.Parent, Refers: slices.Clone(f.Refers), Untold: generated(t, f.Columns)}
	parent := slices.IndexFunc(tables, func(p *mysql.Table) bool { return p.TableName == f.Parent })
	switch {
	case parent < 0:
		out.Untold = "refers to a table that isn't replicated, " + f.Parent.String()
	case !identifies(tables[parent], f.Refers):
		out.Untold = "refers to columns that aren't a key of " + f.Parent.String()
	}
	return out
}

// identifies reports whether columns are those of a unique key, in any order.
func identifies(t *mysql.Table, columns []string) bool {
	return slices.ContainsFunc(t.Indexes, func(i mysql.Index) bool { return !i.Prefix && slices.Equal(folded(i.Columns), folded(columns)) })
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

// generated says which of the columns is generated, and so in no row that's written.
func generated(t *mysql.Table, names []string) string {
	for _, name := range names {
		if c := t.Column(name); c != nil && c.Generated {
			return fmt.Sprintf("has a generated column, %q", c.Name)
		}
	}
	return ""
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
func (c *checker) constraints(context.Context) error {
	for i, t := range constraintsOf(c.tables) {
		if err := t.Translate(c.Names); err != nil {
			return err
		}
		c.findings = append(c.findings, preflight.Constraints(t, c.Policies[t.Between])...)
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
