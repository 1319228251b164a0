package apply

import (
	"context"
	"slices"

	"bridge/change"
	"bridge/history"
	"bridge/visibility"
)

// reference is what a row of a batch has to do with a foreign key.
type reference struct {
	tag *change.Tag
	// parent is the row that an operation names; without one it names some row of the table.
	parent change.Key
	// child is the foreign key by which others may name what an operation takes away, whose values are these.
	child  visibility.Child
	values []change.Value
}

// References are what a batch's rows have to do with foreign keys.
type References []reference

// References are those of a batch.
func (w *Watch) References(ctx context.Context, b *Batch) (refs References, err error) {
	for _, r := range b.rows {
		t := w.catalog[r.key.Table]
		if t == nil || len(t.Foreign)+len(t.Referred) == 0 {
			continue
		}
		for _, in := range r.ops {
			if in.op.New != nil && len(t.Foreign) > 0 {
				if refs, err = w.names(ctx, refs, t, in); err != nil {
					return nil, err
				}
			}
			for i := range t.Referred {
				values, gone := removed(t, i, in.op)
				if !gone {
					continue
				}
				for _, child := range w.catalog.Children(r.key.Table, i) {
					refs = append(refs, reference{tag: in.tag, child: child, values: values})
				}
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

// Dangle reports whether one of them does. It's asked once the fence has said that all is known of the rows that the batch has locked.
func (refs References) Dangle(h *history.History) bool {
	return slices.ContainsFunc(refs, func(r reference) bool { return r.dangles(h) })
}

// dangles reports whether, for all that history knows, a parent may have been taken away concurrently with its child.
func (r *reference) dangles(h *history.History) bool {
	switch {
	case r.child.Foreign != nil:
		return h.AnyConcurrent(r.child.Table.Shape.TableName, r.tag, func(e *history.Entry) bool { return mayName(e, r.child.Columns, r.values) })
	case r.parent.Row == "":
		return h.AnyConcurrent(r.parent.Table, r.tag, func(e *history.Entry) bool { return e.Kind != change.Insert })
	}
	return h.AnyOf(r.parent, r.tag, func(e *history.Entry) bool { return e.Image == nil })
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
