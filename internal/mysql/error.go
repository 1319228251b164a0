package mysql

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"
)

// Error is what the server answered to a statement, without the values that its message repeats.
type Error struct {
	Number uint16 // errno: 1062 is a duplicate key
	State  string // SQLSTATE
	Text   string // the server's message; values in it are replaced by ?
	// Key is the violated unique key's name as the server told it, for 1062 and 1169: "table.key" on
	// MySQL, "key" on MariaDB.
	Key string
	// Statement is which statement of the packet failed, counted from 0: those before it took effect.
	Statement int
}

// Error is the message for an operator.
func (e *Error) Error() string {
	return fmt.Sprintf("error %d (%s): %s", e.Number, e.State, e.Text)
}

// IsError reports whether err is a server's error with one of these numbers.
func IsError(err error, numbers ...uint16) bool {
	server, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(numbers, server.Number)
}

// parseError takes an error packet apart: 0xff, number, '#', state, message.
func parseError(packet []byte, statement int) error {
	if len(packet) < 3 {
		return errMalformed
	}
	e := &Error{Number: uint16(packet[1]) | uint16(packet[2])<<8, State: "HY000", Statement: statement}
	rest := packet[3:]
	if len(rest) >= 6 && rest[0] == '#' {
		e.State, rest = string(rest[1:6]), rest[6:]
	}
	e.setText(string(rest))
	return e
}

// setText keeps what of the server's message may be shown.
func (e *Error) setText(message string) {
	if e.Number == erDupEntry || e.Number == erDupUnique {
		if i := strings.LastIndex(message, "' for key '"); i >= 0 {
			e.Key = strings.TrimSuffix(message[i+len("' for key '"):], "'")
		}
	}
	e.Text = redact(e.Number, message)
}

// explain makes an error of go-mysql's client one of this package's.
func explain(err error) error {
	if server, ok := errors.AsType[*mysql.MyError](err); ok {
		e := &Error{Number: server.Code, State: server.State}
		e.setText(server.Message)
		return e
	}
	return err
}

// named are the errors whose quoted words are names of tables, columns and accounts, not values.
var named = map[uint16]bool{
	1044: true, 1045: true, 1046: true, 1048: true, 1049: true, 1050: true, 1051: true, 1054: true, 1072: true, 1091: true,
	1109: true, 1115: true, 1130: true, 1142: true, 1143: true, 1146: true, 1193: true, 1216: true, 1217: true,
	1227: true, 1229: true, 1238: true, 1264: true, 1265: true, 1273: true, 1305: true, 1364: true, 1370: true, 1406: true, 1419: true,
	1451: true, 1452: true, 1698: true, 1906: true, 3105: true, 3819: true, 4025: true,
}

// redact replaces what may be a row's value in a server's message by a question mark. Values can hold
// quotes themselves, so everything from the first quote to the last goes, except a name that ends the
// message in one of the known ways.
func redact(number uint16, message string) string {
	if named[number] {
		return message
	}
	first := strings.IndexByte(message, '\'')
	last := strings.LastIndexByte(message, '\'')
	if first < 0 {
		return message
	}
	end := ""
	for _, before := range []string{"' for key '", "' for column '"} {
		if i := strings.LastIndex(message, before); i > first {
			return message[:first] + "'?" + message[i:]
		}
	}
	if last > first {
		end = message[last:]
	}
	return message[:first] + "'?" + end
}
