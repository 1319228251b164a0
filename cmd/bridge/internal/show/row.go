package show

import (
	"bytes"
	"encoding/json"

	"bridge/change"
)

// Columns are a row's values by column, in the table's order.
type Columns []Column

// Column is one value of a row.
type Column struct {
	Name  string
	Value *string // nil is NULL
}

// Row is an image's columns, but for those that the log didn't carry.
func Row(t *change.Table, r change.Image) (out Columns) {
	for i, v := range r {
		if v.IsAbsent() {
			continue
		}
		c := Column{Name: t.Columns[i].Name}
		if text, ok := v.Text(); ok {
			c.Value = &text
		}
		out = append(out, c)
	}
	return out
}

// MarshalJSON is an object whose members are in the columns' order.
func (c Columns) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i := range c {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(c[i].Name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(c[i].Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Text is the value for people.
func (c *Column) Text() string {
	if c.Value == nil {
		return "NULL"
	}
	return Value(change.Text(*c.Value))
}
