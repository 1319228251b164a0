package mysql

import (
	"errors"

	"bridge/capture"
)

// What keeps the log from being read, besides what capture has for all engines. The errors that wrap them say
// what to do. None but [ErrServerID] and [ErrStream] goes away by itself; errors that wrap none of them are
// the server's or the network's own.
var (
	// ErrLogPurged: the server has removed log that is still needed.
	ErrLogPurged = errors.New("binary log was purged")
	// ErrServerID: another replica or bridge reads the log under the same server_id. It heals when that's
	// this bridge's own former connection, which the server hasn't given up yet.
	ErrServerID = errors.New("server_id is in use")
	// ErrStream: the server has ended the stream, or hangs. Opening the log again helps, or finds out what's
	// wrong with it.
	ErrStream = errors.New("the stream of the log ended")
)

// badLog is a [capture.BadLog].
func badLog(format string, args ...any) error { return capture.BadLog(format, args...) }
