package sim

import (
	"context"
	"errors"
	"slices"

	"bridge/apply"
	"bridge/change"
	"bridge/history"
	"bridge/stream"
)

// errNotYet ends a read at the end of a topic, and of one that's away: the real one would wait.
var errNotYet = errors.New("nothing there yet")

// Read lets the shipped archive read a model topic.
func (t *topic) Read(_ context.Context, from int64) ([]stream.Record, error) {
	if t.away() || from >= int64(len(t.records)) {
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

// recollect gives history what it lacks for a decision of a flight's, and reports whether it could. What can't be read is waited
// for; in the end the flight is given up. piece is the one that's decided, of a large transaction that comes in pieces.
func (f *flight) recollect(lacks func() []history.Ref, piece *change.Transaction) bool {
	for {
		refs := lacks()
		if len(refs) == 0 {
			return true
		}
		if !f.region.refill(refs, piece) {
			if f.lane != nil && f.region.world.rng.IntN(4) == 0 {
				f.park(refs)
			}
			return false
		}
	}
}

// refill reads operations again that history lacks, and reports whether the topics gave them: a local transaction may not be
// published yet, and a topic may be away.
func (r *region) refill(refs []history.Ref, piece *change.Transaction) bool {
	a := apply.Archive{Cluster: cluster, Logs: map[change.Origin]stream.Log{}, From: func(change.Dot) int64 { return 0 }, Local: apply.AsLogged{}}
	for _, other := range r.world.regions {
		a.Logs[other.origin] = &other.topic
	}
	err := a.Fill(context.Background(), history.NewLocked(r.history), refs, piece)
	if errors.Is(err, errNotYet) {
		return false
	}
	if err != nil {
		r.world.fail("I8 loud", "%s: %v", r, err)
		return false
	}
	r.world.stats.Recalled += len(refs)
	return true
}

// park takes a flight back, with all that come after it. Its lane waits until the topics give what it lacks; the other lanes
// don't.
func (f *flight) park(lacks []history.Ref) {
	r := f.region
	own := f.batch().Transactions[0].Dot // its earlier pieces: history forgets them
	f.lane.lacks = slices.DeleteFunc(lacks, func(ref history.Ref) bool { return ref.Dot == own })
	r.world.trace("%s gives up %s, which waits for topics", r, f)
	r.world.stats.Waited++
	sent := r.sent
	f.forget()
	r.takeBack(slices.Index(r.flights, f))
	if r.world.fault == CountWaiting {
		r.sent = sent
	}
}

// waits reports whether the lane still lacks something of a topic.
func (l *lane) waits() bool {
	if len(l.lacks) > 0 && l.region.refill(l.lacks, &change.Transaction{}) {
		l.lacks = nil
	}
	return len(l.lacks) > 0
}
