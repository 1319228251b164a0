package change

import (
	"fmt"
	"strconv"
)

// Kind is what an operation does to its row.
type Kind uint8

// The kinds of operation. Zero is none of them, so that a forgotten kind is refused.
const (
	Insert   Kind = iota + 1 // the row comes into being; New is its image
	Update                   // the row stays; New is its image, with Absent for what the log lacks
	Delete                   // the row goes
	Truncate                 // every row of the table goes; Key names the table alone
)

// String is the kind's word in messages and in bridge.conflicts.
func (k Kind) String() string {
	switch k {
	case Insert:
		return "insert"
	case Update:
		return "update"
	case Delete:
		return "delete"
	case Truncate:
		return "truncate"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Operation is the change of one row, or the truncation of one table. An update that changes the
// key is two operations: the delete of the old key and the insert of the new one.
type Operation struct {
	Kind  Kind
	Table *Table
	Key   Key
	// Old is the complete image before the change; nil unless the table's identity is FULL.
	Old Image
	// New is the image after an insert or update, nil otherwise.
	New Image
}

// Position is a place in a database's own log, from which capture can go on. PostgreSQL fills
// Offset with the LSN after the commit; MySQL and MariaDB fill GTID with the set executed so far
// and Offset with the binlog file's number and position.
type Position struct {
	Offset uint64
	GTID   string
}

// String is the position as the engine's own tools write it: an LSN "0/16B3748", or a GTID set.
func (p Position) String() string {
	if p.GTID != "" {
		return p.GTID
	}
	return fmt.Sprintf("%X/%X", p.Offset>>32, uint32(p.Offset))
}

// Tag is what a region adds to a transaction: its name, its place in the total order, and what it
// had seen. A transaction has always seen the earlier ones of its own origin; Deps leaves them out.
type Tag struct {
	Dot  Dot
	Time Timestamp
	Deps Vector
	// Rules is the fingerprint of the conflict rules under which the region published it; empty for the default. All
	// regions have the same of it, so they can tell by which rules to decide, while a mesh goes over to others.
	Rules string
}

// Version is the tag's place in the total order.
func (t *Tag) Version() Version { return Version{t.Time, t.Dot.Origin} }

// Saw reports whether the tagged transaction had seen d, or is d.
func (t *Tag) Saw(d Dot) bool {
	if d.Origin == t.Dot.Origin {
		return d.Seq <= t.Dot.Seq
	}
	return t.Deps.Includes(d)
}

// Seen is the vector right after the transaction: Deps and the transaction's own dot.
func (t *Tag) Seen() Vector { return t.Deps.With(t.Dot.Origin, t.Dot.Seq) }

// Transaction is a tagged transaction or, when it's too large to hold, one piece of it: a window of its
// operations. The operations and their order are a function of the origin's log; where they're cut isn't,
// and two processes that publish the same transaction, one after the other, may cut it differently. The
// pieces of a transaction share Tag, Position and CommitTime. Only the last may be without operations.
type Transaction struct {
	Tag
	Position   Position
	CommitTime Timestamp // the database's commit time, for people and lag; never compared
	Before     uint32    // operations of the transaction that come before this piece's first
	Last       bool      // whether this piece completes the transaction
	Operations []Operation
}

// Whole reports whether it's all of a transaction, not a piece.
func (t *Transaction) Whole() bool { return t.Before == 0 && t.Last }
