package main

import (
	"bytes"
	"encoding/json"

	"bridge/change"
)

func vectorLine(v change.Vector, self change.Origin) map[string]uint64 {
	out := make(map[string]uint64, len(v))
	for _, e := range v {
		if e.Origin != self {
			out[string(e.Origin)] = e.Seq
		}
	}
	return out
}

// columns are a row's values by column, in the table's order.
type columns []column

type column struct {
	name  string
	value *string // nil is NULL
}

func imageLine(t *change.Table, r change.Image) (out columns) {
	for i, v := range r {
		if v.IsAbsent() {
			continue
		}
		c := column{name: t.Columns[i].Name}
		if text, ok := v.Text(); ok {
			c.value = &text
		}
		out = append(out, c)
	}
	return out
}

// MarshalJSON is an object whose members are in the columns' order.
func (c columns) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i := range c {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(c[i].name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(c[i].value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// text is the value for people.
func (c *column) text() string {
	if c.value == nil {
		return "NULL"
	}
	return shown(change.Text(*c.value))
}
