package apply

import (
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/loopguard"
)

// Batch is what one database transaction applies: whole transactions of one origin, consecutive, or one
// piece of a large one. No two of its transactions name a row under different shapes of its table.
type Batch struct {
	Transactions []*change.Transaction
	Marker       loopguard.Marker // what bridge.progress says once it's applied
	rows         []*row
	byKey        map[change.Key]*row
	truncates    bool
	large        bool              // it's a large transaction, put together
	settled      []conflict.Record // of a batch that was settled
	kin          *kin              // once it's known
}

// row is one row's part in a batch.
type row struct {
	key     change.Key
	ops     []incoming
	written Write  // as it was last written
	missing bool   // the write found no row, so nothing is locked
	decided bool   // it must be looked at again, and written is the outcome of the last look
	claimed bool   // written is some image of the row, to lock it
	looked  uint64 // the place in the log as of which it was last certified
	records []conflict.Record
}

type incoming struct {
	tag   *change.Tag
	op    *change.Operation
	order uint32
}

// NewBatch begins a batch with a transaction or a piece of one; offset is that of the record it came in.
func NewBatch(tx *change.Transaction, offset int64) *Batch {
	b := &Batch{byKey: make(map[change.Key]*row, len(tx.Operations))}
	b.add(tx, offset)
	return b
}

// Add adds the next transaction and reports whether it fits: it must be whole, its operations must know
// tables in the shape that the batch knows, and a truncate stands alone.
func (b *Batch) Add(tx *change.Transaction, offset int64) bool {
	if b.isPiece() || !tx.Whole() || b.truncates || !b.sameShapes(tx) {
		return false
	}
	b.add(tx, offset)
	return true
}

func (b *Batch) sameShapes(tx *change.Transaction) bool {
	for i := range tx.Operations {
		op := &tx.Operations[i]
		if op.Kind == change.Truncate {
			return false
		}
		if r := b.byKey[op.Key]; r != nil && r.written.Table != op.Table && r.written.Table.Fingerprint() != op.Table.Fingerprint() {
			return false
		}
	}
	return true
}

func (b *Batch) add(tx *change.Transaction, offset int64) {
	b.Transactions = append(b.Transactions, tx)
	b.Marker.Origin, b.Marker.Seq, b.Marker.Offset = tx.Dot.Origin, tx.Dot.Seq, offset
	b.Marker.Time = max(b.Marker.Time, tx.Time)
	for i := range tx.Operations {
		op := &tx.Operations[i]
		in := incoming{&tx.Tag, op, tx.Before + uint32(i)}
		if op.Kind == change.Truncate {
			b.truncate(in)
			continue
		}
		r := b.byKey[op.Key]
		if r == nil {
			r = &row{key: op.Key}
			b.rows = append(b.rows, r)
			b.byKey[op.Key] = r
		}
		r.add(in)
	}
}

// truncate adds a truncate to what it ends and to its table's own row. That row comes first, because
// what the batch leaves in the table was written after the truncate.
func (b *Batch) truncate(in incoming) {
	b.truncates = true
	for _, r := range b.rows {
		if r.key.Table == in.op.Key.Table && r.key.Row != "" {
			r.add(in)
		}
	}
	r := b.byKey[in.op.Key]
	if r == nil {
		r = &row{key: in.op.Key}
		b.rows = slices.Insert(b.rows, 0, r)
		b.byKey[in.op.Key] = r
	}
	r.add(in)
}

func (r *row) add(in incoming) {
	r.ops = append(r.ops, in)
	r.written = r.written.then(in.op)
}

// Records are the conflicts that the last look at each row decided.
func (b *Batch) Records() []conflict.Record {
	if b.settled != nil {
		return b.settled
	}
	var out []conflict.Record
	for _, r := range b.rows {
		out = append(out, r.records...)
	}
	return out
}

// isPiece reports whether the batch is a piece of a large transaction.
func (b *Batch) isPiece() bool { return !b.Transactions[0].Whole() }

// Len is the number of rows that the batch writes.
func (b *Batch) Len() int { return len(b.rows) }

// Touches reports whether the batch writes a row. A batch that truncates is asked about as a whole.
func (b *Batch) Touches(key change.Key) bool { return b.byKey[key] != nil }

// Writes are the batch's optimistic writes: its net effect per row, truncates first, then in the order of
// first mention. The index of each is how [Batch.Missing] names it.
func (b *Batch) Writes() []Write {
	w := make([]Write, len(b.rows))
	for i, r := range b.rows {
		w[i] = r.written
	}
	return w
}

// Steps are the batch's operations one by one, as its origin did them, and each one's place in [Batch.Writes].
// A database may refuse the net effects in whatever order where it takes these: unique values can change places.
// A batch that truncates has no steps but its writes.
func (b *Batch) Steps() (steps []Write, rows []int) {
	index := make(map[change.Key]int, len(b.rows))
	for i, r := range b.rows {
		index[r.key] = i
		if b.truncates {
			steps, rows = append(steps, r.written), append(rows, i)
		}
	}
	if b.truncates {
		return steps, rows
	}
	for _, tx := range b.Transactions {
		for i := range tx.Operations {
			op := &tx.Operations[i]
			steps, rows = append(steps, Write{}.then(op)), append(rows, index[op.Key])
		}
	}
	return steps, rows
}

// MissingSteps is Missing for steps: whether a row is there is told by the last step on it.
func (b *Batch) MissingSteps(indexes, rows []int) {
	last := make(map[int]int, len(b.rows))
	for step, row := range rows {
		last[row] = step
	}
	for _, step := range indexes {
		if row := rows[step]; last[row] == step {
			b.Missing([]int{row})
		}
	}
}

// Missing notes that writes found no row. It means nothing in a table that the batch truncates: that is
// locked as a whole.
func (b *Batch) Missing(indexes []int) {
	for _, i := range indexes {
		r := b.rows[i]
		r.missing = b.byKey[change.Key{Table: r.key.Table}] == nil
	}
}

// AnyMissing reports whether some row of the batch isn't locked because it wasn't found.
func (b *Batch) AnyMissing() bool {
	return slices.ContainsFunc(b.rows, func(r *row) bool { return r.missing })
}

// Reset forgets what a failed attempt found, so that the batch can be written anew.
func (b *Batch) Reset() {
	for _, r := range b.rows {
		r.missing, r.decided, r.claimed, r.looked, r.records, r.written = false, false, false, 0, nil, r.net()
	}
}

// net is the net effect of the batch's operations on the row.
func (r *row) net() (w Write) {
	for _, in := range r.ops {
		w = w.then(in.op)
	}
	return w
}
