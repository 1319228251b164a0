package compare

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"

	"bridge/change"
	"bridge/value"
)

// Forms take one region's rows to what is compared across engines: forms that are equal where replication would
// hold the values to be.
//
// Of each column one region's type is the common one. A value goes there by its plan, and then gets its normal
// form (value.Canonical). A value that the common type can't hold is equal to none that it can.
//
// Forms are used by one goroutine at a time.
type Forms struct {
	table   change.TableName
	columns []columnForm // as Selection.Columns
	key     []int        // where the key's columns are among them
	// keys make the key's forms; nil if that is for the region to do.
	keys []change.Normalize
	// carry takes the key's texts to those of another region.
	carry map[string][]*value.Plan

	hash hash.Hash
	text []byte
}

// columnForm is how one column's texts become what is compared.
type columnForm struct {
	name   string
	plan   *value.Plan      // to the common type
	normal change.Normalize // of the common type, or nil
	own    change.Normalize // of this region's, for values that don't go over
}

// ServerKeys says that what keys are equal is for the region's server to tell, by collations: every region is of MySQL
// or MariaDB. The region puts the forms into [Row.Key] then; [Forms.Row] leaves its own texts there.
func (f *Forms) ServerKeys() bool { return f.keys == nil }

// What a column's part of a hash begins with.
const (
	isNull byte = iota
	isCommon
	isUnfit
)

// Row is a row of the region, given its values in the order of [Selection.Columns] and in the text that capture
// would give them.
func (f *Forms) Row(values change.Image) (Row, error) {
	r := Row{Own: make([]string, len(f.key))}
	for i, c := range f.key {
		var ok bool
		if r.Own[i], ok = values[c].Text(); !ok {
			return r, fmt.Errorf("table %s: key column %q is NULL", f.table, f.columns[c].name)
		}
	}
	r.Key = r.Own
	if f.keys != nil {
		r.Key = slices.Clone(r.Own)
		for i, form := range f.keys {
			if form != nil {
				r.Key[i] = form(r.Key[i])
			}
		}
	}
	b := f.text[:0]
	for i := range f.columns {
		var err error
		if b, err = f.columns[i].append(b, values[i]); err != nil {
			return r, fmt.Errorf("table %s, key (%s): %w", f.table, joined(r.Own), err)
		}
	}
	f.text = b
	f.hash.Reset()
	f.hash.Write(b)
	r.Hash = string(f.hash.Sum(nil))
	return r, nil
}

// append writes a value so that no two values are written alike, whatever follows.
func (c *columnForm) append(b []byte, v change.Value) ([]byte, error) {
	text, ok := v.Text()
	if !ok {
		return append(b, isNull), nil
	}
	kind := isCommon
	carried, err := c.plan.Apply(text)
	switch {
	case errors.Is(err, value.ErrUnfit):
		kind = isUnfit
		if c.own != nil {
			text = c.own(text)
		}
	case err != nil:
		return b, fmt.Errorf("column %q: %w", c.name, err)
	default:
		if text, ok = carried.Text(); !ok {
			return append(b, isNull), nil
		}
		if c.normal != nil {
			text = c.normal(text)
		}
	}
	b = append(b, kind)
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...), nil
}

// carryKey is a key of this region in another's texts; false when that one can't hold it.
func (f *Forms) carryKey(to string, own []string) ([]string, bool) {
	if f == nil {
		return own, true
	}
	out := make([]string, len(own))
	for i, plan := range f.carry[to] {
		v, err := plan.Apply(own[i])
		text, ok := v.Text()
		if err != nil || !ok {
			return nil, false
		}
		out[i] = text
	}
	return out, true
}

// commonType chooses among the regions' columns the one in whose type all are compared, and plans the ways there. It's
// one that plans lose something on the way to, if there's one: what's there after replication is what went over,
// and the way back wouldn't give what was sent. Otherwise it's the widest.
func commonType(columns []*Column) (common int, plans []*value.Plan, err error) {
	best := 0
	for i, to := range columns {
		here, score, refused := plansTo(to, columns)
		if refused != nil {
			err = refused
		} else if plans == nil || score < best {
			common, plans, best = i, here, score
		}
	}
	if plans != nil {
		err = nil
	}
	return common, plans, err
}

// plansTo plans the ways to a column. The score is low where values are lost, else it says how many kinds don't fit.
func plansTo(to *Column, columns []*Column) (plans []*value.Plan, score int, err error) {
	const lossy = -1000
	for _, from := range columns {
		plan, err := value.NewPlan(from.Value, to.Value, to.Policy)
		if err != nil {
			return nil, 0, err
		}
		score += len(plan.Limits())
		if plan.Lossy() {
			score += lossy
		}
		plans = append(plans, plan)
	}
	return plans, score, nil
}

// newForms are the forms of all regions of tables, in the order of both. It drops the columns from the selection that have
// no type in common. It's nil when key columns have none.
func newForms(s *Selection, regions []string, tables []*Table) map[string]*Forms {
	out := map[string]*Forms{}
	all := make([]*Forms, len(tables))
	for i := range tables {
		all[i] = &Forms{table: s.TableName, carry: map[string][]*value.Plan{}, hash: sha256.New()}
		out[regions[i]] = all[i]
	}
	s.Columns = slices.DeleteFunc(s.Columns, func(name string) bool { return !addColumn(all, tables, name) })
	for _, name := range s.Key {
		at := slices.Index(s.Columns, name)
		if at < 0 {
			return nil
		}
		for i, f := range all {
			f.key = append(f.key, at)
			own := tables[i].column(name).Value
			for j, t := range tables {
				plan, err := value.NewPlan(own, t.column(name).Value, value.RefuseValue)
				if err != nil {
					return nil
				}
				f.carry[regions[j]] = append(f.carry[regions[j]], plan)
			}
		}
		if !across(tables) {
			continue
		}
		forms, err := keyForms(tables, name)
		if err != nil {
			return nil
		}
		for i, f := range all {
			f.keys = append(f.keys, forms[i])
		}
	}
	return out
}

// addColumn adds a column to all regions' forms; false when its types have none in common.
func addColumn(all []*Forms, tables []*Table, name string) bool {
	columns := make([]*Column, len(tables))
	for i, t := range tables {
		columns[i] = t.column(name)
	}
	common, plans, err := commonType(columns)
	if err != nil {
		return false
	}
	normal := value.Canonical(columns[common].Value)
	for i, f := range all {
		f.columns = append(f.columns, columnForm{name, plans[i], normal, value.Canonical(columns[i].Value)})
	}
	return true
}

// across reports whether PostgreSQL is among the engines, and another, too: keys have forms of their own then.
func across(tables []*Table) bool {
	postgres, other := false, false
	for _, t := range tables {
		postgres = postgres || t.Engine == value.Postgres
		other = other || t.Engine != value.Postgres
	}
	return postgres && other
}

// keyForms are a key column's, by table, as capture has them in such a mesh.
func keyForms(tables []*Table, name string) ([]change.Normalize, error) {
	types := make([]value.Type, len(tables))
	for i, t := range tables {
		types[i] = t.column(name).Value
	}
	out := make([]change.Normalize, len(types))
	for i := range types {
		var err error
		if out[i], err = value.KeyForm(types[i], append(slices.Clone(types[:i]), types[i+1:]...)...); err != nil {
			return nil, err
		}
	}
	return out, nil
}
