package history

import (
	"slices"

	"bridge/change"
)

// Entry is one operation of a row with the tag of its transaction.
type Entry struct {
	Tag   *change.Tag
	Table *change.Table
	Image change.Image // the row after it; nil for a delete or truncate
	Old   change.Image // the row before it where the log tells it, which takes REPLICA IDENTITY FULL
	// Order is the operation's place in its transaction: a transaction may write a row more than once.
	Order uint32
	Kind  change.Kind
	// At is the place in this region's log of a local operation, as capture counts; 0 for others.
	At uint64
}

// EntryOf is the entry of one of a transaction's operations: order is its place there, at as in [Entry].
func EntryOf(tag *change.Tag, op *change.Operation, order uint32, at uint64) Entry {
	return Entry{Tag: tag, Kind: op.Kind, Table: op.Table, Image: op.New, Old: op.Old, Order: order, At: at}
}

// Compare orders entries by (timestamp, origin), and within a transaction by place.
func (e *Entry) Compare(f *Entry) int {
	if e.Tag == f.Tag || e.Tag.Dot == f.Tag.Dot {
		return int(e.Order) - int(f.Order)
	}
	return e.Tag.Version().Compare(f.Tag.Version())
}

// Saw reports whether e's writer had seen f when it wrote e.
func (e *Entry) Saw(f *Entry) bool {
	if e.Tag.Dot == f.Tag.Dot {
		return f.Order < e.Order
	}
	return e.Tag.Saw(f.Tag.Dot)
}

// Row is a row's entries in order.
type Row []Entry

// Insert puts e at its place; an entry that is there already stays as it is. It may change r in place.
func (r Row) Insert(e Entry) Row {
	i := len(r)
	for i > 0 {
		c := e.Compare(&r[i-1])
		if c == 0 {
			return r
		}
		if c > 0 {
			break
		}
		i--
	}
	return slices.Insert(r, i, e)
}

// ConcurrentWith reports whether any entry is unseen by a transaction with tag t.
func (r Row) ConcurrentWith(t *change.Tag) bool {
	for i := range r {
		if !t.Saw(r[i].Tag.Dot) {
			return true
		}
	}
	return false
}

// size is an estimate of the bytes that e holds in memory, for the limit.
func (e *Entry) size(key string) int {
	const fixed = 160 // entry, map slot, queue slot
	n := fixed + len(key)
	for _, image := range [...]change.Image{e.Image, e.Old} {
		n += 24 * len(image)
		for _, v := range image {
			s, _ := v.Text()
			n += len(s)
		}
	}
	return n
}
