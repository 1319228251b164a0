package mysql

import (
	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/capture/spool"
)

// In a spill, a record is an event's type (a byte) and its body.

func (e *event) appendTo(s *spool.Spool, sp *spool.Spill) error {
	head := [1]byte{byte(e.typ)}
	return s.Append(sp, head[:], e.body)
}

// nextEvent reads on; io.EOF after the last. Its body is valid until the next one is read.
func nextEvent(from *spool.Reader) (event, error) {
	b, err := from.Next()
	if err != nil {
		return event{}, err
	}
	return event{typ: replication.EventType(b[0]), body: b[1:]}, nil
}
