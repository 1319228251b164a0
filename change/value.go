package change

// Value is one column's value in an [Image]: absent, NULL, or text in the origin engine's own output
// format (PostgreSQL's with ISO dates, hex bytea, shortest exact floats, UTC). Text is what both
// sides of an engine agree on bit for bit; other engines map it by the column's type.
type Value struct {
	state valueState
	text  string
}

type valueState uint8

const (
	stateAbsent valueState = iota
	stateNull
	stateText
)

// Absent is a column that the log doesn't carry (an unchanged TOAST value). An image that lacks a
// column doesn't assign it. Absent is the zero Value, so that a forgotten column is never a NULL.
var Absent = Value{}

// Null is SQL's NULL.
var Null = Value{state: stateNull}

// Text is a value in its text form; the empty string is a value.
func Text(s string) Value { return Value{stateText, s} }

// IsAbsent reports whether the log didn't carry the column.
func (v Value) IsAbsent() bool { return v.state == stateAbsent }

// IsNull reports whether the value is NULL.
func (v Value) IsNull() bool { return v.state == stateNull }

// Text is the value's text, and false when it's NULL or absent.
func (v Value) Text() (string, bool) { return v.text, v.state == stateText }

// Image is a row's values in the order of its [Table]'s columns; nil where there is no row.
type Image []Value

// Complete reports whether no column is absent.
func (r Image) Complete() bool {
	for i := range r {
		if r[i].IsAbsent() {
			return false
		}
	}
	return true
}

// Over lays r over base: r's columns, and base's where r lacks one. Either may be returned as is.
func (r Image) Over(base Image) Image {
	if base == nil || r.Complete() {
		return r
	}
	out := make(Image, len(r))
	copy(out, r)
	for i := range out {
		if out[i].IsAbsent() && i < len(base) {
			out[i] = base[i]
		}
	}
	return out
}
