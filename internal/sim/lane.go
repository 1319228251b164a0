package sim

import (
	"slices"

	"bridge/apply"
	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
	"bridge/wire"
)

// lane is one peer's way into a region: its topic, read from where the database stands, and what was read
// and isn't applied.
type lane struct {
	region  *region
	peer    *region
	inbox   *apply.Inbox
	decoder *wire.Decoder
	next    int // offset of the record to read
	cut     int // the step until which the peer's topic can't be reached
	queue   []item
	taken   int                   // items at the queue's front that are in flight
	settle  int                   // transactions still to be settled
	lacks   []history.Ref         // what can't be read from a topic, and must be before anything is applied
	pieces  []*change.Transaction // of a large transaction that isn't complete
}

// item is a transaction, or what a heartbeat told.
type item struct {
	pieces []*change.Transaction // one, of most transactions
	seen   change.Vector         // of a heartbeat
	seq    uint64
	offset int64
}

func newLane(r, peer *region, m loopguard.Marker) *lane {
	return &lane{
		region: r, peer: peer, inbox: apply.NewInbox(peer.origin, m.Seq),
		decoder: wire.NewDecoder(cluster), next: int(m.Offset),
	}
}

// read reads one record and reports whether there was one.
func (l *lane) read() bool {
	w := l.region.world
	if l.next >= len(l.peer.topic.records) {
		return false
	}
	offset := int64(l.next)
	rec, err := l.decoder.Decode(l.peer.topic.records[l.next])
	l.next++
	if err != nil {
		w.fail("wire", "%s reads %s at offset %d: %v", l.region, l.peer, offset, err)
		return false
	}
	l.hear(&rec.Header)
	if rec.Kind == wire.HeartbeatMessage {
		if err := l.inbox.At(rec.State.Seq, offset); err != nil && w.fault != DropRecord {
			w.fail("I8 loud", "%s: %v", l.region, err)
		}
		if rec.State.Seq >= l.inbox.Seq() {
			l.push(item{seen: rec.State.Vector.With(l.peer.origin, rec.State.Seq), seq: rec.State.Seq, offset: offset})
		}
		return true
	}
	if (w.fault == DropRecord || w.fault == DropRecordLoudly) && w.rng.IntN(20) == 0 {
		w.trace("%s loses offset %d of %s", l.region, offset, l.peer)
		return true
	}
	for i := range rec.Transactions {
		l.transaction(&rec.Transactions[i], offset)
	}
	return true
}

func (l *lane) transaction(tx *change.Transaction, offset int64) {
	w := l.region.world
	if w.fault == DropRecord && tx.Dot.Seq > l.inbox.Seq()+1 {
		l.inbox = apply.NewInbox(l.peer.origin, tx.Dot.Seq-1)
	}
	if w.fault == BeginAgain && tx.Before == 0 && tx.Dot.Seq > l.inbox.Seq() {
		l.inbox = apply.NewInbox(l.peer.origin, l.inbox.Seq())
	}
	fresh, err := l.inbox.Take(tx, offset)
	if err != nil {
		if w.fault != DropRecord {
			w.fail("I8 loud", "%s: %v", l.region, err)
		}
		return
	}
	if fresh == nil && w.fault == ApplyTwice && tx.Whole() {
		fresh = tx
	}
	if fresh == nil {
		return
	}
	if !slices.Contains(l.region.rules().Known(), fresh.Rules) && w.fault != RulesByRegion {
		w.fail("I8 loud", "%s reads %s of %s under rules that it doesn't know", l.region, fresh.Dot, l.peer)
	}
	if fresh.Before == 0 {
		l.pieces = nil
	}
	l.pieces = append(l.pieces, fresh)
	if !fresh.Last {
		return
	}
	l.push(item{pieces: l.pieces, seq: fresh.Dot.Seq, offset: offset})
	l.pieces = nil
}

func (l *lane) push(it item) {
	if l.region.world.fault == LearnAtReceipt {
		seen := it.seen
		if it.pieces != nil {
			seen = it.pieces[0].Seen()
		}
		l.region.learn(l.peer.origin, seen)
	}
	l.queue = append(l.queue, it)
}

// ready reports whether all that the transaction had seen is here, or on its way before it (I5).
func (l *lane) ready(tx *change.Transaction) bool {
	if l.region.world.fault == NoCausality {
		return true
	}
	for _, dep := range tx.Deps {
		if dep.Origin != l.region.origin && l.region.sent.Get(dep.Origin) < dep.Seq {
			return false
		}
	}
	return true
}

// take makes a flight of what is ready, or returns nil.
func (l *lane) take() *flight {
	r := l.region
	for len(l.queue) > l.taken && l.queue[l.taken].pieces == nil { // a heartbeat counts once all before it is applied
		if l.taken > 0 {
			return nil
		}
		r.learn(l.peer.origin, l.queue[0].seen)
		l.queue = l.queue[1:]
	}
	if l.waits() {
		return nil
	}
	f := &flight{region: r, lane: l}
	limit := 1 + r.world.rng.IntN(r.world.plan.batch)
	if l.settle > 0 {
		if limit = l.settle; len(r.flights) > 0 {
			return nil
		}
	}
	for i, it := range l.queue[l.taken:] {
		if it.pieces == nil || f.items == limit || !l.ready(it.pieces[0]) || i > 0 && it.pieces[0].Rules != l.queue[l.taken].pieces[0].Rules {
			break
		}
		if i == 0 && !r.follow(it.pieces[0].Rules) {
			return nil
		}
		if len(it.pieces) > 1 {
			if f.items == 0 && len(r.flights) == 0 { // a large transaction flies alone
				f.addPieces(it)
			}
			break
		}
		if f.overlaps(it.pieces[0]) || !f.add(it) {
			break
		}
	}
	if f.items == 0 {
		return nil
	}
	return f.constrained()
}
