package history

import "bridge/change"

// queue is the keys that one origin's transactions wrote, in the origin's order. It's a list of
// chunks, so that it shrinks as it drains.
type queue struct {
	chunks [][]queued
	head   int // of the first chunk
	last   uint64
	n      int
}

// queued is a key as a table and a row. The table may have gone since, and another of its name have come.
type queued struct {
	tag   *change.Tag
	seq   uint64 // not below its predecessor's
	table *table
	row   string
}

func (q *queued) key() change.Key { return change.Key{Table: q.table.name, Row: q.row} }

const chunkSize = 512

func (q *queue) len() int { return q.n }

func (q *queue) front() *queued { return &q.chunks[0][q.head] }

// push adds a key. A transaction that was added before (its seq is lower than the last) is only in the
// queue once; its key would be pruned by the first already, so a repetition does no harm.
func (q *queue) push(tag *change.Tag, t *table, row string) {
	seq := max(tag.Dot.Seq, q.last) // the queue stays sorted whatever is added again
	q.last = seq
	if len(q.chunks) == 0 || len(q.chunks[len(q.chunks)-1]) == chunkSize {
		q.chunks = append(q.chunks, make([]queued, 0, chunkSize))
	}
	c := len(q.chunks) - 1
	q.chunks[c] = append(q.chunks[c], queued{tag, seq, t, row})
	q.n++
}

func (q *queue) pop() {
	q.head++
	q.n--
	if q.head == len(q.chunks[0]) {
		q.chunks[0] = nil
		q.chunks = q.chunks[1:]
		q.head = 0
	}
}

// back is the key that was pushed last.
func (q *queue) back() *queued {
	c := q.chunks[len(q.chunks)-1]
	return &c[len(c)-1]
}

// popBack takes back the last push.
func (q *queue) popBack() {
	if q.n == 1 { // the chunk may have a head, which is no more to be counted
		q.chunks, q.head, q.n = nil, 0, 0
		return
	}
	c := len(q.chunks) - 1
	q.chunks[c] = q.chunks[c][:len(q.chunks[c])-1]
	q.n--
	if len(q.chunks[c]) == 0 {
		q.chunks = q.chunks[:c]
	}
}
