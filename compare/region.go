package compare

import (
	"context"

	"bridge/change"
	"bridge/naming"
	"bridge/stream"
	"bridge/value"
)

// Region is a region's database, read only. Its methods are called by one goroutine at a time.
type Region interface {
	// Name is the region's name in the configuration.
	Name() string
	// Tables are the tables that the region's configuration selects, by name.
	Tables(ctx context.Context) ([]Table, error)
	// Scan calls yield with all rows of a table, some at a time, as of one moment. They're in the order of
	// [Selection.Compare] if [Selection.Ordered] says so, and in any order otherwise. Their versions aren't set.
	Scan(ctx context.Context, s *Selection, yield func([]Row) error) error
	// Look reads rows by their keys (see [Row.Own]), each as of one moment. Those that aren't there are left out;
	// the order is any.
	Look(ctx context.Context, s *Selection, keys [][]string) ([]Row, error)
	// Position is a place in the region's log behind everything that earlier calls have seen. The region's
	// bridge comes to it or beyond without another write.
	Position(ctx context.Context) (change.Position, error)
}

// Scope says what of a region's database is compared, and how its rows differ from what they are between the regions.
type Scope struct {
	// Selected says which tables are replicated, by their own names.
	Selected func(change.TableName) bool
	// Names are the tables' and columns' names between the regions.
	Names naming.Names
	// Policy is what becomes of other engines' values that a column can't hold, by its own names; nil refuses them all.
	Policy func(table change.TableName, column string) value.Policy
}

// PolicyOf is a column's policy, by its own names.
func (s *Scope) PolicyOf(table change.TableName, column string) value.Policy {
	if s.Policy == nil {
		return value.RefuseValue
	}
	return s.Policy(table, column)
}

// Member is a region and its topic.
type Member struct {
	Region
	Topic stream.Log
}

// Row is what is compared of a row.
type Row struct {
	// Key has the forms of the key columns' values: equal keys have equal forms in every region.
	Key  []string
	Hash string // of the compared columns' values
	// Version changes with every write of the row, also one that leaves the content as it was. Empty: the server
	// has no such thing.
	Version string
	// Own is the key in the region's own texts, by which it finds the row; nil if that's Key.
	Own []string
}

func (r *Row) own() []string {
	if r.Own != nil {
		return r.Own
	}
	return r.Key
}

// InChunks has rows yielded size at a time: call add with each row, and rest after the last one.
func InChunks(size int, yield func([]Row) error) (add func(Row) error, rest func() error) {
	var rows []Row
	add = func(row Row) error {
		if rows = append(rows, row); len(rows) < size {
			return nil
		}
		full := rows
		rows = make([]Row, 0, size) // the full ones are the receiver's
		return yield(full)
	}
	rest = func() error {
		if len(rows) == 0 {
			return nil
		}
		return yield(rows)
	}
	return add, rest
}

// Table is a table's definition as far as it must be the same everywhere. Its name and its columns' are those
// that they have between the regions.
type Table struct {
	change.TableName
	Engine  value.Engine
	Columns []Column // by name
	Key     []string // the key columns in the order of their index; empty if the table has no key
}

// Column is a column of a [Table].
type Column struct {
	Name string
	Type string // as the engine declares it, with modifiers: "character varying(20)"
	// Declared is the type for value.Declared, with its collation where that decides which texts are equal; of a domain,
	// its base type's.
	Declared string
	// NotNull says that the column refuses NULL.
	NotNull bool
	// Number says that the type's texts are whole numbers, ordered as numbers. All others are ordered by
	// the bytes of their texts.
	Number bool
	// Value is what the column's texts mean to other engines.
	Value value.Type
	// Policy is what the region does with other engines' values that the column can't hold: a value counts as equal
	// to what it becomes there.
	Policy value.Policy
}
