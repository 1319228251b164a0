package sim

import (
	"context"
	"errors"

	"bridge/apply"
	"bridge/change"
	"bridge/history"
	"bridge/stream"
)

// errNotYet ends a read at the end of a topic: the real one would wait.
var errNotYet = errors.New("nothing there yet")

// Read lets the shipped archive read a model topic.
func (t *topic) Read(_ context.Context, from int64) ([]stream.Record, error) {
	if from >= int64(len(t.records)) {
		return nil, errNotYet
	}
	return []stream.Record{{Offset: from, Value: t.records[from]}}, nil
}

// Append, Bounds, Name and Close make a topic a [stream.Log]; the archive only reads.
func (t *topic) Append(context.Context, [][]byte) (int64, error) { panic("the archive writes") }
func (t *topic) Bounds(context.Context) (oldest, next int64, err error) {
	return 0, int64(len(t.records)), nil
}
func (t *topic) Name() string { return "model" }
func (t *topic) Close() error { return nil }

// recollect gives history what it lacks to certify a batch, and reports whether it could: a local
// transaction may not be published yet.
func (r *region) recollect(b *apply.Batch, asOf uint64) bool {
	for {
		refs := b.Lacks(r.history, asOf)
		if len(refs) == 0 {
			return true
		}
		a := apply.Archive{Cluster: cluster, Logs: map[change.Origin]stream.Log{}, From: func(change.Dot) int64 { return 0 }, Local: apply.AsLogged{}}
		for _, other := range r.world.regions {
			a.Logs[other.origin] = &other.topic
		}
		err := a.Fill(context.Background(), history.NewLocked(r.history), refs, b.Transactions[0])
		if errors.Is(err, errNotYet) {
			return false
		}
		if err != nil {
			r.world.fail("I8 loud", "%s: %v", r, err)
			return false
		}
		r.world.stats.Recalled += len(refs)
	}
}
