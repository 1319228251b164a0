package mysql

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// deadlines is a connection that notes what it's told.
type deadlines struct {
	net.Conn
	read, write []time.Time
}

func (d *deadlines) Read([]byte) (int, error)           { return 0, nil }
func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = append(d.read, t); return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = append(d.write, t); return nil }

// The deadline in force is never later than the one asked for, and earlier by less than deadlineSlack.
func TestCoarseDeadlines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var told deadlines
		c := &watchedConn{Conn: &told}
		now := time.Unix(1_800_000_000, 0)
		calls := rapid.IntRange(1, 30).Draw(t, "calls")
		for i := range calls {
			var want time.Time // the zero time ends the deadline
			if rapid.IntRange(0, 9).Draw(t, "end") > 0 {
				want = now.Add(time.Duration(rapid.Int64Range(-int64(2*deadlineSlack), int64(2*deadlineSlack)).Draw(t, "deadline")))
			}
			set := c.SetReadDeadline
			if rapid.Bool().Draw(t, "both") {
				set = c.SetDeadline
			}
			if err := set(want); err != nil {
				t.Fatal(err)
			}
			if len(told.read) == 0 {
				t.Fatalf("call %d: no deadline was set", i)
			}
			got := told.read[len(told.read)-1]
			if want.IsZero() != got.IsZero() || got.After(want) || !want.IsZero() && want.Sub(got) >= deadlineSlack {
				t.Fatalf("call %d: the deadline is %v, wanted %v", i, got, want)
			}
		}
	})
}

func TestCoarseDeadlinesMoveInSteps(t *testing.T) {
	var told deadlines
	c := &watchedConn{Conn: &told}
	for i := range 10_000 {
		if err := c.SetReadDeadline(time.Unix(0, int64(i)*int64(time.Millisecond)+1)); err != nil {
			t.Fatal(err)
		}
	}
	if len(told.read) != 10 {
		t.Errorf("the deadline was set %d times in 10 s", len(told.read))
	}
	if err := c.SetDeadline(time.Time{}); err != nil || len(told.read) != 11 || len(told.write) != 1 {
		t.Errorf("read deadlines %d, write deadlines %d, %v", len(told.read), len(told.write), err)
	}
}

// A consumer may be busy for longer than a server may be silent: that time isn't the server's.
func TestReadDeadlineMovesWhileNothingIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told deadlines
		c := &watchedConn{Conn: &told, before: func() error { time.Sleep(time.Hour); return nil }}
		if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(nil); err != nil {
			t.Fatal(err)
		}
		if got := time.Until(told.read[len(told.read)-1]); got != time.Minute {
			t.Errorf("the server has %v left", got)
		}
		c.before = func() error { return io.ErrClosedPipe }
		if _, err := c.Read(nil); err != io.ErrClosedPipe {
			t.Errorf("read from a connection whose consumer is gone: %v", err)
		}
	})
}

// A server that falls silent, without a word of TCP, is noticed.
func TestSilentServer(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY)")
		proxy := servertest.Proxy(t, b.server.Addr())
		b.config.Server = mysql.Server{Host: "127.0.0.1", Port: uint16(proxyPort(t, proxy)), User: "bridge", Password: "secret"}
		b.config.silence = 3 * deadlineSlack
		s := b.open()
		b.exec("INSERT INTO t VALUES (1)")
		b.nextLocal(s)
		if err := proxy.Stall(); err != nil {
			t.Fatal(err)
		}
		if err := b.fails(s); mysql.Classify(err) != mysql.Retry {
			t.Errorf("class %v: %v", mysql.Classify(err), err)
		}
		if err := proxy.Heal(); err != nil {
			t.Fatal(err)
		}
		b.close(s)
	})
}
