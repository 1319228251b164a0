package history

import (
	"fmt"
	"slices"
	"strings"

	"bridge/change"
)

// History is the unstable operations of one region.
type History struct {
	self    change.Origin
	members []change.Origin
	limit   int
	before  func(change.TableName) bool

	tables  map[change.TableName]*table
	known   map[change.Origin]change.Vector // what each member has seen, as far as is known here
	queues  map[change.Origin]*queue        // operations in the order of their origin
	stable  map[change.Origin]uint64        // each queue was drained up to here
	bulks   []*bulk
	sweeps  map[change.TableName]bool // tables to be looked through as a whole by the next Prune
	added   map[change.Origin]uint64  // the last transaction added of each
	cut     Cut                       // of the history that this one resumes
	reached map[string]*reach         // the last transactions added of those published under each conflict rules

	entries, bytes int
}

// table holds the rows of one table that have unstable operations, and its unstable truncates.
type table struct {
	name      change.TableName
	rows      map[string]Row
	truncates Row
}

// New makes an empty history for origin self in a mesh of members, self among them. limit is in bytes
// of memory; 0 is none.
func New(self change.Origin, members []change.Origin, limit int) *History {
	h := &History{
		self: self, members: members, limit: limit,
		tables:  map[change.TableName]*table{},
		known:   map[change.Origin]change.Vector{},
		queues:  map[change.Origin]*queue{},
		stable:  map[change.Origin]uint64{},
		sweeps:  map[change.TableName]bool{},
		added:   map[change.Origin]uint64{},
		reached: map[string]*reach{},
	}
	for _, m := range members {
		h.queues[m] = &queue{}
	}
	return h
}

// KeepBefore says of which tables the images before each operation are kept, too. They take as much memory as those
// after it, so none are kept unless this is called, which must be before anything is added.
func (h *History) KeepBefore(of func(change.TableName) bool) { h.before = of }

// ErrFull says that the history has reached its limit: some region has been away for too long.
type ErrFull struct {
	Bytes, Limit int
	Holding      change.Origin // the region that others wait for
}

func (e *ErrFull) Error() string {
	return fmt.Sprintf("history holds %d bytes of operations that not every region has seen, its limit is %d (history.max_bytes): region %s is the furthest behind; bring it back, or raise the limit",
		e.Bytes, e.Limit, e.Holding.Region())
}

// Add takes in a transaction's operations: a local one when capture has read it, with its place in the
// log; a remote one when it's committed here, with at = 0. first is the place of ops[0] in its
// transaction. Adding again changes nothing. The error is [*ErrFull], and then all were added, or tells of
// an origin that isn't a member.
func (h *History) Add(tag *change.Tag, ops []change.Operation, first uint32, at uint64) error {
	if needed, err := h.admit(tag); err != nil || !needed {
		return err
	}
	q := h.queues[tag.Dot.Origin]
	tag = own(tag)
	for i := range ops {
		op := &ops[i]
		h.insert(op.Key, EntryOf(tag, op, first+uint32(i), at))
		q.push(tag, h.tables[op.Key.Table], op.Key.Row)
	}
	return h.full()
}

// own is a copy of a tag: a transaction's own would keep all of the transaction in memory.
func own(tag *change.Tag) *change.Tag {
	kept := *tag
	return &kept
}

// admit notes a transaction that is being added and reports whether it's needed.
func (h *History) admit(tag *change.Tag) (bool, error) {
	o := tag.Dot.Origin
	if h.queues[o] == nil {
		return false, fmt.Errorf("transaction %s: its origin is not a member of this mesh (regions in the configuration differ)", tag.Dot)
	}
	h.added[o] = max(h.added[o], tag.Dot.Seq)
	h.reach(tag.Rules).add(tag)
	return h.cut.Needs(tag), nil
}

func (h *History) full() error {
	if h.limit > 0 && h.bytes > h.limit {
		return &ErrFull{h.bytes, h.limit, h.furthestBehind()}
	}
	return nil
}

func (h *History) insert(key change.Key, e Entry) {
	if h.before == nil || !h.before(key.Table) {
		e.Old = nil
	}
	t := h.tables[key.Table]
	if t == nil {
		t = &table{name: key.Table, rows: map[string]Row{}}
		h.tables[key.Table] = t
	}
	var before, after int
	if key.Row == "" {
		before = len(t.truncates)
		t.truncates = t.truncates.Insert(e)
		after = len(t.truncates)
	} else {
		r := t.rows[key.Row]
		before = len(r)
		r = r.Insert(e)
		t.rows[key.Row] = r
		after = len(r)
	}
	if after > before {
		h.entries++
		h.bytes += e.size(key.Row)
	}
}

