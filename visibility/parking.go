package visibility

import (
	"maps"
	"slices"

	"bridge/change"
)

// Parking is what bridge.parked holds, by all that may concern it. It isn't safe for concurrent use.
type Parking struct {
	rows map[change.Key]*lot
	held map[Value]map[change.Key]*lot // by what they hold, name and offer
	// kinds counts the values that rows hold, name and offer by what they're of: Values without a Form.
	kinds map[Value]int
	// watched are the rows, and the tables, of which a change may let a parked row be shown.
	watched map[change.Key]map[change.Key]bool
	wide    map[change.TableName]map[change.Key]bool
}

// lot is a parked row in its place.
type lot struct {
	Parked
	marks    Marks
	blockers []change.Key
	tables   []change.TableName
}

// NewParking makes an empty one.
func NewParking() *Parking {
	return &Parking{
		rows: map[change.Key]*lot{}, held: map[Value]map[change.Key]*lot{}, kinds: map[Value]int{},
		watched: map[change.Key]map[change.Key]bool{}, wide: map[change.TableName]map[change.Key]bool{},
	}
}

// Put parks a row, in place of the one with its key. A change of one of blockers, or of any row of tables, may let it be shown.
func (p *Parking) Put(row Parked, marks Marks, blockers []change.Key, tables []change.TableName) {
	p.Remove(row.Key)
	l := &lot{row, marks, blockers, tables}
	p.rows[row.Key] = l
	for v := range marks.all {
		put(p.held, v, row.Key, l)
		p.kinds[v.kind()]++
	}
	for _, b := range blockers {
		put(p.watched, b, row.Key, true)
	}
	for _, t := range tables {
		put(p.wide, t, row.Key, true)
	}
}

func put[K, J comparable, V any](m map[K]map[J]V, k K, j J, v V) {
	if m[k] == nil {
		m[k] = map[J]V{}
	}
	m[k][j] = v
}

func remove[K, J comparable, V any](m map[K]map[J]V, k K, j J) {
	if delete(m[k], j); len(m[k]) == 0 {
		delete(m, k)
	}
}

// Remove takes a row away.
func (p *Parking) Remove(key change.Key) {
	l := p.rows[key]
	if l == nil {
		return
	}
	delete(p.rows, key)
	for v := range l.marks.all {
		remove(p.held, v, key)
		if of := v.kind(); p.kinds[of] > 1 {
			p.kinds[of]--
		} else {
			delete(p.kinds, of)
		}
	}
	for _, b := range l.blockers {
		remove(p.watched, b, key)
	}
	for _, t := range l.tables {
		remove(p.wide, t, key)
	}
}

// kind is what a value is of.
func (v Value) kind() Value { return Value{Table: v.Table, Kind: v.Kind, Index: v.Index} }

// all are the values that there are.
func (m *Marks) all(yield func(Value) bool) {
	for _, list := range [...][]Value{m.Holds, m.Names, m.Offers} {
		for _, v := range list {
			if v.Has() && !yield(v) {
				return
			}
		}
	}
}

// Len is how many rows are parked.
func (p *Parking) Len() int { return len(p.rows) }

// Get is the parked row of a key, nil if there's none.
func (p *Parking) Get(key change.Key) *Parked {
	if l := p.rows[key]; l != nil {
		return &l.Parked
	}
	return nil
}

// MarksOf are the values of a parked row.
func (p *Parking) MarksOf(key change.Key) Marks {
	if l := p.rows[key]; l != nil {
		return l.marks
	}
	return Marks{}
}

// Keys are the keys of all parked rows, sorted.
func (p *Parking) Keys() []change.Key { return sorted(maps.Keys(p.rows)) }

// With are the parked rows that hold, name or offer a value, sorted.
func (p *Parking) With(v Value) []change.Key { return sorted(maps.Keys(p.held[v])) }

// Meets reports whether a row of a table can have a value which a parked row has.
func (p *Parking) Meets(t *Table) bool {
	if len(p.kinds) == 0 {
		return false
	}
	has := func(table change.TableName, of ValueKind, i int) bool {
		return p.kinds[Value{Table: table, Kind: of, Index: i}] > 0
	}
	for i := range t.Unique {
		if has(t.Shape.TableName, OfUnique, i) {
			return true
		}
	}
	for i := range t.Foreign {
		if f := &t.Foreign[i]; has(f.Parent, OfReferred, f.Refers) {
			return true
		}
	}
	for i := range t.Referred {
		if has(t.Shape.TableName, OfReferred, i) {
			return true
		}
	}
	return false
}

// Watching are the parked rows in whose way a row was.
func (p *Parking) Watching(key change.Key) []change.Key { return sorted(maps.Keys(p.watched[key])) }

// Concerned are the parked rows that a change of a row may concern: its own, and those in whose way it was.
func (p *Parking) Concerned(key change.Key) []change.Key {
	if len(p.rows) == 0 {
		return nil
	}
	all := maps.Clone(p.watched[key])
	if all == nil {
		all = map[change.Key]bool{}
	}
	maps.Copy(all, p.wide[key.Table])
	if key.Row == "" { // the whole table
		for b := range p.watched {
			if b.Table == key.Table {
				maps.Copy(all, p.watched[b])
			}
		}
		for k := range p.rows {
			all[k] = all[k] || k.Table == key.Table
		}
		maps.DeleteFunc(all, func(_ change.Key, is bool) bool { return !is })
	}
	if p.rows[key] != nil {
		all[key] = true
	}
	return sorted(maps.Keys(all))
}

func sorted(keys func(func(change.Key) bool)) []change.Key {
	return slices.SortedFunc(keys, compareKeys)
}
