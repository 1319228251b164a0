package mysql

import (
	"errors"
	"os"

	"github.com/go-mysql-org/go-mysql/mysql"

	"bridge/internal/database"
)

// Class says what to do about an error of the server: see package database.
type Class = database.Class

// The classes of error: see package database.
const (
	Retry    = database.Retry
	Conflict = database.Conflict
	Poison   = database.Poison
	Fatal    = database.Fatal
)

// Numbers of errors that this package looks for.
const (
	erDupKey         = 1022
	erDupEntry       = 1062
	erDupUnique      = 1169
	erNoSuchDatabase = 1049
	erNoSuchTable    = 1146
	erNoPrivilege    = 1227
	erUnknownVar     = 1193
	erQueryKilled    = 1317
)

// classes maps error numbers to classes. What isn't here is Fatal.
var classes = map[uint16]Class{
	1040: Retry, // too many connections
	1203: Retry, // too many connections of this account
	1226: Retry, // a limit of this account is used up for now
	1021: Retry, // disk full
	1041: Retry, // out of memory
	1037: Retry, // out of memory
	1038: Retry, // out of sort memory
	1114: Retry, // table is full: a tablespace or the disk
	1053: Retry, // shutdown in progress
	1077: Retry, // normal shutdown
	1079: Retry, // shutdown complete
	1205: Retry, // lock wait timeout
	1213: Retry, // deadlock
	1020: Retry, // record has changed since last read (MariaDB, innodb_snapshot_isolation)
	1290: Retry, // --read-only, --super-read-only: a failover may be under way
	1836: Retry, // read-only mode
	1158: Retry, // network: error reading
	1159: Retry, // network: timeout reading
	1160: Retry, // network: error writing
	1161: Retry, // network: timeout writing
	1152: Retry, // aborted connection
	1184: Retry, // aborted connection
	1317: Retry, // query killed, by a DBA or a limit
	1927: Retry, // connection killed (MariaDB)
	1969: Retry, // max_statement_time (MariaDB)
	3024: Retry, // max_execution_time
	3572: Retry, // NOWAIT, and the row is locked
	3169: Retry, // session killed
	4031: Retry, // disconnected for idleness
	3058: Retry, // deadlock among user-level locks
	1412: Retry, // table definition has changed
	1615: Retry, // prepared statement needs to be re-prepared
	3098: Retry, // a plugin (group replication) refused: it decides anew

	1022: Conflict, // duplicate key
	1062: Conflict, // duplicate entry
	1169: Conflict, // unique constraint
	1216: Conflict, // foreign key, old wording
	1217: Conflict,
	1451: Conflict, // foreign key: parent in use
	1452: Conflict, // foreign key: no parent
	1761: Conflict, // foreign key: the cascade hits a duplicate
	1762: Conflict,
	1048: Conflict, // NOT NULL
	1364: Conflict, // no default, and no value
	3819: Conflict, // CHECK
	4025: Conflict, // CHECK (MariaDB)

	1046: Poison, // no database
	1049: Poison, // unknown database
	1051: Poison, // unknown table
	1054: Poison, // unknown column
	1109: Poison, // unknown table
	1146: Poison, // no such table
	1136: Poison, // column count
	1110: Poison, // column twice
	1166: Poison, // incorrect column name
	1264: Poison, // out of range
	1265: Poison, // data truncated: no such enum label
	1366: Poison, // incorrect value: not in the column's character set
	1292: Poison, // incorrect datetime
	1300: Poison, // invalid character string
	1367: Poison, // illegal value
	1406: Poison, // data too long
	1411: Poison, // incorrect value for function
	1416: Poison, // not a geometry
	1441: Poison, // datetime function overflow
	1690: Poison, // value out of range
	1118: Poison, // row too large
	1030: Poison, // storage engine says no
	1031: Poison, // storage engine doesn't do this
	1036: Poison, // table is read only
	1153: Poison, // packet too large: a row beyond max_allowed_packet
	1162: Poison, // string longer than max_allowed_packet
	1288: Poison, // a view that isn't updatable
	1347: Poison, // a view where a table is wanted, or the other way
	1526: Poison, // no partition for the value
	1644: Poison, // SIGNAL in a trigger
	1748: Poison, // no partition for the value
	1906: Poison, // generated column (MariaDB)
	3105: Poison, // generated column
	3140: Poison, // invalid JSON
	3143: Poison, // invalid JSON path
	3144: Poison, // JSON in a binary string
	3146: Poison, // invalid JSON
	3156: Poison, // invalid cast from JSON
	3157: Poison, // JSON too deep
	3163: Poison, // JSON value too big
	3037: Poison, // invalid GIS data
	3516: Poison, // invalid GIS data
	3548: Poison, // unknown spatial reference system
	3617: Poison, // latitude out of range
	3616: Poison, // longitude out of range
	3643: Poison, // SRID doesn't match the column's
	3854: Poison, // no such character in the column's character set
	4078: Poison, // illegal type for the operation (MariaDB)
	6138: Poison, // not a vector
}

// Classify tells what to do about err, an error of a [Conn] or of go-mysql, by the server's error number
// or, without one, by what happened to the connection. It judges the error alone: whether the caller's
// context has ended, and whether a COMMIT whose answer was lost took effect, the caller must find out
// first.
func Classify(err error) Class {
	err = explain(err)
	if server, ok := errors.AsType[*Error](err); ok {
		if c, ok := classes[server.Number]; ok {
			return c
		}
		return Fatal
	}
	if database.IsCertificate(err) {
		return Fatal
	}
	if database.IsConnection(err) || errors.Is(err, mysql.ErrBadConn) || errors.Is(err, os.ErrDeadlineExceeded) {
		return Retry
	}
	return Fatal
}
