package capture

import (
	"errors"
	"fmt"
)

// What keeps a log of any engine from being read. The errors that wrap them say what to do, and none of them goes
// away by itself. The engines' packages have more of their own.
var (
	// ErrSetup: the server, its version, its settings, or what bridge needs in it, aren't what capture needs.
	ErrSetup = errors.New("database is not set up for capture")
	// ErrLogBehind: the log ends before the position to start from: it isn't the log that was read before
	// (another server, a restored copy, a reset).
	ErrLogBehind = errors.New("log ends before the start position")
	// ErrLog: the log holds what capture doesn't understand or must not ship. Reading it again gives the
	// same error.
	ErrLog = errors.New("log can't be captured")
)

// BadLog is an [ErrLog] with a text.
func BadLog(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrLog, fmt.Errorf(format, args...))
}

// LogError says where in the log an error arose, as the engine's own tools write that.
type LogError struct {
	Position    string // of the change, inside its transaction
	Transaction string // "" outside one, or where it has no name
	Err         error
}

// Error names position and transaction.
func (e *LogError) Error() string {
	if e.Transaction == "" {
		return fmt.Sprintf("log position %s: %v", e.Position, e.Err)
	}
	return fmt.Sprintf("log position %s, transaction %s: %v", e.Position, e.Transaction, e.Err)
}

// Unwrap is the cause.
func (e *LogError) Unwrap() error { return e.Err }
