package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bridge/apply"
	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// tail is what the end of the region's own topic says: where the clock stands and where capture goes on.
type tail struct {
	state    loopguard.State
	position change.Position
	next     int64 // offset after the last record
	empty    bool
}

// lookBack is how many of a topic's last records readTail looks at. What an earlier bridge had sent when it was cut
// off may come to lie behind its successor's records: one call of Append at most, since it sends them one
// after the other.
const lookBack = 64

// readTail reads the end of a region's own topic: the record that tells the furthest state. began says that the
// region has published before: then an empty topic has lost what was in it.
func readTail(ctx context.Context, log stream.Log, cluster string, self change.Origin, began bool) (tail, error) {
	oldest, next, err := log.Bounds(ctx)
	if err != nil {
		return tail{}, err
	}
	if next == oldest {
		switch {
		case !began && next > 0:
			return tail{}, fmt.Errorf("topic %s of this region had records that have expired, although this bridge has never published: the region was "+
				"set up longer ago than the topic keeps records, so the others can't read what it began with; or another bridge used the topic. "+
				"See \"Begin anew\" in docs/operations.md", log.Name())
		case began:
			return tail{}, fmt.Errorf("topic %s of this region is empty but was published to before: its records expired or it was made anew; "+
				"peers that haven't read them all can't go on. Restore the topic, or see \"Begin anew\" in docs/operations.md", log.Name())
		}
		return tail{empty: true}, nil
	}
	var end tail
	for at := max(oldest, next-lookBack); at < next; {
		records, err := log.Read(ctx, at)
		if err != nil {
			return tail{}, fmt.Errorf("read the last records of topic %s: %w", log.Name(), err)
		}
		for i := range records {
			if err := end.raise(&records[i], log.Name(), cluster, self); err != nil {
				return tail{}, err
			}
			at = records[i].Offset + 1
		}
	}
	return end, nil
}

// raise takes in the next record. Of equal sequence numbers the later position counts: a heartbeat's.
func (t *tail) raise(r *stream.Record, topic, cluster string, self change.Origin) error {
	h, err := wire.Peek(r.Value)
	if err != nil {
		return fmt.Errorf("topic %s offset %d: %w", topic, r.Offset, err)
	}
	if h.Cluster == cluster && h.Origin.Region() == self.Region() && h.Origin != self {
		return fmt.Errorf("topic %s offset %d was written by %s, this region is %s (bridge.node): going on as another incarnation isn't supported yet; "+
			"see \"A record is of another incarnation\" in docs/operations.md", topic, r.Offset, h.Origin, self)
	}
	if h.Origin != self || h.Cluster != cluster {
		return fmt.Errorf("topic %s offset %d was written by %s of cluster %s: this region is %s of cluster %s; two regions must not share a topic",
			topic, r.Offset, h.Origin, h.Cluster, self, cluster)
	}
	t.next = r.Offset + 1
	if h.State.Seq > t.state.Seq || h.State.Seq == t.state.Seq && h.Position.Offset >= t.position.Offset {
		t.state, t.position = h.State, h.Position
	}
	return nil
}

// under has the region go on publishing under the rules that it did, or under its file's if they were changed. They mustn't be, while there
// are operations of rules that it doesn't know, which may have to be decided: some regions would decide them by these rules, some by those.
func (t *tail) under(rules *conflict.Rules, h *history.History) error {
	known := rules.Known()
	if others := h.Others(known...); others > 0 && t.state.Seq > 0 {
		return fmt.Errorf("the conflict rules in the configuration were changed, and %d operations that not every region has seen may have to be decided by those before: "+
			"start with conflicts as it was, and with what is to become of it in conflicts.next; see \"Changing conflict rules\" in docs/operations.md", others)
	}
	if t.state.Seq == 0 || !slices.Contains(known, t.state.Rules) {
		t.state.Rules = rules.Fingerprint
	}
	return nil
}

