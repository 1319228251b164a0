package apply

import (
	"context"
	"fmt"

	"bridge/change"
	"bridge/history"
	"bridge/visibility"
)

// A database may log a commit before others see it: PostgreSQL sends it to its readers first, by a moment, or for as long as a synchronous standby
// is away. The rows that it changed are locked until then, so whoever looks them up waits. Those that it brought into being aren't found. Nothing tells
// when they can be: a row decided as if they weren't there would stay so, in this region alone.

// notFound notes that the table doesn't show a row of which the last thing that this region did may be to write it.
func (s *Settlement) notFound(key change.Key, ops history.Row) {
	if seq := s.lastWrite(ops); seq > 0 {
		s.absent[key] = seq
	}
}

// lastWrite is the last of this region's transactions that are known of a row, if it left the row there.
func (s *Settlement) lastWrite(ops history.Row) (seq uint64) {
	var last *history.Entry
	for i := range ops {
		if e := &ops[i]; e.Tag.Dot.Origin == s.self && (last == nil || last.Compare(e) < 0) {
			last = e
		}
	}
	if last == nil || last.Image == nil {
		return 0
	}
	return last.Tag.Dot.Seq
}

// Doubts reports whether a row that isn't there for all that was found, one of those that are decided or the parent of one that would be hidden,
// may have been written here: perhaps others didn't see it yet. Such rows are looked up once more, and then they aren't doubted again, unless they
// have been written since. It's asked when all is found and decided.
func (s *Settlement) Doubts(h *history.History) (doubts bool) {
	for key, seq := range s.absent {
		if s.doubted[key] < seq {
			s.doubted[key], doubts = seq, true
			delete(s.asked, key)
		}
	}
	for _, c := range s.scene.All() {
		if c.Reason != visibility.ByParent {
			continue
		}
		for i, v := range c.Marks.Names {
			parent := s.catalog[c.Table.Foreign[i].Parent]
			if parent == nil || !v.Has() {
				continue
			}
			if seq := s.parentWritten(parent, v, h); s.doubtedParents[v] < seq {
				s.doubtedParents[v], doubts = seq, true
				delete(s.sought, sought{value: v})
			}
		}
	}
	return doubts
}

// parentWritten is the last of this region's transactions, as of the barrier, that may have written the row which offers a value, though it isn't
// among those that are decided.
func (s *Settlement) parentWritten(t *visibility.Table, v visibility.Value, h *history.History) (seq uint64) {
	key, ok := t.KeyOf(v)
	if ok && s.scene.Get(key) != nil {
		return 0
	}
	if !ok {
		key = change.Key{Table: t.Shape.TableName}
	}
	for _, ref := range h.Lacks(key, s.barrier) { // of large transactions history knows only what they wrote
		if ref.Dot.Origin == s.self {
			seq = max(seq, ref.Dot.Seq)
		}
	}
	if ok {
		return max(seq, s.lastWrite(h.Row(key, s.barrier)))
	}
	h.Each(t.Shape.TableName, func(key change.Key, e *history.Entry) { // any of them
		if e.Image != nil && e.Tag.Dot.Origin == s.self && e.At <= s.barrier && s.scene.Get(key) == nil {
			seq = max(seq, e.Tag.Dot.Seq)
		}
	})
	return seq
}

// errUnseen ends an attempt to settle that a transaction is in the way of which others see nothing yet.
var errUnseen = fmt.Errorf("%w: a transaction of this region that may have written a row, or its parent, isn't to be seen yet", ErrRetry)

// seen is an error unless all that capture has read is to be seen by what is looked up now.
func (w *worker) seen(ctx context.Context) error {
	seen, err := w.session.Seen(ctx)
	if err == nil && !seen {
		err = errUnseen
	}
	return err
}
