package mysql

import (
	"encoding/binary"

	"github.com/go-mysql-org/go-mysql/replication"
)

// queryText is a query event.
type queryText struct {
	sql         string
	schema      string // the default database
	noBackslash bool
	charset     uint16 // a collation of the character set that the statement is in; 0 if it isn't told
}

// Codes of a query event's status variables, with how long they are.
const (
	statusFlags     = 0 // 4
	statusMode      = 1 // 8
	statusIncrement = 3 // 4
	statusCharset   = 4 // 6: client, connection, server
	statusCatalog   = 6 // a length, and so much
)

const modeNoBackslash = 1 << 20

func parseQuery(e event) (q queryText, err error) {
	c := cursor{rest: e.body}
	c.take(4 + 4) // thread, duration
	schema := int(c.byte())
	c.uint16() // error
	status := cursor{rest: c.take(int(c.uint16()))}
	q.schema = string(c.take(schema))
	c.byte()
	text := c.rest
	if err := c.done("query event"); err != nil {
		return q, err
	}
	if e.typ == replication.MARIADB_QUERY_COMPRESSED_EVENT {
		if text, err = inflate(text); err != nil {
			return q, err
		}
	}
	q.sql = string(text)
	q.readStatus(status)
	return q, nil
}

// readStatus reads the variables that matter; they come before any that isn't known here.
func (q *queryText) readStatus(c cursor) {
	for len(c.rest) > 0 {
		switch c.byte() {
		case statusFlags, statusIncrement:
			c.take(4)
		case statusMode:
			q.noBackslash = c.uint64()&modeNoBackslash != 0
		case statusCatalog:
			c.take(int(c.byte()))
		case statusCharset:
			if b := c.take(6); b != nil {
				q.charset = binary.LittleEndian.Uint16(b)
			}
			return
		default:
			return
		}
	}
}