// Row is the unstable operations on a row in their order, those of local transactions only up to the
// place asOf in the log. It belongs to the caller.
func (h *History) Row(key change.Key, asOf uint64) Row {
	t := h.tables[key.Table]
	if t == nil {
		return nil
	}
	rows := t.rows[key.Row]
	if len(rows)+len(t.truncates) == 0 {
		return nil
	}
	out := make(Row, 0, len(rows)+len(t.truncates)+1)
	for i := range rows {
		if rows[i].At <= asOf {
			out = append(out, rows[i])
		}
	}
	for i := range t.truncates {
		if t.truncates[i].At <= asOf {
			out = out.Insert(t.truncates[i])
		}
	}
	return out
}

// Concurrent reports whether a row has an unstable operation that tag hadn't seen. It's Row and
// ConcurrentWith without the copy, for the common case.
//
// It may be true of a row that merely shares a hash with one of a large transaction's; [History.Lacks] and
// what's read for it tell.
func (h *History) Concurrent(key change.Key, tag *change.Tag) bool {
	if len(h.bulks) > 0 && h.inBulk(key, tag) {
		return true
	}
	t := h.tables[key.Table]
	if t == nil {
		return false
	}
	return t.rows[key.Row].ConcurrentWith(tag) || t.truncates.ConcurrentWith(tag)
}

// Keys are the keys of a table's rows that have unstable operations which tag hadn't seen: those that a
// truncate must decide one by one. They're sorted, so that what follows from them is repeatable.
func (h *History) Keys(name change.TableName, tag *change.Tag) []change.Key {
	t := h.tables[name]
	if t == nil {
		return nil
	}
	var keys []change.Key
	for k, r := range t.rows {
		if r.ConcurrentWith(tag) {
			keys = append(keys, change.Key{Table: name, Row: k})
		}
	}
	slices.SortFunc(keys, func(a, b change.Key) int { return strings.Compare(a.Row, b.Row) })
	return keys
}

// Stats are the figures an operator watches.
type Stats struct {
	Operations, Bytes, Limit int
}

// Stats tells how much is held.
func (h *History) Stats() Stats { return Stats{h.entries, h.bytes, h.limit} }

// AnyConcurrent reports whether f holds of an unstable operation on a table's rows, or a truncate of it, that tag hadn't seen. Of large
// transactions that history doesn't hold it takes the worst to be so.
func (h *History) AnyConcurrent(name change.TableName, tag *change.Tag, f func(*Entry) bool) bool {
	for _, b := range h.bulks {
		if b.tables[name] != nil && !tag.Saw(b.tag.Dot) {
			return true
		}
	}
	t := h.tables[name]
	if t == nil {
		return false
	}
	for _, r := range t.rows {
		if r.anyConcurrent(tag, f) {
			return true
		}
	}
	return t.truncates.anyConcurrent(tag, f)
}

// anyConcurrent reports whether f holds of an entry that tag hadn't seen.
func (r Row) anyConcurrent(tag *change.Tag, f func(*Entry) bool) bool {
	for i := range r {
		if !tag.Saw(r[i].Tag.Dot) && f(&r[i]) {
			return true
		}
	}
	return false
}

// AnyOf reports whether f holds of an unstable operation on a row, or a truncate of its table, that tag hadn't seen.
func (h *History) AnyOf(key change.Key, tag *change.Tag, f func(*Entry) bool) bool {
	if len(h.bulks) > 0 && h.inBulk(key, tag) {
		return true
	}
	t := h.tables[key.Table]
	if t == nil {
		return false
	}
	return t.rows[key.Row].anyConcurrent(tag, f) || t.truncates.anyConcurrent(tag, f)
}

// Each calls f for every unstable operation on a table's rows that history holds.
func (h *History) Each(name change.TableName, f func(change.Key, *Entry)) {
	t := h.tables[name]
	if t == nil {
		return
	}
	for row, r := range t.rows {
		for i := range r {
			f(change.Key{Table: name, Row: row}, &r[i])
		}
	}
}
