package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"bridge/change"
	"bridge/visibility"
)

// constraints are the keys that a schedule's tables have.
type constraints struct {
	uniques int // unique columns of each table, 0 to 2
	values  int // that are written there
	foreign []foreignKey
	cascade bool    // an application that deletes a parent deletes its children; else it may not
	nulls   [2]bool // NULLs are equal in a unique column
	check   bool    // the number that's counted isn't below zero
	policies
}

func (c constraints) any() bool { return c.uniques > 0 || len(c.foreign) > 0 || c.check }

// checkName names the check in bridge.parked.
const checkName = "n_check"

// fits reports whether a row satisfies the check.
func (c constraints) fits(image change.Image) bool {
	if !c.check || image == nil {
		return true
	}
	text, _ := image[countColumn].Text()
	return !strings.HasPrefix(text, "-")
}

func (c constraints) String() string {
	if !c.any() {
		return "no constraints"
	}
	return fmt.Sprintf("%d unique columns of %d values, losers %v, NULLs equal %v, foreign %v (cascade %t), check %t",
		c.uniques, c.values, c.losers, c.nulls, c.foreign, c.cascade, c.check)
}

func drawConstraints(rng *rand.Rand) (c constraints) {
	if rng.IntN(2) == 0 {
		return c
	}
	c.uniques, c.values = rng.IntN(3), 1+rng.IntN(5)
	if c.cascade = rng.IntN(2) == 0; rng.IntN(2) == 0 {
		c.foreign = drawForeign(rng)
	}
	c.policies = drawPolicies(rng)
	c.nulls = [2]bool{rng.IntN(4) == 0, rng.IntN(4) == 0}
	c.check = rng.IntN(3) == 0
	return c
}

// firstUnique is the place of the first unique column.
const firstUnique = 4

func (c constraints) columns() []change.Column {
	if !c.any() {
		return nil
	}
	return []change.Column{{Name: "u", Type: "text"}, {Name: "w", Type: "text"}, {Name: foreignColumns[parentColumn], Type: "integer"}, {Name: foreignColumns[upColumn], Type: "integer"}}
}

// catalog is what a region reads of its database, without policies.
func (w *world) catalog() visibility.Catalog {
	c := w.plan.constraints
	if !c.any() {
		return nil
	}
	catalog := visibility.Catalog{}
	for i, t := range w.tables {
		known := &visibility.Table{Shape: t}
		for u := range c.uniques {
			name := t.Columns[firstUnique+u].Name
			known.Unique = append(known.Unique, visibility.Unique{Name: name, Columns: []string{name}, NullsEqual: c.nulls[u]})
		}
		for _, k := range c.foreign {
			if k.parent == i {
				known.Refer([]string{"id"})
			}
			if k.child == i {
				known.Foreign = append(known.Foreign, visibility.Foreign{Name: k.name(), Columns: []string{k.name()}, Parent: w.tables[k.parent].TableName})
			}
		}
		catalog[t.TableName] = known
	}
	return catalog
}

// forms are the model's: equal texts are equal values.
type forms struct{}

func (forms) Form(_ context.Context, _ change.TableName, _, text string) (string, error) {
	return text, nil
}

// held is a unique value.
type held struct {
	table  change.TableName
	column int
	value  string
}

// holds are the unique values of a row.
func (w *world) holds(key change.Key, image change.Image) (out []held) {
	if image == nil {
		return nil
	}
	for u := range w.plan.constraints.uniques {
		if v, ok := w.holding(firstUnique+u, image[firstUnique+u]); ok {
			out = append(out, held{key.Table, firstUnique + u, v})
		}
	}
	return out
}

// holding is what a value takes of a unique column.
func (w *world) holding(column int, v change.Value) (string, bool) {
	if v.IsNull() && w.plan.constraints.nulls[column-firstUnique] {
		return "NULL", true
	}
	return v.Text()
}

