package history

import (
	"hash/maphash"
	"slices"

	"bridge/change"
)

// bulk is one unstable transaction that is too large to hold: which rows it wrote, as 64-bit hashes of
// their keys, 16 bytes or so an operation instead of hundreds. Its operations stay in the topic; those of
// a row that comes into conflict are read again from there ([History.Lacks], [History.Fill]).
type bulk struct {
	tag    *change.Tag
	at     uint64
	tables map[change.TableName]map[uint64]struct{}
	filled map[change.Key]bool // rows whose operations are among the ordinary ones; Row "" is all of a table's
	over   bool                // it's held only beside a truncate that hadn't seen it
}

var seed = maphash.MakeSeed()

func hashRow(row string) uint64 { return maphash.String(seed, row) }

func (b *bulk) touches(key change.Key) bool {
	rows, ok := b.tables[key.Table]
	if !ok || key.Row == "" {
		return ok
	}
	_, ok = rows[hashRow(key.Row)]
	return ok
}

func (b *bulk) isFilled(key change.Key) bool {
	return b.filled[key] || b.filled[change.Key{Table: key.Table}]
}

// bulkRowBytes is what a row of a bulk takes, for the limit.
const bulkRowBytes = 24

// Ref names operations that history knows of and doesn't hold: those of a transaction on a row, or, with
// an empty Key.Row, on all rows of a table.
type Ref struct {
	Dot change.Dot
	Key change.Key
}

// AddTransaction adds a transaction, or a piece of one; see [History.Add] for at. What comes in pieces is kept
// as a large transaction.
func (h *History) AddTransaction(tx *change.Transaction, at uint64) error {
	if tx.Whole() {
		return h.Add(&tx.Tag, tx.Operations, 0, at)
	}
	return h.AddBulk(&tx.Tag, tx.Operations, tx.Before, at)
}

// AddBulk is Add for a piece of a large transaction: of row operations it keeps only which rows they're of.
func (h *History) AddBulk(tag *change.Tag, ops []change.Operation, first uint32, at uint64) error {
	if needed, err := h.admit(tag); err != nil || !needed {
		return err
	}
	b := h.bulkOf(tag.Dot)
	if b == nil {
		b = &bulk{tag: own(tag), at: at, tables: map[change.TableName]map[uint64]struct{}{}, filled: map[change.Key]bool{}}
		h.bulks = append(h.bulks, b)
	}
	for i := range ops {
		op := &ops[i]
		if op.Kind == change.Truncate {
			if err := h.Add(tag, ops[i:i+1], first+uint32(i), at); err != nil {
				return err
			}
			continue
		}
		rows := b.tables[op.Key.Table]
		if rows == nil {
			rows = map[uint64]struct{}{}
			b.tables[op.Key.Table] = rows
		}
		had := len(rows)
		rows[hashRow(op.Key.Row)] = struct{}{}
		h.entries += len(rows) - had
		h.bytes += (len(rows) - had) * bulkRowBytes
		if b.isFilled(op.Key) {
			h.insert(op.Key, b.entry(op, first+uint32(i)))
		}
	}
	return h.full()
}

func (b *bulk) entry(op *change.Operation, order uint32) Entry {
	return EntryOf(b.tag, op, order, b.at)
}

func (h *History) bulkOf(dot change.Dot) *bulk {
	for _, b := range h.bulks {
		if b.tag.Dot == dot {
			return b
		}
	}
	return nil
}

// Whole reports whether history holds all the operations that it knows of.
func (h *History) Whole() bool { return len(h.bulks) == 0 }

// Lacks tells which operations on a row must be filled in before the row can be decided with those of local
// transactions up to asOf.
func (h *History) Lacks(key change.Key, asOf uint64) []Ref {
	var refs []Ref
	for _, b := range h.bulks {
		if b.at <= asOf && b.touches(key) && !b.isFilled(key) {
			refs = append(refs, Ref{b.tag.Dot, key})
		}
	}
	return refs
}

// Fill adds the operations that a reference names, as they were read from the topic; there may be none, for
// a hash can be shared. order gives each one's place in its transaction.
func (h *History) Fill(ref Ref, ops []change.Operation, order []uint32) {
	b := h.bulkOf(ref.Dot)
	if b == nil {
		return // it has become stable meanwhile
	}
	for i := range ops {
		h.insert(ops[i].Key, b.entry(&ops[i], order[i]))
	}
	b.filled[ref.Key] = true
}

// inBulk reports whether a bulk that tag hadn't seen may have written the row.
func (h *History) inBulk(key change.Key, tag *change.Tag) bool {
	for _, b := range h.bulks {
		if !tag.Saw(b.tag.Dot) && b.touches(key) && !b.isFilled(key) {
			return true
		}
	}
	return false
}

// pruneBulks drops the bulks that are stable and have nothing unstable before them in the total order: no
// row of theirs can have an earlier operation left.
func (h *History) pruneBulks() {
	first := h.firstQueued() // the first unstable operation
	for _, b := range h.bulks {
		if v := b.tag.Version(); b.tag.Dot.Seq > h.stable[b.tag.Dot.Origin] && v.Compare(first) < 0 {
			first = v
		}
	}
	h.bulks = slices.DeleteFunc(h.bulks, func(b *bulk) bool {
		if b.tag.Version().Compare(first) >= 0 {
			return false
		}
		for name := range b.tables {
			h.sweepLater(name)
		}
		if b.over = h.outlived(b); b.over {
			return false
		}
		for _, rows := range b.tables {
			h.entries -= len(rows)
			h.bytes -= len(rows) * bulkRowBytes
		}
		return true
	})
}

// outlived reports whether rows of the bulk may have outlived a truncate that hadn't seen it.
func (h *History) outlived(b *bulk) bool {
	for name := range b.tables {
		if t := h.tables[name]; t != nil && slices.ContainsFunc(t.truncates, func(e Entry) bool { return !e.Tag.Saw(b.tag.Dot) }) {
			return true
		}
	}
	return false
}

// bulkBound is the earliest bulk that may have written the row: nothing after it in the order goes before
// it does. Those that are over don't hold a truncate, or each would hold the other.
func (h *History) bulkBound(key change.Key, ofTruncate bool) (low change.Version, ok bool) {
	for _, b := range h.bulks {
		if v := b.tag.Version(); b.touches(key) && !(ofTruncate && b.over) && (!ok || v.Compare(low) < 0) {
			low, ok = v, true
		}
	}
	return low, ok
}
