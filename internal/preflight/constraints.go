package preflight

import (
	"bridge/change"
	"bridge/naming"
	"bridge/visibility"
)

// Constrained is a table with its constraints that two regions can violate together.
type Constrained struct {
	change.TableName                  // here
	Between          change.TableName // the same between the regions
	Unique           []Unique         // but the one that names rows
	Foreign          []Foreign
}

// Unique is a unique key.
type Unique struct {
	Name       string
	Columns    []KeyColumn
	NullsEqual bool
	// Computed says that the database computes what a row takes of the key: it's of expressions, of generated columns, of the first characters
	// of a column, or of the rows that meet a condition. Columns are those that it reads, in the table's order.
	Computed bool
	// Definition is what the server prints of a computed key: its expressions and its condition.
	Definition string
	// Untold says why bridge can't tell which of two rows shows a value, as it reads behind the key's name ("is
	// deferrable"); empty where it can.
	Untold string
	// Exclusion says that it's an exclusion constraint, by which rows with other values may be in each other's way. It's untold.
	Exclusion bool
}

// Foreign is a foreign key.
type Foreign struct {
	Name    string
	Columns []KeyColumn
	Parent  change.TableName // between the regions, once [Constrained.Translate] was called
	Refers  []string         // the parent's columns, likewise
	// Untold says why bridge can't tell whether a row's parent is there; empty where it can.
	Untold string
}

// KeyColumn is a column of a constraint.
type KeyColumn struct {
	Name     string // here; of an expression empty
	Between  string // the same between the regions
	Type     string
	Nullable bool
	Naming   bool // it's one of those that name rows in the log
	Text     bool // it takes any text
	Width    int  // of a text, in characters; 0 is no limit
}

// Translate fills in the names between the regions.
func (t *Constrained) Translate(names naming.Names) (err error) {
	if t.Between, err = names.Stream(t.TableName); err != nil {
		return err
	}
	for i := range t.Unique {
		if err := translate(names, t.TableName, t.Unique[i].Columns); err != nil {
			return err
		}
	}
	for i := range t.Foreign {
		if err := t.Foreign[i].translate(names, t.TableName); err != nil {
			return err
		}
	}
	return nil
}

func (f *Foreign) translate(names naming.Names, table change.TableName) (err error) {
	if err := translate(names, table, f.Columns); err != nil || f.Untold != "" {
		return err
	}
	if f.Refers, err = names.StreamColumns(f.Parent, f.Refers); err != nil {
		return err
	}
	f.Parent, err = names.Stream(f.Parent)
	return err
}

func translate(names naming.Names, table change.TableName, columns []KeyColumn) (err error) {
	for i := range columns {
		if columns[i].Between, err = names.StreamColumn(table, columns[i].Name); err != nil {
			return err
		}
	}
	return nil
}

// Key is the name of a unique key in the configuration.
func (u *Unique) Key() string { return visibility.ColumnsName(u.Between()) }

// Between are the names of the key's columns between the regions; an expression's is empty.
func (u *Unique) Between() []string { return between(u.Columns) }

// Key is the name of a foreign key in the configuration.
func (f *Foreign) Key() string { return visibility.ColumnsName(f.Between()) }

// Between are the names of the key's columns between the regions.
func (f *Foreign) Between() []string { return between(f.Columns) }

func between(columns []KeyColumn) []string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Between
	}
	return names
}
