package mysql

import (
	"errors"
	"fmt"
)

// What keeps the log from being read. The errors that wrap them say what to do. None but [ErrServerID]
// and [ErrStream] goes away by itself; errors that wrap none of them are the server's or the network's
// own.
var (
	// ErrSetup: the server, its version or its settings aren't what capture needs.
	ErrSetup = errors.New("database is not set up for capture")
	// ErrLogPurged: the server has removed log that is still needed.
	ErrLogPurged = errors.New("binary log was purged")
	// ErrLogBehind: the log ends before the position to start from: it isn't the log that was read
	// before (RESET, a restored copy, another server).
	ErrLogBehind = errors.New("binary log ends before the start position")
	// ErrServerID: another replica or bridge reads the log under the same server_id. It heals when that's
	// this bridge's own former connection, which the server hasn't given up yet.
	ErrServerID = errors.New("server_id is in use")
	// ErrStream: the server has ended the stream, or hangs. Opening the log again helps, or finds out what's
	// wrong with it.
	ErrStream = errors.New("the stream of the log ended")
	// ErrLog: the log holds what capture doesn't understand or can't ship. Reading it again gives the
	// same error.
	ErrLog = errors.New("log can't be captured")
)

// LogError says where in the log an error arose.
type LogError struct {
	File     string // the binary log file
	Position uint64 // in the file, where the event ends
	GTID     string // of the transaction; "" outside one, or without GTIDs
	Err      error
}

// Error names file, position and transaction.
func (e *LogError) Error() string {
	if e.GTID == "" {
		return fmt.Sprintf("log position %s:%d: %v", e.File, e.Position, e.Err)
	}
	return fmt.Sprintf("log position %s:%d, transaction %s: %v", e.File, e.Position, e.GTID, e.Err)
}

// Unwrap is the cause.
func (e *LogError) Unwrap() error { return e.Err }

// badLog is an [ErrLog] with a text.
func badLog(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrLog, fmt.Errorf(format, args...))
}
