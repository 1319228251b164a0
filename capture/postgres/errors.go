package postgres

import (
	"errors"

	"bridge/capture"
)

// What keeps the log from being read, besides what capture has for all engines. The errors that wrap them say
// what to do. None but [ErrSlotActive] goes away by itself; errors that wrap none of them are the server's or
// the network's own.
var (
	// ErrSlotMissing: there is no such replication slot.
	ErrSlotMissing = errors.New("replication slot does not exist")
	// ErrSlotActive: another process reads the slot: another bridge, or this one's former connection,
	// which the server hasn't given up yet.
	ErrSlotActive = errors.New("replication slot is in use")
	// ErrSlotLost: the server has removed log that the slot still needed.
	ErrSlotLost = errors.New("replication slot has lost its log")
	// ErrSlotAhead: the slot was confirmed beyond the position to start from.
	ErrSlotAhead = errors.New("replication slot is ahead of the start position")
)

// badLog is a [capture.BadLog].
func badLog(format string, args ...any) error { return capture.BadLog(format, args...) }
