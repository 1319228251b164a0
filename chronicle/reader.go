package chronicle

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bridge/apply"
	"bridge/change"
	"bridge/stream"
	"bridge/wire"
)

// Topic is a region's.
type Topic struct {
	Region string
	Log    stream.Log
}

// Reader reads the topics of all regions side by side, from a time on up to where they ended when it was opened.
type Reader struct {
	local  apply.Localizer
	topics []*position
	unread change.Vector
}

// position is how far a topic is read.
type position struct {
	Topic
	replay   *apply.Replay
	from     int64
	end      int64
	at       change.Timestamp // of the last that was read
	finished bool
}

// Passage is what one record says.
type Passage struct {
	Region       string
	Transactions []change.Transaction // pieces, too
	Seen         change.Vector        // by the region at the record's end
	Rules        string               // the fingerprint of those that the region decided by
	Last         bool                 // nothing more comes of the region; then it may be without all else
}

// Open looks at where the topics begin and end. since is by the brokers' clock; the zero time is all that the topics
// have. local brings rows into this region's form.
func Open(ctx context.Context, cluster string, topics []Topic, since time.Time, local apply.Localizer) (*Reader, error) {
	r := &Reader{local: local}
	for _, t := range topics {
		p := &position{Topic: t}
		first, err := p.bounds(ctx, since)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", t.Region, err)
		}
		p.replay = apply.NewReplay(t.Log, cluster, p.from, p.end)
		if first != nil {
			r.unread = append(r.unread, unreadBefore(first)...)
		}
		r.topics = append(r.topics, p)
	}
	r.unread = change.NewVector(r.unread...)
	return r, nil
}

// Unread are the transactions that come before what is read: the last of each origin.
func (r *Reader) Unread() change.Vector { return r.unread }

// unreadBefore is the last transaction before a record's. One of which the record has the end only isn't read.
func unreadBefore(h *wire.Header) change.Vector {
	seq := h.State.Seq
	if h.Kind == wire.Data {
		seq = h.First - 1
		if h.Before > 0 {
			seq = h.First
		}
	}
	return change.NewVector(change.Seen{Origin: h.Origin, Seq: seq})
}

// bounds finds where to begin and end, and the header of the first record; nil if there's none.
func (p *position) bounds(ctx context.Context, since time.Time) (*wire.Header, error) {
	oldest, next, err := p.Log.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	p.from, p.end = oldest, next
	if !since.IsZero() {
		if p.from, err = search(ctx, p.Log, oldest, next, since); err != nil {
			return nil, err
		}
	}
	if p.from == next {
		if p.from == oldest {
			return nil, nil
		}
		p.from-- // to know what isn't read
	}
	records, err := p.Log.Read(ctx, p.from)
	if err != nil {
		return nil, err
	}
	h, err := wire.Peek(records[0].Value)
	if err != nil {
		return nil, fmt.Errorf("topic %s offset %d: %w", p.Log.Name(), records[0].Offset, err)
	}
	return &h, nil
}

// search finds the first record of a time or a later one, by halves.
func search(ctx context.Context, log stream.Log, low, high int64, since time.Time) (int64, error) {
	for low < high {
		middle := low + (high-low)/2
		records, err := log.Read(ctx, middle)
		if err != nil {
			return 0, err
		}
		i := slices.IndexFunc(records, func(r stream.Record) bool { return r.Offset >= high || !r.Time.Before(since) })
		switch {
		case i < 0:
			low = records[len(records)-1].Offset + 1
		case i == 0:
			high = middle
		default:
			return min(records[i].Offset, high), nil
		}
	}
	return low, nil
}

// Next is the next record of the topic that's read the least far in time; nil after the last of all.
func (r *Reader) Next(ctx context.Context) (*Passage, error) {
	var p *position
	for _, t := range r.topics {
		if !t.finished && (p == nil || t.at < p.at) {
			p = t
		}
	}
	if p == nil {
		return nil, nil
	}
	rec, offset, err := p.replay.Next(ctx)
	if err != nil {
		return nil, err
	}
	out := &Passage{Region: p.Region}
	if rec == nil {
		p.finished, out.Last = true, true
		return out, nil
	}
	if region := rec.Origin.Region(); region != p.Region {
		return nil, fmt.Errorf("topic %s offset %d was written by region %s, and should be %s's", p.Log.Name(), offset, region, p.Region)
	}
	for i := range rec.Transactions {
		if err := r.local.Localize(ctx, &rec.Transactions[i]); err != nil {
			return nil, fmt.Errorf("topic %s offset %d, transaction %s: %w", p.Log.Name(), offset, rec.Transactions[i].Dot, err)
		}
	}
	p.at = max(p.at, rec.State.Last, rec.Wall)
	out.Rules, out.Transactions, out.Seen = rec.State.Rules, rec.Transactions, rec.State.Vector.With(rec.Origin, rec.State.Seq)
	return out, nil
}
