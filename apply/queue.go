package apply

import (
	"context"
	"sync"
	"time"

	"bridge/change"
)

// item is the next thing in an origin's stream: a whole transaction, a large transaction that's
// still in the topic, or what a heartbeat told.
type item struct {
	tx     *change.Transaction // whole, or the first piece of a large one without its operations
	large  *span
	seen   change.Vector // of a heartbeat: what the origin had seen after its transaction seq
	seq    uint64
	offset int64 // of the record that completes it
	bytes  int   // of its record, counted once a record
}

// span is where a large transaction's pieces are in the topic.
type span struct {
	from, to int64 // offsets of the first record and of the last, inclusive
}

// queue holds what has been read from one origin's topic and isn't committed yet, bounded by the size of
// the records.
type queue struct {
	limit int
	wake  func() // called when something was added

	mu    sync.Mutex
	items []item
	bytes int
	space chan struct{}
}

func newQueue(limit int, wake func()) *queue {
	return &queue{limit: limit, wake: wake, space: make(chan struct{}, 1)}
}

// push adds items, waiting while the queue is full; one record may go over the limit.
func (q *queue) push(ctx context.Context, items []item) error {
	for {
		q.mu.Lock()
		if q.bytes < q.limit {
			for i := range items {
				q.bytes += items[i].bytes
			}
			q.items = append(q.items, items...)
			q.mu.Unlock()
			q.wake()
			return nil
		}
		q.mu.Unlock()
		select {
		case <-q.space:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// from is the items after the first n, at most max of them. They stay in the queue.
func (q *queue) from(n, max int) []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items[n:min(len(q.items), n+max)]
}

// pop drops the first n items.
func (q *queue) pop(n int) {
	q.mu.Lock()
	for i := range n {
		q.bytes -= q.items[i].bytes
		q.items[i] = item{}
	}
	q.items = q.items[n:]
	q.mu.Unlock()
	select {
	case q.space <- struct{}{}:
	default:
	}
}

func (q *queue) clear() {
	q.mu.Lock()
	n := len(q.items)
	q.mu.Unlock()
	q.pop(n)
}

// state is what the queue holds: transactions, the bytes of their records, and the commit time of the first
// transaction, zero if there's none.
func (q *queue) state() (transactions, bytes int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.items {
		if tx := q.items[i].tx; tx != nil {
			if transactions++; transactions == 1 {
				oldest = tx.CommitTime.Time()
			}
		}
	}
	return transactions, q.bytes, oldest
}
