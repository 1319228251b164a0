package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"bridge/change"
	"bridge/loopguard"
)

// Builder writes one record at a time. It isn't safe for concurrent use.
type Builder struct {
	cluster string
	origin  change.Origin
	next    string // rules that are announced
	ready   bool   // to go over to next
	body    []byte // the transactions so far
	defs    []byte // the tables' definitions so far
	scratch []byte // the record under assembly in Finish

	origins     []change.Origin
	originsSize int
	tables      map[uint64]int // by fingerprint

	count, operations, values int

	first, prev begun
	lastTable   *change.Table
}

// begun is what of a transaction the next one is coded against.
type begun struct {
	change.Tag
	position change.Position
	commit   change.Timestamp
	before   uint32 // operations of the transaction before the piece
	end      uint32 // and with it
	last     bool
}

// NewBuilder makes a builder of records of an origin in a cluster.
func NewBuilder(cluster string, origin change.Origin) *Builder {
	return &Builder{cluster: cluster, origin: origin, tables: map[uint64]int{}}
}

// Announce has the records say that the origin is ready to go over to other rules.
func (b *Builder) Announce(fingerprint string) { b.next, b.ready = fingerprint, true }

// Reset drops what was added and keeps the memory.
func (b *Builder) Reset() {
	clear(b.tables)
	*b = Builder{
		cluster: b.cluster, origin: b.origin, next: b.next, ready: b.ready,
		body: b.body[:0], defs: b.defs[:0], scratch: b.scratch,
		origins: b.origins[:0], tables: b.tables,
	}
}

// Count is how many transactions, or pieces of them, were added.
func (b *Builder) Count() int { return b.count }

// Size is at least the number of bytes that [Builder.Finish] will return, given a state and position
// whose vector and GTID are no larger than those added.
func (b *Builder) Size() int {
	const numbers = 16 * binary.MaxVarintLen64
	vector := (len(b.origins) + 1) * 2 * binary.MaxVarintLen64
	return numbers + len(b.cluster) + len(b.origin) + len(b.prev.Rules) + len(b.next) + b.originsSize + vector +
		len(b.prev.position.GTID) + len(b.defs) + len(b.body)
}

// Add appends a transaction or a piece of one. Within a record transactions are of the builder's
// origin and follow each other without a gap. An error names table and key, and leaves the builder
// unusable until its Reset.
func (b *Builder) Add(t *change.Transaction) error {
	continued, err := b.follow(t)
	if err != nil {
		return err
	}
	now := begun{t.Tag, t.Position, t.CommitTime, t.Before, t.Before + uint32(len(t.Operations)), t.Last}
	if b.count == 0 {
		b.first = now
	}
	b.appendTag(&now, continued)
	b.body = binary.AppendUvarint(b.body, uint64(len(t.Operations)))
	for i := range t.Operations {
		if err := b.appendOperation(&t.Operations[i]); err != nil {
			return fmt.Errorf("encode transaction %s: %w", t.Dot, err)
		}
	}
	b.prev = now
	b.count++
	b.operations += len(t.Operations)
	return nil
}

// follow checks that t may come next and reports whether it's a further piece of the transaction
// before it.
func (b *Builder) follow(t *change.Transaction) (continued bool, err error) {
	p := &b.prev
	switch {
	case t.Dot.Origin != b.origin:
		return false, fmt.Errorf("encode transaction %s: record is of origin %s", t.Dot, b.origin)
	case t.Dot.Seq == 0:
		return false, fmt.Errorf("encode transaction of %s without sequence number", b.origin)
	case uint64(t.Before)+uint64(len(t.Operations)) > math.MaxUint32:
		return false, fmt.Errorf("encode transaction %s: it has more than %d operations; divide it", t.Dot, uint32(math.MaxUint32))
	case !t.Last && len(t.Operations) == 0:
		return false, fmt.Errorf("encode transaction %s: the piece from operation %d on is empty, and not the last", t.Dot, t.Before)
	case b.count == 0:
		return false, nil
	case t.Rules != p.Rules:
		return false, fmt.Errorf("encode transaction %s: it was written under other conflict rules than %s, in the same record", t.Dot, p.Dot)
	case p.last && t.Dot.Seq == p.Dot.Seq+1 && t.Before == 0:
		return false, nil
	case !p.last && t.Dot.Seq == p.Dot.Seq && t.Before == p.end:
		if t.Time != p.Time || t.CommitTime != p.commit || t.Position != p.position || !slices.Equal(t.Deps, p.Deps) {
			return false, fmt.Errorf("encode transaction %s: the piece from operation %d on differs from the one before it in tag, position or commit time", t.Dot, t.Before)
		}
		return true, nil
	}
	return false, fmt.Errorf("encode transaction %s from operation %d: does not follow %s up to operation %d (last: %t)", t.Dot, t.Before, p.Dot, p.end, p.last)
}