// checkProgress refuses a database that lacks what its own log had shown: it's an older copy, or bridge.progress was
// edited. What it has committed since that copy isn't known to be what the topic says.
func (t *tail) checkProgress(progress Progress) error {
	for _, seen := range t.state.Vector {
		if had := progress[seen.Origin].Seq; had < seen.Seq {
			return fmt.Errorf("this region has published that it had applied %s, but bridge.progress says %d: "+
				"the database was restored from an older copy, or the table was edited; see \"Begin anew\" in docs/operations.md",
				change.Dot(seen), had)
		}
	}
	return nil
}

// rebuild adds an origin's transactions up to seq to the history, as they're in its topic between two offsets,
// and learns what the origin had seen. Of the transactions up to forgotten some may have been
// needed, and have expired.
func rebuild(ctx context.Context, h *history.Locked, local apply.Localizer, log stream.Log, cluster string, o change.Origin, from int64, seq uint64, end int64) (forgotten uint64, err error) {
	oldest, next, err := log.Bounds(ctx)
	if err != nil {
		return 0, err
	}
	r := rebuilder{origin: o, seq: seq, expired: from < oldest}
	replay := apply.NewReplay(log, cluster, max(from, oldest), min(end, next))
	for {
		rec, offset, err := replay.Next(ctx)
		if err != nil {
			return 0, fmt.Errorf("rebuild history from topic %s: %w", log.Name(), err)
		}
		if rec == nil {
			return r.gone(), nil
		}
		if err := r.record(ctx, h, local, rec); err != nil {
			return 0, fmt.Errorf("rebuild history from topic %s offset %d: %w", log.Name(), offset, err)
		}
	}
}

type rebuilder struct {
	origin change.Origin
	seq    uint64 // the last transaction that counts

	expired bool   // what the topic began with is gone
	missing uint64 // the last transaction that isn't there
	last    uint64 // the last that is, or that is known to be missing
}

// follow notes that the topic goes on after transaction seq.
func (r *rebuilder) follow(seq uint64) {
	if seq > r.last {
		r.missing, r.last = seq, seq
	}
}

// gone is the last transaction that counts and may have been needed and isn't there; 0 if there's none.
func (r *rebuilder) gone() uint64 {
	switch {
	case !r.expired:
		return 0
	case r.last < r.seq: // of the last one perhaps only the end is left
		return r.seq
	}
	return min(r.missing, r.seq)
}

func (r *rebuilder) record(ctx context.Context, h *history.Locked, local apply.Localizer, rec *wire.Record) error {
	if rec.Origin != r.origin {
		return fmt.Errorf("it's of %s, not of %s", rec.Origin, r.origin)
	}
	for i := range rec.Transactions {
		if tx := &rec.Transactions[i]; tx.Dot.Seq <= r.seq { // the others aren't looked at: they may not fit
			if err := local.Localize(ctx, tx); err != nil {
				return fmt.Errorf("%s: %w", tx.Dot, err)
			}
		}
	}
	var errs []error
	h.Do(func(h *history.History) {
		for i := range rec.Transactions {
			errs = append(errs, r.transaction(h, &rec.Transactions[i]))
		}
		if rec.Kind == wire.HeartbeatMessage {
			r.follow(rec.State.Seq)
		}
		if rec.Kind == wire.HeartbeatMessage && rec.State.Seq <= r.seq {
			h.Learn(r.origin, rec.State.Vector.With(r.origin, rec.State.Seq))
		}
	})
	return errors.Join(errs...)
}

func (r *rebuilder) transaction(h *history.History, tx *change.Transaction) error {
	r.follow(tx.Dot.Seq - 1)
	if tx.Last {
		r.last = max(r.last, tx.Dot.Seq)
	}
	if tx.Dot.Seq > r.seq {
		return nil
	}
	err := h.AddTransaction(tx, 0)
	if tx.Last {
		h.Learn(r.origin, tx.Seen())
	}
	return err
}
