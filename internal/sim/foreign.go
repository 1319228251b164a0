package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"bridge/change"
)

// foreignKey is one of a schedule's foreign keys: a column of one table names rows of another, or of its own, by their ids.
type foreignKey struct {
	index         int // among the schedule's
	child, parent int // which tables
	column        int
}

// The columns that name parents.
const (
	parentColumn = 6
	upColumn     = 7
)

var foreignColumns = map[int]string{parentColumn: "parent", upColumn: "up"}

func (k foreignKey) name() string { return foreignColumns[k.column] }

func (k foreignKey) String() string { return fmt.Sprintf("%d.%s of %d", k.child, k.name(), k.parent) }

// family is the plain case: rows of the second table name rows of the first.
func family() []foreignKey { return []foreignKey{{0, 1, 0, parentColumn}} }

// drawForeign draws foreign keys: the plain one, and now and then children of children, and parents that name their children, or each other.
func drawForeign(rng *rand.Rand) []foreignKey {
	keys := family()
	if rng.IntN(3) == 0 {
		keys = append(keys, foreignKey{len(keys), 1, 1, upColumn})
	}
	if rng.IntN(4) == 0 {
		keys = append(keys, foreignKey{len(keys), 0, rng.IntN(2), parentColumn})
	}
	return keys
}

// foreignOf are the foreign keys of a table.
func (w *world) foreignOf(name change.TableName) (keys []foreignKey) {
	for _, k := range w.plan.constraints.foreign {
		if w.tables[k.child].TableName == name {
			keys = append(keys, k)
		}
	}
	return keys
}

// parentOf is the key of the row that a child names.
func (w *world) parentOf(k foreignKey, image change.Image) (change.Key, bool) {
	if image == nil {
		return change.Key{}, false
	}
	text, ok := image[k.column].Text()
	if !ok {
		return change.Key{}, false
	}
	return keyOf(w.tables[k.parent], number(text)), true
}

func number(text string) (id int) {
	fmt.Sscan(text, &id) //nolint:errcheck // the model wrote it
	return id
}

// parentsOf are the keys of the rows that a row names.
func (w *world) parentsOf(key change.Key, image change.Image) (parents []change.Key) {
	for _, k := range w.foreignOf(key.Table) {
		if parent, ok := w.parentOf(k, image); ok {
			parents = append(parents, parent)
		}
	}
	return parents
}

func (w *world) tableNamed(name change.TableName) *change.Table {
	return w.tables[slices.IndexFunc(w.tables, func(t *change.Table) bool { return t.TableName == name })]
}

// descendants are the rows that name a row, those that name them, and so on, as the session sees them.
func (s *session) descendants(of change.Key) (keys []change.Key) {
	w := s.db.world
	known := []change.Key{of}
	for i := 0; i < len(known); i++ {
		for _, key := range w.keys() {
			if !slices.Contains(known, key) && slices.Contains(w.parentsOf(key, s.row(key)), known[i]) {
				known = append(known, key)
			}
		}
	}
	return known[1:]
}

// parentValue names a parent that is there: the application locks it against others' deletes.
func (o *open) parentValue(w *world, k foreignKey) change.Value {
	parent := keyOf(w.tables[k.parent], w.rng.IntN(w.plan.keys))
	if w.rng.IntN(4) == 0 || o.session.row(parent) == nil || !o.session.mayShare(parent) {
		return change.Null
	}
	o.session.shared[parent] = true
	return change.Text(idOf(parent))
}

// deletes deletes a row and, where that cascades, its children and theirs; a parent that has children stays otherwise.
func (r *region) deletes(o *open, t *change.Table, key change.Key, row change.Image) {
	c := r.world.plan.constraints
	children := o.session.descendants(key)
	for _, child := range children {
		if !c.cascade || !o.session.mayLock(child) {
			return
		}
	}
	if len(c.foreign) > 0 && (!o.session.mayLock(key) || slices.ContainsFunc(r.world.tables, func(t *change.Table) bool { return !o.session.mayTouch(t.TableName) })) {
		return
	}
	for _, child := range slices.Backward(children) {
		r.change(o, r.world.tableNamed(child.Table), change.Delete, child, o.session.row(child), nil)
	}
	r.change(o, t, change.Delete, key, row, nil)
}

// families are a table, those whose rows name rows of it, and so on.
func (w *world) families(t *change.Table) []*change.Table {
	all := []*change.Table{t}
	for i := 0; i < len(all); i++ {
		for _, k := range w.plan.constraints.foreign {
			if child := w.tables[k.child]; w.tables[k.parent] == all[i] && !slices.Contains(all, child) {
				all = append(all, child)
			}
		}
	}
	return all
}

// unnamed reports whether no row of another table, shown or hidden, names a row of this one.
func (r *region) unnamed(o *open, t *change.Table) bool {
	w := r.world
	for _, key := range w.keys() {
		of := append(w.parentsOf(key, o.session.row(key)), w.parentsOf(key, r.db.parked[key].Image)...)
		if key.Table != t.TableName && slices.ContainsFunc(of, func(p change.Key) bool { return p.Table == t.TableName }) {
			return false
		}
	}
	return true
}
