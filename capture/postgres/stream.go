package postgres

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/jackc/pglogrepl"

	"bridge/capture"
	"bridge/capture/spool"
	"bridge/loopguard"
)

// streams are the transactions that the server has begun to send before their commit, because they
// outgrew logical_decoding_work_mem. They come in blocks, between Stream Start and Stream Stop.
//
// One whose first change is a marker is an echo: its rows are dropped as they come. All others are
// spilled, and decided and decoded at their commit, without the subtransactions that were aborted.
type streams struct {
	relations *relations
	spool     *spool.Spool
	byXid     map[uint32]*stream
	current   *stream // whose block is being read; nil between blocks
}

type stream struct {
	xid     uint32
	spill   spool.Spill
	spilled bool
	aborted map[uint32]bool // subtransactions

	announced []announcement
	latest    map[uint32]*relation // of them, by OID, aborted or not

	echo    bool
	markers []streamedMarker // of an echo
}

// announcement is a relation as (sub)transaction xid saw it. Its place among the rows is held by a
// record with its index.
type announcement struct {
	xid      uint32
	relation *relation
}

type streamedMarker struct {
	xid    uint32
	marker loopguard.Marker
}

func newStreams(r *relations, s *spool.Spool) *streams {
	return &streams{relations: r, spool: s, byXid: make(map[uint32]*stream)}
}

// start begins a block.
func (s *streams) start(body []byte) error {
	c := cursor{rest: body}
	xid, first := c.uint32(), c.byte()
	if err := c.done("Stream Start"); err != nil {
		return err
	}
	st := s.byXid[xid]
	if (st == nil) != (first == 1) {
		return badLog("block of streamed transaction %d comes out of order", xid)
	}
	if st == nil {
		st = &stream{xid: xid, aborted: make(map[uint32]bool), latest: make(map[uint32]*relation)}
		s.byXid[xid] = st
	}
	s.current = st
	return nil
}

// receive takes a message inside a block.
func (s *streams) receive(at pglogrepl.LSN, message []byte) error {
	st, tag := s.current, message[0]
	switch tag {
	case msgStreamStop:
		s.current = nil
		return nil
	case msgOrigin:
		return nil // without an xid
	}
	xid, body, err := streamHead(message[1:])
	if err != nil {
		return err
	}
	switch tag {
	case msgType:
		return s.relations.announceType(body)
	case msgRelation:
		return s.announce(st, xid, at, body)
	case msgInsert, msgUpdate, msgDelete:
		return s.row(st, xid, at, tag, body)
	case msgTruncate:
		return s.keep(st, xid, at, tag, body)
	case msgLogical:
		if _, ours, err := parseLogical(body); err != nil || !ours {
			return err
		}
		return s.keep(st, xid, at, tag, body)
	}
	return badLog("unknown message %q in a stream: this server speaks more than protocol 2 of pgoutput", tag)
}

func (s *streams) announce(st *stream, xid uint32, at pglogrepl.LSN, body []byte) error {
	rel, err := s.relations.announce(body)
	if err != nil {
		return err
	}
	index := binary.LittleEndian.AppendUint32(nil, uint32(len(st.announced)))
	st.announced = append(st.announced, announcement{xid, rel})
	st.latest[rel.oid] = rel
	return s.keep(st, xid, at, msgRelation, index)
}

func (s *streams) row(st *stream, xid uint32, at pglogrepl.LSN, tag byte, body []byte) error {
	if len(body) < 4 {
		return badLog("row message is cut short")
	}
	rel := st.latest[binary.BigEndian.Uint32(body)]
	if rel == nil {
		return badLog("row of a table (OID %d) that wasn't announced in its stream", binary.BigEndian.Uint32(body))
	}
	isMarker := rel.role == roleMarker && tag != msgDelete
	switch {
	case rel.role == roleOwn:
		return nil
	case isMarker && (st.echo || !st.spilled):
		m, err := rel.parseMarker(tag, string(body[4:]))
		if err != nil {
			return err
		}
		st.echo = true
		st.markers = append(st.markers, streamedMarker{xid, m})
		return nil
	case st.echo:
		return nil
	}
	return s.keep(st, xid, at, tag, body)
}

