package history

import (
	"slices"

	"bridge/change"
)

// Learn notes that member has seen v: the vector on a record of its that has just been applied here,
// or, for this region itself, what its log has shown. Knowledge only grows.
func (h *History) Learn(member change.Origin, v change.Vector) {
	had := h.known[member]
	if had.Covers(v) {
		return
	}
	for _, e := range had {
		if e.Seq > v.Get(e.Origin) {
			v = v.With(e.Origin, e.Seq)
		}
	}
	h.known[member] = v
}

// Known is what a member is known to have seen.
func (h *History) Known(member change.Origin) change.Vector { return h.known[member] }

// Stable is the sequence number up to which every member has seen o's transactions.
func (h *History) Stable(o change.Origin) uint64 {
	low := ^uint64(0)
	for _, m := range h.members {
		if m != o {
			low = min(low, h.known[m].Get(o))
		}
	}
	return low // a mesh of one has no such member: everything is stable at once
}

// Prune drops what has become stable. Its cost is that of what it drops, and of the tables that have
// truncates or had large transactions.
func (h *History) Prune() {
	for _, o := range h.members {
		s := h.Stable(o)
		h.stable[o] = s
		q := h.queues[o]
		for q.len() > 0 && q.front().seq <= s {
			key := q.front().key()
			q.pop()
			t := h.tables[key.Table]
			switch {
			case t == nil:
			case len(t.truncates) > 0:
				h.sweepLater(key.Table)
			default:
				h.pruneRow(t, key, nil)
			}
		}
	}
	if len(h.bulks) > 0 {
		h.pruneBulks()
	}
	for name := range h.sweeps {
		h.sweep(name)
	}
	clear(h.sweeps)
}

func (h *History) sweepLater(name change.TableName) { h.sweeps[name] = true }

func (h *History) isStable(e *Entry) bool { return e.Tag.Dot.Seq <= h.stable[e.Tag.Dot.Origin] }

// pruneRow drops the stable beginning of a row's order, up to the entry bound (a truncate that stays).
//
// What a truncate hadn't seen stays as long as the truncate: the row may have outlived it by that alone.
func (h *History) pruneRow(t *table, key change.Key, bound *Entry) {
	r := t.rows[key.Row]
	n := 0
	for over := h.over(key, r, bound, false); n < over && !t.truncates.anyUnaware(&r[n]); n++ {
		h.bytes -= r[n].size(key.Row)
		h.entries--
	}
	switch {
	case n == 0:
	case n == len(r):
		delete(t.rows, key.Row)
		if len(t.rows) == 0 && len(t.truncates) == 0 {
			delete(h.tables, key.Table)
		}
	default:
		t.rows[key.Row] = append(Row(nil), r[n:]...)
	}
}

// over is how many of a row's first entries are stable, come before bound, and before any large transaction that stays. ofTruncate says
// that it's asked whether bound can go.
func (h *History) over(key change.Key, r Row, bound *Entry, ofTruncate bool) (n int) {
	var before change.Version
	var held bool
	if len(h.bulks) > 0 {
		before, held = h.bulkBound(key, ofTruncate)
	}
	for n < len(r) && h.isStable(&r[n]) && (bound == nil || r[n].Compare(bound) < 0) &&
		(!held || r[n].Tag.Version().Compare(before) < 0) {
		n++
	}
	return n
}

// anyUnaware reports whether one of the entries hadn't seen e.
func (r Row) anyUnaware(e *Entry) bool {
	return slices.ContainsFunc(r, func(t Entry) bool { return !t.Saw(e) })
}

// sweep prunes a table that has truncates: a truncate stands in every row's order, so it goes only when
// every row's operations before it have gone, and then frees what stood behind it.
func (h *History) sweep(name change.TableName) {
	for {
		t := h.tables[name]
		if t == nil {
			return
		}
		var bound *Entry
		if len(t.truncates) > 0 {
			bound = &t.truncates[0]
		}
		for row := range t.rows {
			h.pruneRow(t, change.Key{Table: name, Row: row}, bound)
		}
		if bound == nil || !h.isStable(bound) {
			return
		}
		for row, r := range t.rows {
			if n := h.over(change.Key{Table: name, Row: row}, r, bound, true); n < len(r) && r[n].Compare(bound) < 0 {
				return
			}
		}
		h.bytes -= bound.size("")
		h.entries--
		t.truncates = append(Row(nil), t.truncates[1:]...)
		if len(t.rows) == 0 && len(t.truncates) == 0 {
			delete(h.tables, name)
		}
	}
}

// furthestBehind is the member that hasn't seen the most of what the others have written, for messages.
func (h *History) furthestBehind() change.Origin {
	var worst change.Origin
	var most uint64
	for _, m := range h.members {
		var behind uint64
		for _, o := range h.members {
			if o != m {
				behind += h.newest(o) - h.known[m].Get(o)
			}
		}
		if worst == "" || behind > most {
			worst, most = m, behind
		}
	}
	return worst
}

// newest is the highest sequence number of o that anyone is known to have.
func (h *History) newest(o change.Origin) uint64 {
	newest := h.queues[o].last
	for _, v := range h.known {
		newest = max(newest, v.Get(o))
	}
	return newest
}
