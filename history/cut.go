package history

import "bridge/change"

// Cut says which operations a history still needs, so that a restart can add just those again. They're a
// suffix of the total order, because operations are dropped in that order: what each origin's stable
// operations alone would leave out may stand behind an unstable one in some row.
type Cut struct {
	// Since is where what's needed begins, among the transactions that had been added.
	Since change.Version
	// Known is what had been added. All that comes after it is needed.
	Known change.Vector
}

// Needs reports whether a transaction's operations are needed.
func (c *Cut) Needs(tag *change.Tag) bool {
	return !c.Known.Includes(tag.Dot) || tag.Version().Compare(c.Since) >= 0
}

// never comes after every version.
var never = change.Version{Time: 1<<63 - 1}

// Cut is the cut as of the last [History.Prune]. Whatever is held beside unstable operations is held
// because it comes after one of them in the order, or beside a truncate.
func (h *History) Cut() Cut {
	c := Cut{Since: h.firstQueued(), Known: h.cut.Known}
	for _, o := range h.members {
		if added := h.added[o]; added > c.Known.Get(o) {
			c.Known = c.Known.With(o, added)
		}
	}
	for _, known := range h.cut.Known {
		if h.added[known.Origin] < known.Seq && h.cut.Since.Compare(c.Since) < 0 {
			c.Since = h.cut.Since // something that's needed may not have been added again yet
		}
	}
	for _, t := range h.tables {
		for _, r := range t.rows {
			if v := r[0].Tag.Version(); len(t.truncates) > 0 && v.Compare(c.Since) < 0 {
				c.Since = v
			}
		}
	}
	for _, b := range h.bulks {
		if v := b.tag.Version(); v.Compare(c.Since) < 0 {
			c.Since = v
		}
	}
	return c
}

// firstQueued is the first operation that wasn't stable at the last Prune, large transactions aside.
func (h *History) firstQueued() change.Version {
	first := never
	for _, q := range h.queues {
		if q.len() > 0 && q.front().tag.Version().Compare(first) < 0 {
			first = q.front().tag.Version()
		}
	}
	return first
}

// Resume makes a new history pass over what the cut of an earlier one doesn't need.
func (h *History) Resume(c Cut) { h.cut = c }

// Resumed notes that all of an origin's transactions up to seq that are needed have been added again.
func (h *History) Resumed(o change.Origin, seq uint64) { h.added[o] = max(h.added[o], seq) }
