package apply

import (
	"testing"
	"time"

	"bridge/change"
)

// TestQueueTellsTheOldest: what a lag is reckoned from is the first transaction that waits, not what was applied last.
func TestQueueTellsTheOldest(t *testing.T) {
	q := newQueue(100, func() {})
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	waiting := func(minute int) item {
		tx := whole(1, 0)
		tx.CommitTime = change.TimestampOf(at.Add(time.Duration(minute) * time.Minute))
		return item{tx: tx, bytes: 1}
	}
	if err := q.push(t.Context(), []item{{}, waiting(1), {}, waiting(2)}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		transactions int
		minute       int
	}{{2, 1}, {2, 1}, {1, 2}, {1, 2}} {
		n, _, oldest := q.state()
		if n != want.transactions || !oldest.Equal(at.Add(time.Duration(want.minute)*time.Minute)) {
			t.Errorf("%d transactions from %s, want %+v", n, oldest, want)
		}
		q.pop(1)
	}
	if n, bytes, oldest := q.state(); n != 0 || bytes != 0 || !oldest.IsZero() {
		t.Errorf("an empty queue has %d transactions, %d bytes, from %s", n, bytes, oldest)
	}
}