// keep spills a message. Of an echo that's everything but rows: little, and it may be an error.
func (s *streams) keep(st *stream, xid uint32, at pglogrepl.LSN, tag byte, body []byte) error {
	if tag != msgRelation {
		st.spilled = true
	}
	r := record{xid: xid, at: at, tag: tag, body: body}
	return r.appendTo(s.spool, &st.spill)
}

// abort forgets a transaction, or a subtransaction's changes.
func (s *streams) abort(body []byte) error {
	c := cursor{rest: body}
	xid, sub := c.uint32(), c.uint32()
	if err := c.done("Stream Abort"); err != nil {
		return err
	}
	st := s.byXid[xid]
	if st == nil {
		return badLog("abort of streamed transaction %d, of which nothing came", xid)
	}
	if sub != xid {
		st.aborted[sub] = true
		return nil
	}
	delete(s.byXid, xid)
	return s.spool.Release(&st.spill)
}

// commit takes a committed transaction out. It's to be replayed.
func (s *streams) commit(m commitMessage) (*replay, error) {
	st := s.byXid[m.xid]
	if st == nil {
		return nil, badLog("commit of streamed transaction %d, of which nothing came", m.xid)
	}
	delete(s.byXid, m.xid)
	p := &replay{streams: s, stream: st, end: uint64(m.end), reader: st.spill.Reader(), latest: make(map[uint32]*relation)}
	p.begin(m.xid, m.time, 0)
	p.rows = rows{transaction: &p.transaction, relations: s.relations, find: p.find}
	return p, p.marks()
}

// replay turns a committed stream into the events of a transaction.
type replay struct {
	transaction
	rows    rows
	streams *streams
	stream  *stream
	reader  *spool.Reader
	latest  map[uint32]*relation // as announced up to here
	end     uint64               // where the commit record ends
}

// marks notes the markers of an echo that weren't rolled back.
func (p *replay) marks() error {
	for _, m := range p.stream.markers {
		if p.stream.aborted[m.xid] {
			continue
		}
		if err := p.Mark(m.marker); err != nil {
			return err
		}
	}
	if p.stream.echo && p.Kind() != capture.Echo {
		return badLog("a transaction rolled back the write to bridge.progress that it began with: only bridge may write it")
	}
	return nil
}

// next is the next event. at is where the log was when an error arose.
func (p *replay) next(ctx context.Context) (e capture.Event, at pglogrepl.LSN, err error) {
	for {
		rec, err := nextRecord(p.reader)
		if err == io.EOF {
			e, err := p.done()
			return e, pglogrepl.LSN(p.end), err
		}
		if err == nil {
			err = p.message(ctx, rec)
		}
		if err != nil {
			return e, rec.at, err
		}
		if e, ok := p.Take(); ok {
			return e, rec.at, nil
		}
	}
}

func (p *replay) message(ctx context.Context, rec record) error {
	if p.stream.aborted[rec.xid] {
		return nil
	}
	switch rec.tag {
	case msgRelation:
		rel := p.stream.announced[binary.LittleEndian.Uint32(rec.body)].relation
		p.streams.relations.inherit(rel)
		p.latest[rel.oid] = rel
		return nil
	case msgTruncate:
		return p.rows.truncate(ctx, rec.body)
	case msgLogical:
		content, _, err := parseLogical(rec.body)
		if err != nil {
			return err
		}
		return p.emit(content)
	}
	return p.rows.change(ctx, rec.tag, rec.body)
}

// find is the table of a row. A row's table has been announced in its own stream.
func (p *replay) find(oid uint32) (*relation, error) {
	if rel := p.latest[oid]; rel != nil {
		return rel, nil
	}
	return nil, badLog("row of a table (OID %d) that wasn't announced in its stream", oid)
}

// done ends the replay: what the stream announced holds from now on for all.
func (p *replay) done() (capture.Event, error) {
	for _, a := range p.stream.announced {
		if !p.stream.aborted[a.xid] {
			p.streams.relations.learn(a.relation)
		}
	}
	return p.finish(p.end), p.streams.spool.Release(&p.stream.spill)
}
