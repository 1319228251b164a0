package postgres

import (
	"net"
	"syscall"
	"testing"
)

// TestConnectionsAreGivenUp: every TCP connection has the limit, and a Unix socket goes without.
func TestConnectionsAreGivenUp(t *testing.T) {
	config, err := Server{Host: "127.0.0.1", Port: 1, User: "u", SSLMode: "disable"}.Config(Session{Replication: true})
	if err != nil {
		t.Fatal(err)
	}
	listen := func(network, address string) net.Listener {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	dial := func(l net.Listener) net.Conn {
		conn, err := config.DialFunc(t.Context(), l.Addr().Network(), l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	dial(listen("unix", t.TempDir()+"/s"))
	raw, err := dial(listen("tcp", "127.0.0.1:0")).(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		got, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, 0x12) // TCP_USER_TIMEOUT
		if err != nil || got != 20_000 {
			t.Errorf("TCP_USER_TIMEOUT is %d ms (%v), want 20 s", got, err)
		}
	})
}
