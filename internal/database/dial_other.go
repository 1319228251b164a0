//go:build !linux

package database

import (
	"syscall"
	"time"
)

// LimitUnacknowledged does nothing where there's no TCP_USER_TIMEOUT.
func LimitUnacknowledged(time.Duration) func(network, address string, c syscall.RawConn) error {
	return nil
}
