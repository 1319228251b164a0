package apply

import (
	"context"
	"slices"

	"bridge/change"
	"bridge/history"
	"bridge/visibility"
)

// References are the parents that a batch's rows name, and the tables with constraints that it truncates.
type References []reference

// reference is a parent that an operation names: its key, or, with an empty Row, some row of the table. Of a truncate it's the table.
type reference struct {
	tag    *change.Tag
	parent change.Key
	// family are the truncated table, and those whose rows name rows of it; nil of a reference to a parent.
	family []change.TableName
}

// References are those of a batch whose tables have constraints.
func (w *Watch) References(ctx context.Context, b *Batch) (refs References, err error) {
	if !w.foreign && !b.truncates {
		return nil, nil
	}
	for _, r := range b.rows {
		t := w.catalog[r.key.Table]
		if t == nil {
			continue
		}
		if r.key.Row == "" {
			refs = append(refs, reference{tag: r.ops[0].tag, parent: r.key, family: w.catalog.Family(r.key.Table)})
			continue
		}
		if len(t.Foreign) == 0 {
			continue
		}
		for _, in := range r.ops {
			if in.op.New == nil {
				continue
			}
			if refs, err = w.names(ctx, refs, t, in); err != nil {
				return nil, err
			}
		}
	}
	return refs, nil
}

// names adds the parents that an operation's row names.
func (w *Watch) names(ctx context.Context, refs References, t *visibility.Table, in incoming) (References, error) {
	m, err := visibility.Mark(ctx, w.forms, t, &visibility.Row{Key: in.op.Key, Table: in.op.Table, Image: in.op.New})
	if err != nil {
		return nil, err
	}
	for i, v := range m.Names {
		parent := w.catalog[t.Foreign[i].Parent]
		if !v.Has() || parent == nil {
			continue
		}
		key, ok := parent.KeyOf(v)
		if !ok {
			key = change.Key{Table: t.Foreign[i].Parent}
		}
		refs = append(refs, reference{tag: in.tag, parent: key})
	}
	return refs, nil
}

// Dangle reports whether, for all that history knows, one of the parents may have been taken away concurrently, or one of the truncates
// may leave rows, or children. It's asked once the fence has said that all is known of the rows that the batch has locked.
func (refs References) Dangle(h *history.History) bool {
	return slices.ContainsFunc(refs, func(r reference) bool {
		for _, name := range r.family {
			if h.AnyConcurrent(name, r.tag, func(e *history.Entry) bool { return e.Image != nil }) {
				return true
			}
		}
		if r.family != nil {
			return false
		}
		if r.parent.Row == "" {
			return h.AnyConcurrent(r.parent.Table, r.tag, func(e *history.Entry) bool { return e.Kind != change.Insert })
		}
		return h.AnyOf(r.parent, r.tag, func(e *history.Entry) bool { return e.Image == nil })
	})
}

// Leaves reports whether a batch, as it's written now, leaves a child without its parent: one that names what the batch takes
// away, or one whose row was decided so that it names what isn't there. find is [Session]'s Find. Nobody here can change that any more, for the
// parents are locked.
//
// So are those of all other rows that the batch writes, as a foreign key would do it: an application that had deleted one when it had no children here, and
// hasn't committed yet, would leave them behind, and its log would say that it had seen them.
//
// Whoever took a parent away had no children of it that were shown there; but one that was hidden there may be shown here.
func (w *Watch) Leaves(ctx context.Context, b *Batch, find func(*visibility.Lookup) ([]visibility.Row, error)) (bool, error) {
	if !w.foreign {
		return false, nil
	}
	children := w.children(b)
	for i := range children {
		if rows, err := find(&children[i]); len(rows) > 0 || err != nil {
			return len(rows) > 0, err
		}
	}
	for _, r := range b.rows {
		if t := w.catalog[r.key.Table]; r.decided && t != nil && len(t.Foreign) > 0 && r.written.Image != nil && r.written.Kind != Delete {
			if orphan, err := w.isOrphan(ctx, t, &r.written, find); orphan || err != nil {
				return orphan, err
			}
		}
	}
	parents := w.parents(b)
	for i := range parents {
		if _, err := find(&parents[i]); err != nil { // what's gone by now is still to be captured, or was, and is looked at: see Local, Dangle
			return false, err
		}
	}
	return false, nil
}

// parents are look-ups of the rows that a batch's rows name, but for those that it has locked itself.
func (w *Watch) parents(b *Batch) (lookups []visibility.Lookup) {
	asked := map[parentName]bool{}
	for _, r := range b.rows {
		t := w.catalog[r.key.Table]
		if t == nil || r.decided || r.written.Image == nil || r.written.Kind == Delete {
			continue
		}
		for i := range t.Foreign {
			f := &t.Foreign[i]
			name, values := r.names(f)
			if parent := w.catalog[f.Parent]; values != nil && parent != nil && !asked[name] && !b.holds(parent, f.Refers, values) {
				asked[name] = true
				lookups = addLookup(lookups, visibility.Lookup{Table: parent, Columns: parent.Referred[f.Refers], Values: [][]change.Value{values}, Parents: true, Held: true})
			}
		}
	}
	return lookups
}

// parentName is how a row names its parent.
type parentName struct {
	parent change.TableName
	refers int
	values string
}

// names is the parent that a row names, unless it's known that it did so before.
func (r *row) names(f *visibility.Foreign) (n parentName, values []change.Value) {
	of := func(image change.Image) []change.Value {
		row := visibility.Row{Key: r.key, Table: r.written.Table, Image: image}
		values, _ := row.Values(f.Columns)
		return values
	}
	if values = of(r.written.Image); len(values) < len(f.Columns) {
		return n, nil
	}
	if first := r.ops[0].op; first.Kind == change.Update && first.Old != nil && slices.Equal(of(first.Old), values) {
		return n, nil
	}
	return parentName{f.Parent, f.Refers, visibility.Joined(values)}, values
}

