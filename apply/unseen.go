package apply

import (
	"context"
	"fmt"
	"slices"

	"bridge/change"
	"bridge/history"
	"bridge/visibility"
)

// isUnseen reports whether a local transaction wrote a row that others don't see yet: its commit is in the log before its locks are gone, for
// long if it waits for a synchronous standby. A table that's locked has no such rows.
func (s *Settlement) isUnseen(t change.TableName, ops history.Row) bool {
	if s.visible == nil || s.truncates[t] != nil {
		return false
	}
	visible := s.visible()
	return slices.ContainsFunc(ops, func(e history.Entry) bool {
		return e.Image != nil && e.Tag.Dot.Origin == s.self && e.Tag.Dot.Seq > visible
	})
}

// Unseen is an error while a row that is to be shown was written here and isn't to be seen yet.
func (s *Settlement) Unseen() error { return s.unseen }

// Doubts reports whether a row would be hidden for want of a parent that was written here: perhaps it wasn't found because others didn't see it yet.
// Nothing tells when it can be seen, so the row would stay hidden. Such parents are looked up once more, and then they aren't doubted again. It's asked
// when all is found and decided.
func (s *Settlement) Doubts(h *history.History) (doubts bool) {
	for _, c := range s.scene.All() {
		if c.Reason != visibility.ByParent {
			continue
		}
		for i, v := range c.Marks.Names {
			parent := s.catalog[c.Table.Foreign[i].Parent]
			if parent == nil || !v.Has() || s.doubted[v] || !s.writtenHere(parent, v, h) {
				continue
			}
			s.doubted[v], doubts = true, true
			delete(s.sought, sought{value: v})
		}
	}
	return doubts
}

// writtenHere reports whether this region may have written the row that offers a value, though it isn't among those that were found.
func (s *Settlement) writtenHere(t *visibility.Table, v visibility.Value, h *history.History) (written bool) {
	look := func(key change.Key, e *history.Entry) {
		written = written || e.Image != nil && e.Tag.Dot.Origin == s.self && s.scene.Get(key) == nil
	}
	if key, ok := t.KeyOf(v); ok {
		for _, e := range h.Row(key, ^uint64(0)) {
			look(key, &e)
		}
	} else {
		h.Each(t.Shape.TableName, look) // any of them
	}
	return written
}

// errUnseen ends an attempt to settle that a transaction is in the way of which others see nothing yet.
var errUnseen = fmt.Errorf("%w: a transaction of this region that may have written a row's parent isn't to be seen yet", ErrRetry)

// seen is an error unless all that capture has read is to be seen by what is looked up now.
func (w *worker) seen(ctx context.Context) error {
	seen, err := w.session.Seen(ctx)
	if err == nil && !seen {
		err = errUnseen
	}
	return err
}
