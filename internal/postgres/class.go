package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"bridge/internal/database"
)

// Class says what to do about an error of the database.
type Class = database.Class

// The classes of error: see package database.
const (
	Retry    = database.Retry
	Conflict = database.Conflict
	Poison   = database.Poison
	Fatal    = database.Fatal
)

// classes maps SQLSTATEs, or their first two characters, to classes. The longer match counts; what
// isn't here is Fatal.
var classes = map[string]Class{
	"08":    Retry, // connection exception
	"08P01": Fatal, // protocol violation: a fault of ours or of a pooler between
	"53":    Retry, // insufficient resources: disk full, too many connections, out of memory

	"25006": Retry, // read-only transaction: this is a standby, a failover may be under way
	"25P03": Retry, // idle in transaction timeout
	"40001": Retry, // serialization failure
	"40P01": Retry, // deadlock detected
	"55006": Retry, // object in use: a slot's last owner isn't gone yet
	"55P03": Retry, // lock not available
	"57014": Retry, // query canceled: statement_timeout, or a DBA
	"57P01": Retry, // admin shutdown
	"57P02": Retry, // crash shutdown
	"57P03": Retry, // cannot connect now: starting up or shutting down
	"57P05": Retry, // idle session timeout

	"23": Conflict, // integrity constraint violation

	"0A000": Poison, // not supported: TRUNCATE where a table that only this database has refers to it
	"22":    Poison, // data exception: out of range, bad text for the type
	"44":    Poison, // WITH CHECK OPTION
	"54000": Poison, // program limit: a value that is too long for an index
	"P0":    Poison, // raised in a trigger's PL/pgSQL
	"3F000": Poison, // undefined schema
	"428C9": Poison, // the column is generated here
	"42703": Poison, // undefined column
	"42704": Poison, // undefined object: a type that's missing here
	"42804": Poison, // datatype mismatch
	"42809": Poison, // wrong object type: a view here
	"42846": Poison, // cannot coerce
	"42883": Poison, // undefined function: no operator for the type
	"42P01": Poison, // undefined table
	"42P10": Poison, // ON CONFLICT finds no such key
}

// Classify tells what to do about err, an error of pgx or pgconn, by its SQLSTATE or, without one, by
// what happened to the connection. It judges the error alone: whether the caller's context has ended,
// and whether a COMMIT whose answer was lost took effect, the caller must find out first.
func Classify(err error) Class {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		if c, ok := classes[server.Code]; ok {
			return c
		}
		if len(server.Code) == 5 {
			if c, ok := classes[server.Code[:2]]; ok {
				return c
			}
		}
		return Fatal
	}
	if _, ok := errors.AsType[*pgconn.ParseConfigError](err); ok || database.IsCertificate(err) {
		return Fatal
	}
	if isConnection(err) {
		return Retry
	}
	return Fatal
}

func isConnection(err error) bool {
	return database.IsConnection(err) || pgconn.SafeToRetry(err) || pgconn.Timeout(err)
}
