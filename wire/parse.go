package wire

import (
	"math"

	"bridge/change"
)

// parser is the state of decoding one record.
type parser struct {
	reader
	d *Decoder
	h Header

	origins []change.Origin
	tables  []*tableInfo
	out     []change.Transaction

	// What the transactions are cut from.
	operations []change.Operation
	values     []change.Value
	seen       []change.Seen

	table *tableInfo // of the operation before
}

func (p *parser) header() {
	if len(p.s) < len(magic)+2 || p.s[:len(magic)] != magic {
		p.corrupt("not a record of bridge")
		return
	}
	p.at = len(magic)
	if v := p.u8(); v != version {
		p.fail(newer(p.at-1, "format version %d", v))
		return
	}
	p.h.Kind = Kind(p.u8())
	if p.h.Kind != Data && p.h.Kind != HeartbeatMessage {
		p.fail(newer(p.at-1, "record kind %d", p.h.Kind))
		return
	}
	p.h.Cluster = p.text()
	p.h.Origin = p.origin()
	p.extensions()
	p.origins = make([]change.Origin, p.count(1))
	for i := range p.origins {
		p.origins[i] = p.origin()
	}
	p.h.State.Seq = p.uint()
	p.h.State.Last = change.Timestamp(p.int())
	p.h.State.Vector = p.vector(nil)
	p.h.Position = p.position()
	if p.h.Kind == HeartbeatMessage {
		p.h.Wall = change.Timestamp(p.int())
		return
	}
	p.h.First = p.uint()
	p.h.Before = p.place()
	p.h.Open = p.place()
}

func (p *parser) origin() change.Origin {
	o, err := p.d.origin(p.text())
	if err != nil {
		p.corrupt(err.Error())
	}
	return o
}

func (p *parser) extensions() {
	last := int64(-1)
	for range p.count(1) {
		id := p.uint()
		if p.err == nil && (id > math.MaxInt64 || int64(id) <= last) {
			p.corrupt("extensions out of order")
		}
		if p.err == nil && id < requiredExtensions && id != rulesExtension && id != nextExtension {
			p.fail(newer(p.at-1, "extension %d", id))
		}
		if p.err != nil {
			return
		}
		last = int64(id)
		content := p.text()
		switch id {
		case rulesExtension:
			p.h.State.Rules = p.d.under(content)
		case nextExtension:
			p.h.Next, p.h.Announces = content, true
		case baselineExtension:
			p.h.start = content
		}
	}
}

// place is a place among a transaction's operations.
func (p *parser) place() uint32 {
	n := p.uint()
	if n > math.MaxUint32 {
		p.corrupt("place in a transaction too large")
	}
	return uint32(n)
}

func (p *parser) vector(prev change.Vector) change.Vector {
	n := p.count(1)
	if n == 0 {
		return nil
	}
	if len(p.seen)+n > cap(p.seen) {
		p.seen = make([]change.Seen, 0, max(n, 64))
	}
	at := len(p.seen)
	for range n {
		index, delta := p.uint(), p.int()
		if index >= uint64(len(p.origins)) {
			p.corrupt("vector names no origin")
		}
		if p.err != nil {
			return nil
		}
		e := change.Seen{Origin: p.origins[index]}
		e.Seq = prev.Get(e.Origin) + uint64(delta)
		if last := len(p.seen) - 1; e.Seq == 0 || last >= at && p.seen[last].Origin >= e.Origin {
			p.corrupt("vector is not in its form")
		}
		p.seen = append(p.seen, e)
	}
	return change.Vector(p.seen[at:len(p.seen):len(p.seen)])
}

func (p *parser) tableDefinitions() {
	p.tables = make([]*tableInfo, 0, p.count(1))
	for range cap(p.tables) {
		at := p.at
		p.text()
		p.text()
		if p.tableFlags(flagFull|flagEngine)&flagEngine != 0 && p.text() == "" {
			p.corrupt("table's engine is empty")
		}
		for range p.count(1) {
			p.text()
			p.text()
			p.tableFlags(flagIsKey)
			if p.err != nil {
				return
			}
		}
		if p.err != nil {
			return
		}
		p.tables = append(p.tables, p.d.table(p.s[at:p.at]))
	}
}

