package postgres

import (
	"github.com/jackc/pglogrepl"

	"bridge/change"
	"bridge/loopguard"
)

// The messages of pgoutput, protocol 2, by their first byte.
const (
	msgBegin        = 'B'
	msgCommit       = 'C'
	msgOrigin       = 'O'
	msgRelation     = 'R'
	msgType         = 'Y'
	msgInsert       = 'I'
	msgUpdate       = 'U'
	msgDelete       = 'D'
	msgTruncate     = 'T'
	msgLogical      = 'M'
	msgStreamStart  = 'S'
	msgStreamStop   = 'E'
	msgStreamCommit = 'c'
	msgStreamAbort  = 'A'
)

// postgresEpoch is 2000-01-01 UTC, where PostgreSQL's microseconds count from, in Unix microseconds.
const postgresEpoch = 946_684_800_000_000

func commitTime(micros uint64) change.Timestamp {
	return change.Timestamp(int64(micros) + postgresEpoch)
}

type beginMessage struct {
	commit pglogrepl.LSN // where the commit record begins
	time   change.Timestamp
	xid    uint32
}

func parseBegin(body []byte) (beginMessage, error) {
	c := cursor{rest: body}
	m := beginMessage{commit: pglogrepl.LSN(c.uint64()), time: commitTime(c.uint64()), xid: c.uint32()}
	return m, c.done("Begin")
}

// commitMessage is a Commit or, with the xid, a Stream Commit.
type commitMessage struct {
	xid         uint32
	commit, end pglogrepl.LSN // where the commit record begins, and where it ends
	time        change.Timestamp
}

func parseCommit(body []byte, streamed bool) (commitMessage, error) {
	var m commitMessage
	c := cursor{rest: body}
	if streamed {
		m.xid = c.uint32()
	}
	flags := c.byte()
	m.commit, m.end, m.time = pglogrepl.LSN(c.uint64()), pglogrepl.LSN(c.uint64()), commitTime(c.uint64())
	if err := c.done("Commit"); err != nil {
		return m, err
	}
	if flags != 0 {
		return m, badLog("Commit message has unknown flags %#x", flags)
	}
	return m, nil
}

// columnMessage is a column of a Relation message.
type columnMessage struct {
	name    string
	typ     uint32 // OID
	flagged bool   // part of the replica identity
}

// relationMessage announces a table's shape before its first row, and again when it has changed.
type relationMessage struct {
	oid      uint32
	name     change.TableName
	identity byte // pg_class.relreplident: d(efault), i(ndex), f(ull), n(othing)
	columns  []columnMessage
}

func parseRelation(body []byte) (relationMessage, error) {
	c := cursor{rest: body}
	m := relationMessage{oid: c.uint32()}
	m.name = change.TableName{Schema: c.string(), Name: c.string()}
	if m.name.Schema == "" {
		m.name.Schema = "pg_catalog"
	}
	m.identity = c.byte()
	n := int(c.uint16())
	for range n {
		if c.short {
			break
		}
		flags := c.byte()
		col := columnMessage{name: c.string(), typ: c.uint32(), flagged: flags&1 != 0}
		c.uint32() // the type modifier: no value depends on it
		if flags > 1 {
			return m, badLog("column %q of table %s has unknown flags %#x", col.name, m.name, flags)
		}
		m.columns = append(m.columns, col)
	}
	return m, c.done("Relation")
}

type typeMessage struct {
	oid          uint32
	schema, name string // of the type, or of a domain's base type; schema is empty for pg_catalog
}

func parseType(body []byte) (typeMessage, error) {
	c := cursor{rest: body}
	m := typeMessage{oid: c.uint32(), schema: c.string(), name: c.string()}
	return m, c.done("Type")
}

// parseTruncate gives the tables' OIDs. The options (CASCADE, RESTART IDENTITY) aren't needed: CASCADE
// has named all tables by now.
func parseTruncate(body []byte) ([]uint32, error) {
	c := cursor{rest: body}
	n := c.uint32()
	options := c.byte()
	if options > 3 {
		return nil, badLog("TRUNCATE message has unknown options %#x", options)
	}
	if uint64(n)*4 != uint64(len(c.rest)) {
		return nil, badLog("Truncate message of %d tables has %d bytes", n, len(c.rest))
	}
	oids := make([]uint32, n)
	for i := range oids {
		oids[i] = c.uint32()
	}
	return oids, c.done("Truncate")
}

// parseLogical reads a message of pg_logical_emit_message. ok is false when it means nothing to
// bridge: it isn't transactional or its prefix is another program's.
func parseLogical(body []byte) (content string, ok bool, err error) {
	c := cursor{rest: body}
	flags := c.byte()
	c.uint64() // its position, which the XLogData header told already
	prefix := c.string()
	n := c.uint32()
	text := c.rest
	if c.short || uint64(n) != uint64(len(text)) {
		return "", false, badLog("Message message is cut short")
	}
	if flags > 1 {
		return "", false, badLog("Message message has unknown flags %#x", flags)
	}
	if flags != 1 || prefix != loopguard.BarrierPrefix {
		return "", false, nil
	}
	return string(text), true, nil
}

// streamHead splits off the xid that each message inside a stream begins with: of the transaction or
// of the subtransaction that the change belongs to.
func streamHead(body []byte) (xid uint32, rest []byte, err error) {
	c := cursor{rest: body}
	xid = c.uint32()
	if c.short {
		return 0, nil, badLog("streamed message is cut short")
	}
	return xid, c.rest, nil
}
