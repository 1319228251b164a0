package database

import (
	"syscall"
	"time"
)

const tcpUserTimeout = 0x12 // TCP_USER_TIMEOUT of linux/tcp.h, in ms, which package syscall lacks

// LimitUnacknowledged is a [net.Dialer]'s Control that makes its TCP connections break after data wasn't acknowledged, or taken in, for so long.
func LimitUnacknowledged(limit time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) (err error) {
		if network == "unix" {
			return nil
		}
		if failed := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(limit.Milliseconds()))
		}); failed != nil {
			return failed
		}
		return err
	}
}
