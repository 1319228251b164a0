package sim

import (
	"context"

	"bridge/apply"
	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
	"bridge/visibility"
	"bridge/wire"
)

// start makes the process's memory from what the topics and the database say.
func (r *region) start() {
	w := r.world
	r.process = process{builder: wire.NewBuilder(cluster, r.origin)}
	var state loopguard.State
	for _, record := range r.topic.records { // the last to tell isn't always the furthest
		h, err := wire.Peek(record)
		if err != nil {
			w.fail("wire", "%s: tail of its own topic: %v", r, err)
		}
		if at := int(h.Position.Offset); h.State.Seq > state.Seq || h.State.Seq == state.Seq && at >= r.pos {
			state, r.pos = h.State, at
		}
	}
	r.clock = loopguard.NewClock(r.origin, state)
	r.history = history.New(r.origin, w.origins, 0)
	r.keepBefore()
	r.history.Resume(r.db.cut)
	r.confirm, r.told = r.pos, state

	r.recall(r, state.Seq)
	r.history.Resumed(r.origin, state.Seq)
	for _, peer := range w.regions {
		if peer != r {
			m := r.db.progress[peer.origin]
			r.recall(peer, m.Seq)
			r.history.Resumed(peer.origin, m.Seq)
			r.sent = r.sent.With(peer.origin, m.Seq)
			r.lanes = append(r.lanes, newLane(r, peer, m))
		}
	}
	r.startWatch()
	r.learn(r.origin, state.Vector)
	r.succeed()
}

// keepBefore has history keep what rules, and parents' deletes, need.
func (r *region) keepBefore() {
	catalog := r.world.catalog()
	r.history.KeepBefore(func(t change.TableName) bool {
		return r.rules().NeedImages(t) || catalog[t] != nil && len(catalog[t].Referred) > 0
	})
}

// startWatch begins to watch what constraints hide.
func (r *region) startWatch() {
	var parked []visibility.Parked
	for _, key := range r.world.keys() {
		if p, ok := r.db.parked[key]; ok {
			parked = append(parked, p)
		}
	}
	var err error
	if r.watch, err = apply.NewWatch(context.Background(), r.origin, r.catalog(), parked, forms{}); err != nil {
		r.world.fail("I9 progress", "%s: %v", r, err)
	}
	r.watch.Read = func(context.Context) (visibility.Catalog, error) { return r.catalog(), nil }
	r.startMending()
	r.watch.Orphans = func() {
		if r.mending != nil {
			r.mending.woken = true
		}
	}
	r.watch.Resume(r.history)
}

// recall adds a topic's transactions up to seq to history, which passes over what its cut doesn't need.
func (r *region) recall(from *region, seq uint64) {
	w := r.world
	inbox := apply.NewInbox(from.origin, 0)
	decoder := wire.NewDecoder(cluster)
	var pieces []*change.Transaction
	for offset, record := range from.topic.records {
		rec, err := decoder.Decode(record)
		if err != nil {
			w.fail("wire", "%s recalls %s: %v", r, from, err)
			return
		}
		if rec.Kind == wire.HeartbeatMessage && rec.State.Seq <= seq && from != r {
			r.history.Learn(from.origin, rec.State.Vector.With(from.origin, rec.State.Seq))
		}
		for i := range rec.Transactions {
			tx := &rec.Transactions[i]
			if tx.Dot.Seq > seq {
				return
			}
			fresh, err := inbox.Take(tx, int64(offset))
			if err != nil {
				w.fail("I8 loud", "%s recalls %s: %v", r, from, err)
				return
			}
			if fresh == nil {
				continue
			}
			if fresh.Before == 0 {
				pieces = pieces[:0]
			}
			pieces = append(pieces, fresh)
			if fresh.Last {
				r.recallTransaction(from, pieces)
			}
		}
	}
}

func (r *region) recallTransaction(from *region, pieces []*change.Transaction) {
	for _, tx := range pieces {
		r.remember(tx, &tx.Tag, 0)
	}
	if from != r {
		r.history.Learn(from.origin, pieces[0].Seen())
	}
}
