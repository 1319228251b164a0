package history

import (
	"maps"
	"slices"

	"bridge/change"
)

// Cancel takes a transaction out again that was added before its commit, piece by piece, and was rolled back.
// It must be the last that was added of its origin: nothing may be decided by operations that never
// happened here.
func (h *History) Cancel(dot change.Dot) {
	h.added[dot.Origin] = min(h.added[dot.Origin], dot.Seq-1)
	q := h.queues[dot.Origin]
	for q != nil && q.len() > 0 && q.back().seq == dot.Seq {
		key := q.back().key()
		q.popBack()
		h.remove(key, dot)
	}
	h.bulks = slices.DeleteFunc(h.bulks, func(b *bulk) bool {
		if b.tag.Dot != dot {
			return false
		}
		for key := range b.filled {
			h.removeFilled(key, dot)
		}
		for _, rows := range b.tables {
			h.entries -= len(rows)
			h.bytes -= len(rows) * bulkRowBytes
		}
		return true
	})
}

// removeFilled drops what was filled in of a transaction: its operations on a row, or on all rows of a table.
func (h *History) removeFilled(key change.Key, dot change.Dot) {
	if key.Row != "" {
		h.remove(key, dot)
		return
	}
	if t := h.tables[key.Table]; t != nil {
		for _, row := range slices.Collect(maps.Keys(t.rows)) {
			h.remove(change.Key{Table: key.Table, Row: row}, dot)
		}
	}
}

// remove drops a transaction's operations on a row, or its truncates of a table.
func (h *History) remove(key change.Key, dot change.Dot) {
	t := h.tables[key.Table]
	if t == nil {
		return
	}
	drop := func(r Row) Row {
		return slices.DeleteFunc(r, func(e Entry) bool {
			if e.Tag.Dot != dot {
				return false
			}
			h.bytes -= e.size(key.Row)
			h.entries--
			return true
		})
	}
	if key.Row == "" {
		t.truncates = drop(t.truncates)
	} else if t.rows[key.Row] = drop(t.rows[key.Row]); len(t.rows[key.Row]) == 0 {
		delete(t.rows, key.Row)
	}
	if len(t.rows) == 0 && len(t.truncates) == 0 {
		delete(h.tables, key.Table)
	}
}
