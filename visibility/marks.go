package visibility

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"bridge/change"
)

// Value is what rows meet by: a value of a unique key, or of columns that foreign keys refer to, in its form.
type Value struct {
	Table change.TableName // whose key it is: of a reference the parent's
	Kind  ValueKind
	Index int // in Table's Unique or Referred
	Form  string
}

// ValueKind is the kind of a [Value].
type ValueKind uint8

// The kinds of values.
const (
	OfUnique   ValueKind = iota + 1 // of a unique key: one row shows it
	OfReferred                      // of columns that are referred to: a parent offers it, its children name it
)

// Marks are the values of one row. None has a Form where a column is NULL.
type Marks struct {
	Holds  []Value // by Table.Unique
	Names  []Value // by Table.Foreign
	Offers []Value // by Table.Referred
}

// Has reports whether v is a value, not the lack of one.
func (v Value) Has() bool { return v.Form != "" }

// Mark finds a row's values. A column that the row doesn't have makes none.
func Mark(ctx context.Context, forms Forms, t *Table, r *Row) (m Marks, err error) {
	for i := range t.Unique {
		v := Value{Table: r.Key.Table, Kind: OfUnique, Index: i}
		if v.Form, err = t.Unique[i].form(ctx, forms, r); err != nil {
			return m, err
		}
		m.Holds = append(m.Holds, v)
	}
	for i := range t.Foreign {
		f := &t.Foreign[i]
		v := Value{Table: f.Parent, Kind: OfReferred, Index: f.Refers}
		if v.Form, err = form(ctx, forms, r, f.Columns, false); err != nil {
			return m, err
		}
		m.Names = append(m.Names, v)
	}
	for i, columns := range t.Referred {
		v := Value{Table: r.Key.Table, Kind: OfReferred, Index: i}
		if v.Form, err = form(ctx, forms, r, columns, false); err != nil {
			return m, err
		}
		m.Offers = append(m.Offers, v)
	}
	return m, nil
}

// form is what a row takes of the key; empty where it takes nothing.
func (u *Unique) form(ctx context.Context, forms Forms, r *Row) (string, error) {
	if !u.Computed {
		return form(ctx, forms, r, u.Columns, u.NullsEqual)
	}
	values, ok := r.All(u.Columns)
	if !ok {
		return "", nil
	}
	return forms.(Computing).Place(ctx, r.Key.Table, u.Name, values)
}

// form is the form of a row's values of columns; empty where one is NULL, if those don't count, or absent.
func form(ctx context.Context, forms Forms, r *Row, columns []string, nulls bool) (string, error) {
	formed := make([]change.Value, len(columns))
	for n, c := range columns {
		v := r.value(c)
		text, ok := v.Text()
		switch {
		case ok:
			f, err := forms.Form(ctx, r.Key.Table, c, text)
			if err != nil {
				return "", fmt.Errorf("table %s, column %s: %w", r.Key.Table, c, err)
			}
			formed[n] = change.Text(f)
		case v.IsNull() && nulls:
			formed[n] = v
		default:
			return "", nil
		}
	}
	return Joined(formed), nil
}

// KeyOf is the key of the row that offers v, if v is of the columns that name the table's rows.
func (t *Table) KeyOf(v Value) (change.Key, bool) {
	columns := t.Referred[v.Index]
	if len(columns) != len(t.Shape.Keys) {
		return change.Key{}, false
	}
	image := make(change.Image, len(t.Shape.Columns))
	rest := []byte(v.Form)
	for _, c := range columns {
		n, w := binary.Uvarint(rest)
		text := string(rest[w : w+int(n)-1])
		rest = rest[w+int(n)-1:]
		i := slices.IndexFunc(t.Shape.Columns, func(of change.Column) bool { return of.Name == c })
		if i < 0 || !t.Shape.Columns[i].Key {
			return change.Key{}, false
		}
		image[i] = change.Text(text)
	}
	key, err := change.KeyOf(t.Shape, image, nil)
	return key, err == nil
}