func (b *Builder) appendTag(t *begun, continued bool) {
	p := &b.prev
	flags := byte(0)
	if t.last {
		flags |= flagLast
	}
	if continued {
		b.body = append(b.body, flags|flagContinued)
		return
	}
	if !slices.Equal(t.Deps, p.Deps) {
		flags |= flagVector
	}
	if t.position.GTID != p.position.GTID {
		flags |= flagGTID
	}
	b.body = append(b.body, flags)
	b.body = appendInt(b.body, int64(t.Time-p.Time))
	b.body = appendInt(b.body, int64(t.commit-t.Time))
	b.body = appendInt(b.body, int64(t.position.Offset-p.position.Offset))
	if flags&flagVector != 0 {
		b.body = b.appendVector(b.body, p.Deps, t.Deps)
	}
	if flags&flagGTID != 0 {
		b.body = appendText(b.body, t.position.GTID)
	}
}

func (b *Builder) appendVector(to []byte, prev, v change.Vector) []byte {
	to = binary.AppendUvarint(to, uint64(len(v)))
	for i := range v {
		to = binary.AppendUvarint(to, uint64(b.originIndex(v[i].Origin)))
		to = appendInt(to, int64(v[i].Seq-prev.Get(v[i].Origin)))
	}
	return to
}

func (b *Builder) originIndex(o change.Origin) int {
	if i := slices.Index(b.origins, o); i >= 0 {
		return i
	}
	b.origins = append(b.origins, o)
	b.originsSize += textSize(string(o))
	return len(b.origins) - 1
}

// Finish returns the record, which is the caller's. state is the clock's and pos the log's place after the last
// complete transaction up to here, in this record or before it. The builder is left for Reset.
func (b *Builder) Finish(state loopguard.State, pos change.Position) ([]byte, error) {
	if b.count == 0 {
		return nil, fmt.Errorf("record of %s without transactions", b.origin)
	}
	complete, open := b.prev.Dot.Seq, uint32(0)
	if !b.prev.last {
		complete, open = complete-1, b.prev.end
	}
	if state.Seq != complete {
		return nil, fmt.Errorf("record of %s: state is after %d, the last complete transaction is %d", b.origin, state.Seq, complete)
	}
	if state.Rules != b.prev.Rules {
		return nil, fmt.Errorf("record of %s: state is under other conflict rules than transaction %d", b.origin, b.prev.Dot.Seq)
	}
	h := b.appendHeader(b.scratch[:0], Data, b.extensions(state.Rules), state, pos)
	h = binary.AppendUvarint(h, b.first.Dot.Seq)
	h = binary.AppendUvarint(h, uint64(b.first.before))
	h = binary.AppendUvarint(h, uint64(open))
	h = binary.AppendUvarint(h, uint64(len(b.tables)))
	h = append(h, b.defs...)
	h = binary.AppendUvarint(h, uint64(b.count))
	h = binary.AppendUvarint(h, uint64(b.operations))
	h = binary.AppendUvarint(h, uint64(b.values))
	b.scratch = h
	record := make([]byte, 0, len(h)+len(b.body))
	return append(append(record, h...), b.body...), nil
}

// extensions is the list of those that every record has.
func (b *Builder) extensions(rules string) []byte {
	list := []byte{0}
	if rules != "" {
		list[0]++
		list = appendText(append(list, rulesExtension), rules)
	}
	if b.ready {
		list[0]++
		list = appendText(append(list, nextExtension), b.next)
	}
	return list
}

func (b *Builder) appendHeader(to []byte, kind Kind, extensions []byte, state loopguard.State, pos change.Position) []byte {
	var vector [256]byte
	v := b.appendVector(vector[:0], nil, state.Vector) // may add origins
	to = append(to, magic...)
	to = append(to, version, byte(kind))
	to = appendText(to, b.cluster)
	to = appendText(to, string(b.origin))
	to = append(to, extensions...)
	to = binary.AppendUvarint(to, uint64(len(b.origins)))
	for _, o := range b.origins {
		to = appendText(to, string(o))
	}
	to = binary.AppendUvarint(to, state.Seq)
	to = appendInt(to, int64(state.Last))
	to = append(to, v...)
	to = binary.AppendUvarint(to, pos.Offset)
	return appendText(to, pos.GTID)
}

// Heartbeat is the record that says: this origin's log up to pos held nothing that isn't published,
// and its clock's state is now this. It has no dot of its own. wall is the sender's wall time, for
// people; nothing is decided by it.
func Heartbeat(cluster string, origin change.Origin, state loopguard.State, pos change.Position, wall change.Timestamp) []byte {
	return NewBuilder(cluster, origin).Heartbeat(state, pos, wall)
}

// Heartbeat is [Heartbeat] of the builder's origin, with what it announces. It leaves what was added as it is.
func (b *Builder) Heartbeat(state loopguard.State, pos change.Position, wall change.Timestamp) []byte {
	h := NewBuilder(b.cluster, b.origin)
	h.next, h.ready = b.next, b.ready
	return appendInt(h.appendHeader(nil, HeartbeatMessage, h.extensions(state.Rules), state, pos), int64(wall))
}

// Origin is the origin of the builder's records.
func (b *Builder) Origin() change.Origin { return b.origin }
