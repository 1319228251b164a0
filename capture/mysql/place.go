package mysql

import (
	"path"

	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/internal/mysql"
)

// place is where in the log the source is: behind the event that it has read.
type place struct {
	base   string // of the files' names
	number uint32
	offset uint64
	// trailer is what an event has in the file beyond what's sent, its checksum: 0 or 4 bytes. It's
	// found out where an event tells its end and the place before it was known, and used where events
	// don't tell (MariaDB from 11.4 on, inside of groups).
	trailer uint64
	sure    bool // the offset was told, or added up from one that was
}

func (p *place) file() string {
	if p.number == 0 {
		return p.base
	}
	return mysql.BinlogPosition{File: p.number}.FileName(p.base)
}

func (p *place) encode() (uint64, error) {
	at, err := mysql.BinlogPosition{File: p.number, Offset: p.offset}.Encode()
	if err != nil {
		return 0, badLog("%w", err)
	}
	return at, nil
}

// artificial marks events that the server made up for the stream: they are in no file.
const artificial = replication.LOG_EVENT_ARTIFICIAL_F

// move goes past an event.
func (p *place) move(e event) error {
	if e.rotate != nil {
		base, number, err := mysql.ParseBinlogFile(path.Base(string(e.rotate.NextLogName)))
		if err != nil {
			return badLog("%w", err)
		}
		// The server announces the file twice, at the old one's end and again before the first event.
		if e.flags&artificial == 0 || number != p.number || p.offset == 0 {
			*p = place{base: base, number: number, offset: e.rotate.Position, trailer: p.trailer, sure: true}
		}
		return nil
	}
	switch {
	case e.typ == replication.HEARTBEAT_EVENT:
		return p.heartbeat(e)
	case e.typ == replication.HEARTBEAT_LOG_EVENT_V2, e.flags&artificial != 0:
	case e.end != 0:
		before := p.offset + uint64(e.size)
		p.advance(e.end)
		if d := p.offset - before; p.sure && (d == 0 || d == 4) {
			p.trailer = d
		}
		p.sure = true
	case e.typ != replication.FORMAT_DESCRIPTION_EVENT: // repeated for the stream, that one has no end
		p.offset += uint64(e.size) + p.trailer
	}
	return nil
}

// heartbeat goes past events that the server has passed over, because their groups are in the set to start from. It names the file
// that the server is in: right after a rotation that may still be the one before.
func (p *place) heartbeat(e event) error {
	c, long := cursor{rest: e.body}, uint64(0)
	if e.end == 0 { // MariaDB's, at a place that the header can't tell
		long = c.uint64()
	}
	if err := c.done("heartbeat"); err != nil {
		return err
	}
	switch {
	case path.Base(string(c.rest)) != p.file():
	case long > 0:
		p.offset = max(p.offset, long)
	case uint32(p.offset) != e.end:
		p.advance(e.end)
	}
	return nil
}

// advance moves to where the header says that an event ends: it has 32 bits, a file may have more.
func (p *place) advance(end uint32) { p.offset += uint64(end - uint32(p.offset)) }