// mayHold reports whether the row may be as image says: wait says that another transaction must end first, taken that another
// row has one of its values.
func (s *session) mayHold(key change.Key, image change.Image) (taken, wait bool) {
	w := s.db.world
	for _, v := range w.holds(key, image) {
		for _, o := range s.db.sessions {
			if o != s && o.values[v] {
				return false, true
			}
		}
		for other := range s.db.rows {
			taken = taken || other != key && s.shows(other, v)
		}
		for _, e := range s.effects {
			taken = taken || e.key != key && s.shows(e.key, v)
		}
	}
	return taken, false
}

func (s *session) shows(key change.Key, v held) bool {
	row := s.row(key)
	if key.Table != v.table || row == nil {
		return false
	}
	text, ok := s.db.world.holding(v.column, row[v.column])
	return ok && text == v.value
}

// uniqueValue is a value for a unique column that the application may write now: NULL where it may not.
func (o *open) uniqueValue(w *world, key change.Key, column int) change.Value {
	v := change.Text(fmt.Sprintf("k%d", w.rng.IntN(w.plan.constraints.values)))
	switch w.rng.IntN(8) {
	case 0, 1:
		v = change.Null
	case 2:
		v = w.shownValue(column, v)
	}
	image := make(change.Image, len(w.tables[0].Columns)) // of nothing else
	image[column] = v
	if taken, wait := o.session.mayHold(key, image); taken || wait {
		return w.free(column)
	}
	return v
}

// free is a value that no row has.
func (w *world) free(column int) change.Value {
	if !w.plan.constraints.nulls[column-firstUnique] {
		return change.Null
	}
	w.values++
	return change.Text(fmt.Sprintf("f%d", w.values))
}

// shownValue is what some region shows in a column, if it's not NULL: perhaps what a row that lost its own value was renamed to.
func (w *world) shownValue(column int, otherwise change.Value) change.Value {
	db := w.regions[w.rng.IntN(len(w.regions))].db
	keys := w.keys()
	row := db.rows[keys[w.rng.IntN(len(keys))]]
	if row == nil || row[column].IsNull() {
		return otherwise
	}
	return row[column]
}

// constrain fills the columns that constraints are on: all of an insert, now and then one of an update.
func (r *region) constrain(o *open, key change.Key, image change.Image, isInsert bool) {
	w := r.world
	c := w.plan.constraints
	if !c.any() {
		return
	}
	for u := range c.uniques {
		if isInsert || w.rng.IntN(3) == 0 {
			image[firstUnique+u] = o.uniqueValue(w, key, firstUnique+u)
		}
	}
	for _, k := range w.foreignOf(key.Table) {
		if isInsert || w.rng.IntN(3) == 0 {
			image[k.column] = o.parentValue(w, k)
		}
	}
}

// find is [apply.Session]'s Find: wait says that a row is locked by another.
func (s *session) find(l *visibility.Lookup) (rows []visibility.Row, wait bool) {
	t := l.Table.Shape
	if !s.mayTouch(t.TableName) {
		return nil, true
	}
	s.touched[t.TableName] = true
	for _, key := range s.db.world.keys() {
		image := s.row(key)
		if key.Table != t.TableName || image == nil {
			continue
		}
		row := visibility.Row{Key: key, Table: t, Image: image}
		values, ok := row.Values(l.Columns)
		if l.Unique != nil {
			values, ok = row.All(l.Columns)
		}
		if !ok || !containsTuple(l.Values, values) {
			continue
		}
		may := s.mayLock
		switch {
		case l.Held:
			may = s.mayShare
		case l.Parents:
			may = s.mayKeep
		}
		if !may(key) {
			return nil, true
		}
		rows = append(rows, row)
	}
	for _, row := range rows {
		if l.Held {
			s.shared[row.Key] = true
			continue
		}
		s.kept[row.Key] = true
		s.locked[row.Key] = s.locked[row.Key] || !l.Parents
	}
	return rows, false
}

func containsTuple(tuples [][]change.Value, values []change.Value) bool {
	for _, tuple := range tuples {
		same := len(tuple) == len(values)
		for i := range tuple {
			same = same && tuple[i] == values[i]
		}
		if same {
			return true
		}
	}
	return false
}
