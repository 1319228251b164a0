package conflict

import (
	"strings"

	"bridge/change"
)

// Merge names how a column's concurrent changes come together.
type Merge uint8

// The ways to merge a column. All but Assign turn into assignments, the latest of which stands, where a change begins
// or ends with NULL or with a text that isn't of the column's kind.
const (
	Assign     Merge = iota // the latest change stands
	Counter                 // differences add up: exact decimals
	Max                     // a change to more stands against less; one to less is an assignment
	Min                     // the same, the other way round
	Set                     // members are added and removed one by one
	Map                     // the members of JSON objects are assigned and removed one by one, nested ones too
	Append                  // what was appended stands in the order of the operations
	Text                    // the latest change stands until one region has merged the texts, and written that
	Expression              // the same with a value that an expression computes of both
	Manual                  // the latest change stands, and the case waits for a person
)

var mergeNames = [...]string{"last_write_wins", "counter", "max", "min", "set", "map", "append", "text", "expression", "manual"}

// computed says that one region computes the value afterwards.
func (m Merge) computed() bool { return m == Text || m == Expression }

// Computed reports whether column name's versions are merged in one region, and the merged value replicated as a new write.
func (r *Rule) Computed(name string) bool { return r != nil && r.Columns[name].Merge.computed() }

// Computes reports whether a column is so.
func (r *Rule) Computes() bool {
	for name := range r.Columns {
		if r.Computed(name) {
			return true
		}
	}
	return false
}

// String is the name in the configuration.
func (m Merge) String() string { return mergeNames[m] }

// ParseMerge is the other way round.
func ParseMerge(name string) (Merge, bool) {
	for m, n := range mergeNames {
		if n == name {
			return Merge(m), true
		}
	}
	return 0, false
}

// Column is how a column is merged.
type Column struct {
	Merge Merge
	// Separator divides the members of a set, or the elements appended, in columns of text. Empty is for text that's
	// appended as it is, and for types that have elements.
	Separator string
	// JSON says that a text to which something is appended is a JSON array: MariaDB's JSON columns are text to their log.
	JSON bool
	// Reset is a value whose writing is an assignment to a counter, not a difference: "0" for those that start anew.
	Reset *string
}

// merger is nil for Assign. typeName is the column's type as [change.Column] has it.
func (c Column) merger(typeName string) merger {
	switch c.Merge {
	case Counter:
		return counter{c.Reset}
	case Max:
		return extreme{+1}
	case Min:
		return extreme{-1}
	case Set:
		return set{c.list(typeName)}
	case Map:
		return document{}
	case Append:
		if l := c.list(typeName); l != nil {
			return appendList{l}
		}
		return appendText{}
	}
	return nil
}

// list is how a value of the column is a list; nil when it's none. MariaDB's JSON is text.
func (c Column) list(typeName string) list {
	switch {
	case strings.HasSuffix(typeName, "[]"):
		return arrayList{}
	case typeName == "set":
		return separated(",")
	case c.Separator != "":
		return separated(c.Separator)
	case typeName == "json" || typeName == "jsonb" || isText(typeName) && (c.Merge == Set || c.JSON):
		return jsonList{}
	}
	return nil
}

// Suits says why a column of a type can't be merged so; "" when it can.
func (c Column) Suits(typeName string) string {
	switch {
	case c.Merge == Counter && !isExact(typeName):
		return "a counter must be an integer or a decimal: sums of floating-point numbers depend on their order"
	case c.Merge == Set && c.list(typeName) == nil:
		return "a set must be an array, a JSON array, a MySQL SET, or text with a separator"
	case c.Merge == Map && typeName != "json" && typeName != "jsonb" && !isText(typeName):
		return "a map must be JSON"
	case c.Merge == Text && !isText(typeName):
		return "only text can be merged as text"
	case c.Merge == Append && c.list(typeName) == nil && !isText(typeName):
		return "only text and lists can be appended to"
	case c.Separator != "" && !isText(typeName):
		return "a separator is for text"
	case c.JSON && c.list(typeName) == nil:
		return "it can't hold JSON"
	}
	return ""
}

// isExact knows the exact numbers of all engines.
func isExact(typeName string) bool {
	switch strings.TrimSuffix(typeName, " unsigned") {
	case "smallint", "integer", "bigint", "numeric", "decimal", "tinyint", "mediumint", "int":
		return true
	}
	return false
}

func isText(typeName string) bool {
	return strings.HasSuffix(typeName, "text") || strings.HasPrefix(typeName, "char") || strings.HasPrefix(typeName, "varchar")
}

// texts are the texts of two values that are not NULL.
func texts(a, b change.Value) (x, y string) {
	x, _ = a.Text()
	y, _ = b.Text()
	return x, y
}
