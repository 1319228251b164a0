package postgres

import (
	"encoding/binary"

	"github.com/jackc/pglogrepl"

	"bridge/capture/spool"
)

// record is one message of a streamed transaction. Its body is valid until the next record is read.
type record struct {
	xid  uint32 // of the subtransaction, or the transaction
	at   pglogrepl.LSN
	tag  byte
	body []byte // of the message, less the xid
}

// In a spill, a record is the xid (u32) and the log position (u64), little endian, the tag and the body.
const recordHeader = 4 + 8 + 1

func (r *record) appendTo(s *spool.Spool, sp *spool.Spill) error {
	var head [recordHeader]byte
	binary.LittleEndian.PutUint32(head[:], r.xid)
	binary.LittleEndian.PutUint64(head[4:], uint64(r.at))
	head[12] = r.tag
	return s.Append(sp, head[:], r.body)
}

// nextRecord reads on; io.EOF after the last.
func nextRecord(from *spool.Reader) (record, error) {
	b, err := from.Next()
	if err != nil {
		return record{}, err
	}
	return record{
		xid: binary.LittleEndian.Uint32(b), at: pglogrepl.LSN(binary.LittleEndian.Uint64(b[4:])), tag: b[12],
		body: b[recordHeader:],
	}, nil
}
