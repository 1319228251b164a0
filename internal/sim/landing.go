package sim

import (
	"bridge/apply"
	"bridge/capture"
	"bridge/change"
)

// batchInFlight is what the watch is told of; nil of a large transaction.
func (f *flight) batchInFlight() *apply.Batch {
	if len(f.batches) > 1 {
		return nil
	}
	return f.batches[0]
}

// endPiece keeps the piece's conflicts, and of a large transaction its operations, and goes on with the next.
func (f *flight) endPiece() {
	f.records = append(f.records, f.batch().Records()...)
	if len(f.batches) > 1 {
		f.rememberPiece(f.batch())
		f.remembered = true
	}
	if f.piece == len(f.batches)-1 {
		f.phase = committing
		return
	}
	f.piece++
	f.beginPiece()
}

func (f *flight) rememberPiece(b *apply.Batch) {
	f.region.remember(b.Transactions[0], f.original(b.Transactions[0]), 0)
}

// original is a transaction's tag as it was on the wire.
func (f *flight) original(tx *change.Transaction) *change.Tag {
	tag := tx.Tag
	tag.Time = f.region.world.asWritten(tag.Time)
	return &tag
}

// commit logs the transaction with its marker. Capture may read it before anybody sees it.
func (f *flight) commit() {
	r := f.region
	l := logged{kind: capture.Echo, records: f.records}
	if f.lane == nil {
		l.marker = f.settling.marker
	} else {
		l.marker = f.batch().Marker
		l.marker.Time = f.time()
	}
	if f.settling != nil {
		l.put, l.away = f.settling.settlement.Moves()
		r.world.stats.Hidden += len(l.put)
		if r.world.fault == NoLost {
			for i := range l.put {
				l.put[i].Lost = nil
			}
		}
	}
	for _, b := range f.batches {
		for _, tx := range b.Transactions {
			l.applied = append(l.applied, tx)
		}
	}
	r.world.checkCommit(r, f, l.applied)
	f.session.commit(l)
	r.world.stats.Conflicts += len(f.records)
	r.world.trace("%s commits %s at log %d: %s parks %s, away %v", r, f, f.session.place-1, showEffects(f.session.effects), showParked(l.put), l.away)
	f.phase = landing
}

// land is the commit's answer: the rows are seen by others, and history takes the operations in.
func (f *flight) land() {
	r := f.region
	f.session.finish()
	f.phase = landed
	r.careful = max(0, r.careful-1)
	r.flights = r.flights[1:]
	if f.settling != nil {
		r.watch.Settled(f.settling.settlement)
	}
	if f.lane == nil {
		return
	}
	f.lane.settle = max(0, f.lane.settle-f.items)
	f.lane.queue = f.lane.queue[f.items:]
	f.lane.taken -= f.items
	if !f.remembered {
		f.remember()
	}
	r.watch.End(f.batchInFlight())
	last := f.batch().Transactions[len(f.batch().Transactions)-1]
	r.learn(f.lane.peer.origin, last.Seen())
}

// remember takes what was applied into history, a large transaction as such.
func (f *flight) remember() {
	applied := f.gathered
	if applied == nil {
		applied = f.batches[0].Transactions
	}
	for _, tx := range applied {
		f.region.remember(tx, f.original(tx), 0)
	}
}
