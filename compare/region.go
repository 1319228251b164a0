package compare

import (
	"context"

	"bridge/change"
	"bridge/stream"
)

// Region is a region's database, read only. Its methods are called by one goroutine at a time.
type Region interface {
	// Name is the region's name in the configuration.
	Name() string
	// Tables are the tables that the region's configuration selects, by name.
	Tables(ctx context.Context) ([]Table, error)
	// Scan calls yield with all rows of a table, some at a time, as of one moment and in the order of
	// [Selection.Compare]. Their versions aren't set.
	Scan(ctx context.Context, s *Selection, yield func([]Row) error) error
	// Look reads rows by their keys, as of one moment. Those that aren't there are left out; the order is
	// any.
	Look(ctx context.Context, s *Selection, keys [][]string) ([]Row, error)
	// Position is a place in the region's log behind everything that earlier calls have seen. The region's
	// bridge comes to it or beyond without another write.
	Position(ctx context.Context) (change.Position, error)
}

// Member is a region and its topic.
type Member struct {
	Region
	Topic stream.Log
}

// Row is what is compared of a row.
type Row struct {
	Key  []string // canonical texts of the key columns: equal keys have equal texts in every region
	Hash string   // of the compared columns' texts
	// Version changes with every write of the row, also one that leaves the content as it was.
	Version string
}

// Table is a table's definition as far as it must be the same everywhere.
type Table struct {
	change.TableName
	Columns []Column // by name
	Key     []string // the key columns in the order of their index; empty if the table has no key
}

// Column is a column of a [Table].
type Column struct {
	Name string
	Type string // with modifiers: "character varying(20)"
	// NotNull says that the column refuses NULL.
	NotNull bool
	// Number says that the type's texts are whole numbers, ordered as numbers. All others are ordered by
	// the bytes of their texts.
	Number bool
}

// Selection is what of a table is read in every region.
type Selection struct {
	change.TableName
	Columns []string // names, sorted; those that all regions have
	Key     []string // names
	numbers []bool   // of the key columns
}

// Compare orders keys as [Region.Scan] does.
func (s *Selection) Compare(a, b []string) int {
	for i := range a {
		if c := compareTexts(a[i], b[i], s.numbers[i]); c != 0 {
			return c
		}
	}
	return 0
}