// holds reports whether the batch writes the row of a parent that is named by its key, and has locked it.
func (b *Batch) holds(parent *visibility.Table, refers int, values []change.Value) bool {
	key, ok := parentKey(parent, refers, values)
	r := b.byKey[key]
	return ok && r != nil && !r.missing && r.written.Kind != Delete
}

// parentKey is the key of the row that offers values, if they're of the columns that name rows, and as their texts are.
func parentKey(parent *visibility.Table, refers int, values []change.Value) (change.Key, bool) {
	row := visibility.Row{Table: parent.Shape, Image: make(change.Image, len(parent.Shape.Columns))}
	for i, column := range parent.Referred[refers] {
		row.Set(column, values[i])
	}
	key, err := change.KeyOf(parent.Shape, row.Image, nil)
	return key, err == nil && len(values) == len(parent.Shape.Keys)
}

// children are look-ups of the rows that name what a batch takes away.
func (w *Watch) children(b *Batch) (lookups []visibility.Lookup) {
	for _, r := range b.rows {
		t := w.catalog[r.key.Table]
		if t == nil {
			continue
		}
		for _, in := range r.ops {
			for i := range t.Referred {
				values, gone := removed(t, i, in.op)
				if r.decided && r.written.Kind == Delete { // though the operation may have written it
					values, gone = valuesOf(in.op, t.Referred[i]), true
				}
				if !gone || len(values) == 0 {
					continue
				}
				for _, child := range w.catalog.Children(r.key.Table, i) {
					lookups = addLookup(lookups, visibility.Lookup{Table: child.Table, Columns: child.Columns, Values: [][]change.Value{values}})
				}
			}
		}
	}
	return lookups
}

// valuesOf are the values of columns that an operation tells, before or after it.
func valuesOf(op *change.Operation, columns []string) []change.Value {
	if op.New == nil {
		values, _ := oldValues(op, columns)
		return values
	}
	row := visibility.Row{Key: op.Key, Table: op.Table, Image: op.New}
	values, _ := row.Values(columns)
	return values
}

// isOrphan reports whether a row that was decided names a parent that isn't there.
func (w *Watch) isOrphan(ctx context.Context, t *visibility.Table, write *Write, find func(*visibility.Lookup) ([]visibility.Row, error)) (bool, error) {
	row := visibility.Row{Key: write.Key, Table: write.Table, Image: write.Image}
	for i := range t.Foreign {
		f := &t.Foreign[i]
		parent := w.catalog[f.Parent]
		values, ok := row.Values(f.Columns)
		if !ok || parent == nil {
			continue
		}
		rows, err := find(&visibility.Lookup{Table: parent, Columns: parent.Referred[f.Refers], Values: [][]change.Value{values}, Parents: true})
		if len(rows) == 0 || err != nil {
			return err == nil, err
		}
	}
	return false, nil
}

// kin are the tables by which a batch has to do with others through foreign keys.
type kin struct {
	names   map[change.TableName]bool // parents' tables, of rows that it writes
	removes map[change.TableName]bool // parents' tables, from which it takes rows away
	parents map[change.Key]bool       // of rows that it writes, as far as they're named by their keys
}

// Related reports whether one of a batch in flight and a transaction may take parents away whose children the other writes. They mustn't be in
// flight together: history has neither's operations while the other is certified. Nor may one that writes a row which the other keeps from going:
// see Leaves.
func (w *Watch) Related(b *Batch, tx *change.Transaction) bool {
	if !w.foreign {
		return false
	}
	if b.kin == nil {
		b.kin = w.kinOf(b.Transactions)
	}
	k := w.kinOf([]*change.Transaction{tx})
	return meet(k.names, b.kin.removes) || meet(k.removes, b.kin.names) || b.touchesAny(k.parents) || touchesAny(tx, b.kin.parents)
}

// touchesAny reports whether the batch writes one of the rows.
func (b *Batch) touchesAny(keys map[change.Key]bool) bool {
	for key := range keys {
		if b.Touches(key) {
			return true
		}
	}
	return false
}

func touchesAny(tx *change.Transaction, keys map[change.Key]bool) bool {
	return len(keys) > 0 && slices.ContainsFunc(tx.Operations, func(op change.Operation) bool { return keys[op.Key] })
}

func (w *Watch) kinOf(transactions []*change.Transaction) *kin {
	k := &kin{names: map[change.TableName]bool{}, removes: map[change.TableName]bool{}, parents: map[change.Key]bool{}}
	for _, tx := range transactions {
		for i := range tx.Operations {
			op := &tx.Operations[i]
			t := w.catalog[op.Key.Table]
			if t == nil {
				continue
			}
			if op.New != nil {
				w.namesOf(t, op, k)
			}
			for i := range t.Referred {
				if _, gone := removed(t, i, op); gone {
					k.removes[op.Key.Table] = true
				}
			}
		}
	}
	return k
}

// namesOf notes which parents an operation's row names.
func (w *Watch) namesOf(t *visibility.Table, op *change.Operation, k *kin) {
	for i := range t.Foreign {
		f := &t.Foreign[i]
		k.names[f.Parent] = true
		row := visibility.Row{Key: op.Key, Table: op.Table, Image: op.New}
		values, ok := row.Values(f.Columns)
		if parent := w.catalog[f.Parent]; ok && parent != nil {
			if key, ok := parentKey(parent, f.Refers, values); ok {
				k.parents[key] = true
			}
		}
	}
}

func meet(a, b map[change.TableName]bool) bool {
	for t := range a {
		if b[t] {
			return true
		}
	}
	return false
}
