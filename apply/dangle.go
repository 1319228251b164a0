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
