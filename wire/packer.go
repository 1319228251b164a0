package wire

import (
	"encoding/binary"
	"fmt"

	"bridge/change"
	"bridge/loopguard"
)

// DefaultCut is the size at which a [Packer] begins a new record: large enough to compress well, far
// below what brokers take.
const DefaultCut = 512 << 10

// Packed is a finished record, with what its writer must remember of it.
type Packed struct {
	Record   []byte
	State    loopguard.State // after the last complete transaction up to the record's end
	Position change.Position // of that
	Begins   *change.Tag     // of the first transaction that begins in the record; nil if none does
	Open     bool            // whether it ends inside a transaction
}

// Packer cuts a region's transactions, in order, into records of about a size. It splits what's larger into
// pieces, and keeps the state that a restart needs. It isn't safe for
// concurrent use.
type Packer struct {
	builder *Builder
	cut     int
	limit   int
	records []Packed
	size    int         // of records
	begins  *change.Tag // of the first transaction that begins in the record that's being built; nil is none

	state    loopguard.State // after the last complete transaction
	position change.Position
	before   uint32 // operations of the transaction under way; 0 between transactions
}

// NewPacker makes a packer of records of origin, whose clock stands at state and its log at pos. cut is the size
// to aim for; no record exceeds limit, which is the topic's for a message less its overhead.
func NewPacker(cluster string, origin change.Origin, cut, limit int, state loopguard.State, pos change.Position) *Packer {
	return &Packer{builder: NewBuilder(cluster, origin), cut: min(cut, limit), limit: limit, state: state, position: pos}
}

// Announce is [Builder.Announce].
func (p *Packer) Announce(fingerprint string) { p.builder.Announce(fingerprint) }

// Heartbeat is [Builder.Heartbeat].
func (p *Packer) Heartbeat(state loopguard.State, pos change.Position, wall change.Timestamp) []byte {
	return p.builder.Heartbeat(state, pos, wall)
}

// Add packs the next transaction, or the next piece of one. after is the clock's state after it, and
// counts once its last piece is in. After an error the packer is of no more use.
func (p *Packer) Add(t *change.Transaction, after loopguard.State) error {
	if t.Dot.Seq != p.state.Seq+1 || t.Before != p.before {
		return fmt.Errorf("pack transaction %s from operation %d: it doesn't follow transaction %d and %d operations of the next", t.Dot, t.Before, p.state.Seq, p.before)
	}
	if !t.Last && len(t.Operations) == 0 {
		return nil // nothing yet
	}
	part, rest := *t, t.Operations
	for {
		n, err := p.room(t, rest)
		if err != nil {
			return fmt.Errorf("pack transaction %s: %w", t.Dot, err)
		}
		if n < len(rest) && p.builder.Count() > 0 {
			if err := p.flush(); err != nil {
				return err
			}
			continue
		}
		part.Operations, rest = rest[:n:n], rest[n:]
		part.Before, part.Last = p.before, t.Last && len(rest) == 0
		if err := p.builder.Add(&part); err != nil {
			return err
		}
		if part.Before == 0 && p.begins == nil {
			tag := t.Tag // not the transaction, which would be kept with it
			p.begins = &tag
		}
		p.before += uint32(n)
		if part.Last {
			p.state, p.position, p.before = after, t.Position, 0
		}
		switch {
		case len(rest) > 0:
		case !part.Last: // the next piece may tell another position, which a record's pieces share
			return p.flush()
		default:
			return p.cutIfFull()
		}
	}
}

// room is how many of the operations go into the record that's being built: at least one when it's
// empty.
func (p *Packer) room(t *change.Transaction, operations []change.Operation) (n int, err error) {
	size := p.builder.Size() + tagBound(t) + stateBound(p.state.Vector, p.position)
	for i := range operations {
		op := &operations[i]
		size += SizeOf(op)
		if op.Table != nil && (i == 0 || operations[i-1].Table != op.Table) {
			size += p.builder.definition(op.Table)
		}
		if size <= p.cut {
			continue
		}
		if i > 0 || p.builder.Count() > 0 {
			return i, nil
		}
		if size > p.limit {
			return 0, fmt.Errorf("%s of %s takes %d bytes, the topic takes %d: raise its max.message.bytes, and the limit configured for bridge with it",
				op.Kind, op.Key, size, p.limit)
		}
		return 1, nil // alone, above the cut
	}
	return len(operations), nil
}

// tagBound is at least what a transaction takes beside its operations.
func tagBound(t *change.Transaction) int {
	return 5*binary.MaxVarintLen64 + stateBound(t.Deps, t.Position)
}

// stateBound is at least what a vector and a position take.
func stateBound(v change.Vector, pos change.Position) int {
	size := 3*binary.MaxVarintLen64 + len(pos.GTID)
	for i := range v {
		size += 2*binary.MaxVarintLen64 + textSize(string(v[i].Origin))
	}
	return size
}

// cutIfFull ends the record that's being built when it has reached the cut.
func (p *Packer) cutIfFull() error {
	if p.builder.Size() < p.cut {
		return nil
	}
	return p.flush()
}

func (p *Packer) flush() error {
	record, err := p.builder.Finish(p.state, p.position)
	if err != nil {
		return err
	}
	p.builder.Reset()
	p.records = append(p.records, Packed{record, p.state, p.position, p.begins, p.before > 0})
	p.size += len(record)
	p.begins = nil
	return nil
}

// Advance notes what the log showed without a transaction to publish: echoes, a turn to other rules, or nothing at all up to
// pos. The records from the next one on tell it. It's not for the middle of a transaction.
func (p *Packer) Advance(state loopguard.State, pos change.Position) error {
	if state.Rules != p.state.Rules && p.builder.Count() > 0 {
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.state, p.position = state, pos
	return nil
}

// Size is about how many bytes [Packer.Take] would return.
func (p *Packer) Size() int {
	if p.builder.Count() > 0 {
		return p.size + p.builder.Size()
	}
	return p.size
}

// Take ends the record that's being built and returns all records since the last Take, in order. None
// is empty.
func (p *Packer) Take() ([]Packed, error) {
	if p.builder.Count() > 0 {
		if err := p.flush(); err != nil {
			return nil, err
		}
	}
	records := p.records
	p.records, p.size = nil, 0
	return records, nil
}

// State and position after the last complete transaction, or what came after it; a heartbeat says them.
func (p *Packer) State() (loopguard.State, change.Position) { return p.state, p.position }
