package testserver_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"bridge/internal/testserver/servertest"
)

// echo serves connections by sending back what they send.
func echo(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func roundTrip(conn net.Conn) error {
	if _, err := conn.Write([]byte("ping")); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 4))
	return err
}

func TestProxyCut(t *testing.T) {
	link := servertest.Proxy(t, echo(t))
	for range 3 {
		conn := dial(t, link.Addr())
		if err := roundTrip(conn); err != nil {
			t.Fatal("healthy link:", err)
		}
		link.Cut()
		link.Cut() // no harm
		if err := roundTrip(conn); err == nil {
			t.Error("a connection lives on over a cut link")
		}
		if refused, err := net.Dial("tcp", link.Addr()); err == nil {
			refused.Close()
			t.Error("a cut link takes connections")
		}
		if err := link.Heal(); err != nil {
			t.Fatal(err)
		}
	}
	if err := roundTrip(dial(t, link.Addr())); err != nil {
		t.Error("healed link:", err)
	}
}

func TestProxyStall(t *testing.T) {
	link := servertest.Proxy(t, echo(t))
	conn := dial(t, link.Addr())
	if err := roundTrip(conn); err != nil {
		t.Fatal("healthy link:", err)
	}
	if err := link.Stall(); err != nil {
		t.Fatal(err)
	}
	// Any pause will do: nothing can come, so no duration makes this fail on a slow machine.
	if err := conn.SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(conn); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("stalled link: %v, want silence", err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := link.Heal(); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 4)); err == nil {
		t.Errorf("%d bytes that were swallowed arrived", n)
	}
	if err := roundTrip(dial(t, link.Addr())); err != nil {
		t.Error("healed link:", err)
	}
}

func TestProxyLatency(t *testing.T) {
	link := servertest.Proxy(t, echo(t))
	conn := dial(t, link.Addr())
	for _, each := range []time.Duration{5 * time.Millisecond, 20 * time.Millisecond} {
		if err := link.Latency(each); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := roundTrip(conn); err != nil {
			t.Fatal(err)
		}
		// Never less than asked for, whatever the machine; there's no upper bound.
		if took := time.Since(start); took < 2*each {
			t.Errorf("round trip took %s with %s each way", took, each)
		}
	}
	if err := link.Latency(0); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(conn); err != nil {
		t.Fatal(err)
	}
}
