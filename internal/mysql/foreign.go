package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bridge/change"
)

// ForeignKey is a constraint that refers from one table's rows to another's.
type ForeignKey struct {
	Name               string
	Columns            []string
	Parent             change.TableName
	Refers             []string // the parent's columns, in the order of Columns
	OnDelete, OnUpdate string   // NO ACTION, RESTRICT, CASCADE, SET NULL, SET DEFAULT
}

// Cascades reports whether changing a parent's row changes the rows that refer to it.
func (f *ForeignKey) Cascades() bool {
	changes := func(rule string) bool { return strings.HasPrefix(rule, "SET") || rule == "CASCADE" }
	return changes(f.OnDelete) || changes(f.OnUpdate)
}

// foreignKey finds a table's foreign key by its name, or makes it.
func (t *Table) foreignKey(name string) *ForeignKey {
	i := slices.IndexFunc(t.ForeignKeys, func(f ForeignKey) bool { return f.Name == name })
	if i < 0 {
		i = len(t.ForeignKeys)
		t.ForeignKeys = append(t.ForeignKeys, ForeignKey{Name: name})
	}
	return &t.ForeignKeys[i]
}

func (l *loader) foreignKeys(ctx context.Context) error {
	err := l.each(ctx, "table_schema, table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name, referenced_column_name",
		"key_column_usage WHERE referenced_column_name IS NOT NULL", "table_schema", "1, 2, 3, ordinal_position",
		func(t *Table, row []string, _ change.Image) {
			f := t.foreignKey(row[2])
			f.Parent = change.TableName{Schema: row[4], Name: row[5]}
			f.Columns, f.Refers = append(f.Columns, row[3]), append(f.Refers, row[6])
		})
	if err != nil {
		return err
	}
	err = l.each(ctx, "constraint_schema, table_name, constraint_name, delete_rule, update_rule", "referential_constraints WHERE true", "constraint_schema", "1, 2, 3",
		func(t *Table, row []string, _ change.Image) {
			f := t.foreignKey(row[2])
			f.OnDelete, f.OnUpdate = row[3], row[4]
		})
	if err != nil {
		return err
	}
	for _, t := range l.list {
		if err := l.hiddenRules(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// hiddenRules reads what the catalog doesn't tell: MariaDB has the rules of foreign keys for those alone who have privileges on the
// whole database.
func (l *loader) hiddenRules(ctx context.Context, t *Table) error {
	if !slices.ContainsFunc(t.ForeignKeys, func(f ForeignKey) bool { return f.OnDelete == "" }) {
		return nil
	}
	row, err := l.conn.Text(ctx, "SHOW CREATE TABLE "+QuoteTable(t.TableName))
	if err != nil {
		return err
	}
	for i := range t.ForeignKeys {
		f := &t.ForeignKeys[i]
		if f.OnDelete, f.OnUpdate, err = foreignRules(row[1], f.Name); err != nil {
			return fmt.Errorf("table %s: %w", t, err)
		}
	}
	return nil
}

// foreignRules finds a foreign key's rules in a table's definition, as SHOW CREATE TABLE has it.
func foreignRules(definition, name string) (onDelete, onUpdate string, err error) {
	_, rest, ok := strings.Cut(definition, "CONSTRAINT "+Quote(name)+" FOREIGN KEY ")
	if !ok {
		return "", "", fmt.Errorf("the server's definition lacks foreign key %s", name)
	}
	var words strings.Builder // those of this constraint, without names
	for i, part := range strings.Split(rest, "`") {
		if i%2 == 0 {
			part, _, more := strings.Cut(part, "\n")
			words.WriteString(part)
			if more {
				break
			}
		}
	}
	rule := func(event string) string {
		_, after, _ := strings.Cut(words.String(), " ON "+event+" ")
		for _, action := range []string{"CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION"} {
			if strings.HasPrefix(after, action) {
				return action
			}
		}
		return "RESTRICT" // as the server leaves out
	}
	return rule("DELETE"), rule("UPDATE"), nil
}
