package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pglogrepl"
)

// What keeps the log from being read. The errors that wrap them say what to do. None but
// [ErrSlotActive] goes away by itself; errors that wrap none of them are the server's or the
// network's own.
var (
	// ErrSetup: the server, its version, its settings or the publication aren't what capture needs.
	ErrSetup = errors.New("database is not set up for capture")
	// ErrSlotMissing: there is no such replication slot.
	ErrSlotMissing = errors.New("replication slot does not exist")
	// ErrSlotActive: another process reads the slot: another bridge, or this one's former connection,
	// which the server hasn't given up yet.
	ErrSlotActive = errors.New("replication slot is in use")
	// ErrSlotLost: the server has removed log that the slot still needed.
	ErrSlotLost = errors.New("replication slot has lost its log")
	// ErrSlotAhead: the slot was confirmed beyond the position to start from.
	ErrSlotAhead = errors.New("replication slot is ahead of the start position")
	// ErrLogBehind: the log ends before the position to start from: it isn't the log that was read before.
	ErrLogBehind = errors.New("log ends before the start position")
	// ErrLog: the log holds what capture doesn't understand or must not ship. Reading it again gives
	// the same error.
	ErrLog = errors.New("log can't be captured")
)

// LogError says where in the log an error arose.
type LogError struct {
	Position pglogrepl.LSN // of the change, inside its transaction
	Xid      uint32        // of the transaction; 0 outside one
	Err      error
}

// Error names position and transaction.
func (e *LogError) Error() string {
	if e.Xid == 0 {
		return fmt.Sprintf("log position %s: %v", e.Position, e.Err)
	}
	return fmt.Sprintf("log position %s, transaction %d: %v", e.Position, e.Xid, e.Err)
}

// Unwrap is the cause.
func (e *LogError) Unwrap() error { return e.Err }

// badLog is an [ErrLog] with a text.
func badLog(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrLog, fmt.Errorf(format, args...))
}