func (p *parser) tableFlags(known byte) byte {
	f := p.u8()
	if f&^known != 0 {
		p.fail(newer(p.at-1, "table flags %#x", f))
	}
	return f
}

func (p *parser) transactions() {
	p.tableDefinitions()
	transactions, operations, values := p.count(1), p.count(1), p.count(4)
	// The least that so many take: flags and count, flags, 2 bits.
	if 2*transactions+operations+values/4 > p.left() {
		p.corrupt("counts exceed the record")
		return
	}
	p.out = make([]change.Transaction, transactions)
	p.operations = make([]change.Operation, operations)
	p.values = make([]change.Value, values)
	for i := range p.out {
		t := &p.out[i]
		p.transaction(t, i)
		if p.err != nil {
			return
		}
	}
	if len(p.out) == 0 || len(p.operations) > 0 || len(p.values) > 0 {
		p.corrupt("counts don't match the content")
		return
	}
	p.checkEnd(&p.out[len(p.out)-1])
}

// checkEnd compares the header with the record's end.
func (p *parser) checkEnd(last *change.Transaction) {
	complete, open := last.Dot.Seq, uint32(0)
	if !last.Last {
		complete, open = complete-1, end(last)
	}
	if p.h.State.Seq != complete || p.h.Open != open {
		p.corrupt("state doesn't match the transactions")
	}
}

func (p *parser) transaction(t *change.Transaction, i int) {
	flags := p.u8()
	if flags&^knownTransactionFlags != 0 {
		p.fail(newer(p.at-1, "transaction flags %#x", flags))
		return
	}
	var first change.Transaction
	prev := &first
	if i > 0 {
		prev = &p.out[i-1]
		if prev.Last == (flags&flagContinued != 0) {
			p.corrupt("pieces out of order")
			return
		}
	}
	switch {
	case i > 0 && !prev.Last:
		t.Tag, t.Position, t.CommitTime = prev.Tag, prev.Position, prev.CommitTime
		t.Before = end(prev)
	case i > 0:
		t.Tag = change.Tag{Dot: change.Dot{Origin: p.h.Origin, Seq: prev.Dot.Seq + 1}, Rules: p.h.State.Rules}
		p.tag(t, prev, flags)
	case flags&flagContinued != 0:
		p.corrupt("piece without its transaction")
	default:
		t.Tag = change.Tag{Dot: change.Dot{Origin: p.h.Origin, Seq: p.h.First}, Rules: p.h.State.Rules}
		t.Before = p.h.Before
		p.tag(t, prev, flags)
	}
	if t.Dot.Seq == 0 {
		p.corrupt("transaction without sequence number")
	}
	t.Last = flags&flagLast != 0
	p.body(t)
}

// end is the place after a piece's last operation.
func end(t *change.Transaction) uint32 { return t.Before + uint32(len(t.Operations)) }

func (p *parser) tag(t, prev *change.Transaction, flags byte) {
	t.Time = prev.Time + change.Timestamp(p.int())
	t.CommitTime = t.Time + change.Timestamp(p.int())
	t.Position = change.Position{Offset: prev.Position.Offset + uint64(p.int()), GTID: prev.Position.GTID}
	t.Deps = prev.Deps
	if flags&flagVector != 0 {
		t.Deps = p.vector(prev.Deps)
	}
	if flags&flagGTID != 0 {
		t.Position.GTID = p.text()
	}
}

func (p *parser) body(t *change.Transaction) {
	n := p.uint()
	if n > uint64(len(p.operations)) {
		p.corrupt("counts don't match the content")
		return
	}
	if n == 0 && !t.Last || n > uint64(math.MaxUint32-t.Before) {
		p.corrupt("piece without operations, or with more than a transaction may have")
		return
	}
	t.Operations = p.operations[:n:n]
	p.operations = p.operations[n:]
	for i := range t.Operations {
		p.operation(&t.Operations[i])
		if p.err != nil {
			return
		}
	}
}
