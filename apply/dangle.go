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
	return false, nil
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
}

// Related reports whether one of a batch in flight and a transaction may take parents away whose children the other writes. They mustn't be in
// flight together: history has neither's operations while the other is certified.
func (w *Watch) Related(b *Batch, tx *change.Transaction) bool {
	if !w.foreign {
		return false
	}
	if b.kin == nil {
		b.kin = w.kinOf(b.Transactions)
	}
	if len(b.kin.names)+len(b.kin.removes) == 0 {
		return false
	}
	k := w.kinOf([]*change.Transaction{tx})
	return meet(k.names, b.kin.removes) || meet(k.removes, b.kin.names)
}

func (w *Watch) kinOf(transactions []*change.Transaction) *kin {
	k := &kin{names: map[change.TableName]bool{}, removes: map[change.TableName]bool{}}
	for _, tx := range transactions {
		for i := range tx.Operations {
			op := &tx.Operations[i]
			t := w.catalog[op.Key.Table]
			if t == nil {
				continue
			}
			if op.New != nil {
				for _, f := range t.Foreign {
					k.names[f.Parent] = true
				}
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

func meet(a, b map[change.TableName]bool) bool {
	for t := range a {
		if b[t] {
			return true
		}
	}
	return false
}
