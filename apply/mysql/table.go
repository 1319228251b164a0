package mysql

import (
	"strings"

	"bridge/change"
	"bridge/naming"
)

// table is a table of this database, seen through the shape in which an origin's log told it, under the names here.
type table struct {
	*change.Table
	stream  *change.Table // the same between the regions
	name    string        // qualified and quoted
	columns []column      // of the shape's columns, the ones here
	// updateOnly says that updates mustn't be upserts (see builder.overwrites): there are columns here that the shape lacks, or
	// triggers that fire before an insert.
	updateOnly bool
	// packable says that updates of many rows may be packed (see [packed]): the server is MariaDB, the key is a single integer, and there's no
	// other unique key, of which one row must be rid before another has it. With several hundred rows MySQL takes
	// twice the time of a join in all (bench/README.md).
	packable bool
	clocks   []string // quoted names of the columns here that any update sets to the current time
	// chatty says that statements on the table bring warnings of no consequence, so that those must be read
	// to tell whether there's another among them.
	chatty bool
	finder *finder // nil until rows are looked up
}

// String is the table for messages.
func (t *table) String() string { return naming.Both(t.Table.String(), t.stream.String()) }

// columnName is a column of the shape for messages.
func (t *table) columnName(i int) string {
	return naming.Both(t.Table.Columns[i].Name, t.stream.Columns[i].Name)
}

// What an upsert's guard assigns to a key column when the row that is in the way has another key: an error whatever the column has.
const (
	neverNull = "NULL" // error 1048
	// To a column that counts up by itself NULL is 0, without a word. A text is error 1366 there.
	neverText = "'another row'"
	// To a TIMESTAMP of MariaDB NULL is the present time. This is error 1242, and slower than the others.
	neverRows = "(SELECT NULL UNION ALL SELECT NULL)"
)

// guard is the key column that an upsert's guard assigns, and what it does.
func (t *table) guard() (column int, never string) {
	column, never = t.Keys[0], neverRows
	for _, i := range t.Keys {
		switch c := &t.columns[i]; {
		case c.class == moment:
		case !c.counts:
			return i, neverNull
		case never == neverRows:
			column, never = i, neverText
		}
	}
	return column, never
}

// column is a column as this database has it.
type column struct {
	name      string // quoted
	base      string // DATA_TYPE
	class     class
	scale     int  // digits after the point, of numbers and seconds
	generated bool // never assigned
	counts    bool // AUTO_INCREMENT
	// fills says that the server would take another value for NULL, without a word: the next number, or MariaDB the present time.
	fills     bool
	labels    map[string]bool
	charset   string // of text, and of the labels of ENUM and SET
	collation string
}

// comparison is what stands around a value of r, or a literal, for it to compare with the column as the column compares with
// itself, so that the primary key's index serves: columns of r have the types and the collation of literals.
func (c *column) comparison() (opening, closing string) {
	switch c.class {
	case text, label, labels:
		closing = " COLLATE " + c.collation
		if c.charset != "utf8mb4" {
			return "CONVERT(", " USING " + c.charset + ")" + closing
		}
		return "", closing
	case float, named:
		return "CAST(", " AS " + c.base + ")"
	case date:
		return "CAST(", " AS DATE)"
	case datetime, moment:
		return "CAST(", " AS DATETIME(6))"
	case clock:
		return "CAST(", " AS TIME(6))"
	}
	return "", ""
}

// unpacked is what stands around a text's bytes, an expression, for the column to read its value from them.
func (c *column) unpacked() (opening, closing string) {
	switch {
	case c.class == text, c.class == label, c.class == labels, c.class == named:
		return "CONVERT(", " USING utf8mb4)"
	case c.class == bits, c.base == "year":
		return "CAST(", " AS UNSIGNED)"
	}
	return "", ""
}

// ignoresBlanks reports whether blanks before a text are nothing to the column.
func (c *column) ignoresBlanks() bool {
	switch c.class {
	case integer, decimal, bits, date, datetime, moment, clock:
		return true
	}
	return false
}

// large reports whether the column is of TEXT, BLOB or a spatial type, which MariaDB's tables in memory don't hold.
func (c *column) large() bool {
	switch c.class {
	case text:
		return strings.HasSuffix(c.base, "text")
	case binary:
		return c.base != "binary" && c.base != "varbinary"
	}
	return false
}

// equalDiffer reports whether equal values of the column can differ: in case, in accents, in blanks at the end, in a zero's sign.
func (c *column) equalDiffer() bool { return c.class == text || c.class == float }
