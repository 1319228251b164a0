package visibility

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"bridge/change"
)

// Table is what constraints ask of a table's rows. All names are those between the regions.
type Table struct {
	// Shape is the table as the database has it: every column, Keys being those by which capture names its rows.
	Shape *change.Table
	// Unique are its unique keys but the one that names its rows.
	Unique []Unique
	// Foreign are its foreign keys to replicated tables.
	Foreign []Foreign
	// Referred are the sets of its columns that foreign keys of replicated tables refer to.
	Referred [][]string
}

// Unique is a unique key.
type Unique struct {
	Name    string // in this database, for messages
	Columns []string
	// NullsEqual says that NULLs count as equal (PostgreSQL's NULLS NOT DISTINCT).
	NullsEqual bool
	// Computed says that what a row takes of it is the database's to compute from Columns: it's of expressions, of generated columns or of the
	// first characters of a column, or only of rows that meet a condition. See [Computing].
	Computed bool
	UniquePolicy
}

// Foreign is a foreign key. A row that has NULL in one of its columns names no parent (MATCH SIMPLE).
type Foreign struct {
	Name    string // in this database, for messages
	Columns []string
	Parent  change.TableName
	// Refers is the index, in the parent's Referred, of the columns that Columns name, in the same order.
	Refers int
	Policy ForeignPolicy
}

// UniquePolicy is what becomes of the row that loses a unique value.
type UniquePolicy struct {
	Loser  Loser
	Column string // that's altered; empty where the loser is parked
}

// Loser is what becomes of a row that can't be shown as it is.
type Loser uint8

// What becomes of the loser of a unique value.
const (
	Park   Loser = iota // it's hidden
	Null                // it's shown with NULL in a column
	Rename              // it's shown with a value made of its own and its key, in a column of text
)

// ForeignPolicy is what becomes of a child whose parent isn't shown.
type ForeignPolicy uint8

// What becomes of a child.
const (
	ParkChild  ForeignPolicy = iota // it's hidden until the parent is back
	NullChild                       // it's shown with NULL in the foreign key's columns
	DropChild                       // it's hidden until one region deletes it, for all, and records it (package mend)
	KeepParent                      // it's hidden until one region inserts the parent again, for all, and records that (package mend)
)

// Policies are the choices of the configuration, by table and by the constraint's columns as [ColumnsName] names them. What isn't
// named is parked.
type Policies map[change.TableName]TablePolicies

// TablePolicies are one table's.
type TablePolicies struct {
	Unique  map[string]UniquePolicy
	Foreign map[string]ForeignPolicy
}

// ColumnsName names a constraint by its columns, whatever the databases call it.
func ColumnsName(columns []string) string { return strings.Join(columns, ", ") }

// Catalog are the tables that have constraints, by name.
type Catalog map[change.TableName]*Table

// Under puts the policies into the catalog.
func (c Catalog) Under(p Policies) Catalog {
	for name, t := range c {
		for i := range t.Unique {
			t.Unique[i].UniquePolicy = p[name].Unique[ColumnsName(t.Unique[i].Columns)]
		}
		for i := range t.Foreign {
			t.Foreign[i].Policy = p[name].Foreign[ColumnsName(t.Foreign[i].Columns)]
		}
	}
	return c
}

// Child is a foreign key with its table.
type Child struct {
	Table *Table
	*Foreign
	Index int // in Table.Foreign
}

// Children are the foreign keys that refer to columns of a parent.
func (c Catalog) Children(parent change.TableName, refers int) (children []Child) {
	for _, t := range c {
		for i := range t.Foreign {
			if f := &t.Foreign[i]; f.Parent == parent && f.Refers == refers {
				children = append(children, Child{t, f, i})
			}
		}
	}
	slices.SortFunc(children, func(a, b Child) int {
		return cmp.Or(strings.Compare(a.Table.Shape.String(), b.Table.Shape.String()), cmp.Compare(a.Index, b.Index))
	})
	return children
}

// Family are a table and those whose rows name rows of it, sorted.
func (c Catalog) Family(parent change.TableName) []change.TableName {
	names := []change.TableName{parent}
	for name, t := range c {
		if name != parent && slices.ContainsFunc(t.Foreign, func(f Foreign) bool { return f.Parent == parent }) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, compareNames)
	return names
}

// Refer notes that a foreign key refers to columns of a parent, and returns their index in its Referred.
func (t *Table) Refer(columns []string) int {
	for i, r := range t.Referred {
		if slices.Equal(r, columns) {
			return i
		}
	}
	t.Referred = append(t.Referred, columns)
	return len(t.Referred) - 1
}

// Forms gives a value's form: the same text exactly where the database holds two values of the column equal.
type Forms interface {
	Form(ctx context.Context, table change.TableName, column, text string) (string, error)
}

// Computing are the [Forms] of a database that has computed keys.
type Computing interface {
	// Place is what a row with values in the columns of a computed unique key takes of it: two rows whose places are the same text
	// can't both be shown. It's empty where the row takes none.
	Place(ctx context.Context, table change.TableName, unique string, values []change.Value) (string, error)
}

// Lookup asks for the rows of a table in which Columns equal one of the tuples in Values, none of which is NULL or absent. What's
// found is locked until the transaction's end.
type Lookup struct {
	Table   *Table
	Columns []string
	Values  [][]change.Value
	// Unique, if set, is a key that is computed or in which NULLs are equal, and Columns are its. Then it asks for the rows that take
	// the place of it that a row with such values takes; they may be NULL.
	Unique *Unique
	// Parents says that the rows are looked at only because others name them: each stays as it is until the transaction's end, but
	// applications' foreign keys may name it meanwhile. A row that's to be written must be looked up without it before: somebody
	// could give it a child.
	Parents bool
	// Held says of Parents that they need only be kept from going, as a foreign key does it: others may write them, but for the columns that name
	// them, if the database tells these apart.
	Held bool
}

// Row is a row as capture would log it: its key, and its whole image in the shape of its table.
type Row struct {
	Key   change.Key
	Table *change.Table
	Image change.Image
}

// value is a column of the row; absent if it has none of that name.
func (r *Row) value(column string) change.Value {
	for i := range r.Table.Columns {
		if r.Table.Columns[i].Name == column && i < len(r.Image) {
			return r.Image[i]
		}
	}
	return change.Absent
}

// Values are the row's values of columns; ok is false where one is NULL or absent.
func (r *Row) Values(columns []string) (values []change.Value, ok bool) {
	for _, c := range columns {
		v := r.value(c)
		if _, has := v.Text(); !has {
			return nil, false
		}
		values = append(values, v)
	}
	return values, true
}

// All are the row's values of columns; ok is false where one is absent.
func (r *Row) All(columns []string) (values []change.Value, ok bool) {
	for _, c := range columns {
		v := r.value(c)
		if v.IsAbsent() {
			return nil, false
		}
		values = append(values, v)
	}
	return values, true
}

// IsNull reports whether a column is NULL.
func (r *Row) IsNull(column string) bool { return r.value(column).IsNull() }
