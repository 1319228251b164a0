package mysql

import (
	"context"
	"io"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"
	"pgregory.net/rapid"
)

// give hands the link an event as the syncer does.
func (l *link) give(n, size uint32) error {
	return l.HandleEvent(&replication.BinlogEvent{Header: &replication.EventHeader{LogPos: n, EventSize: size}, Event: &replication.GenericEvent{Data: []byte{byte(n)}}})
}

// Every event comes once and in order, and none is kept back while the syncer waits for more, or when it ends.
func TestLinkHandsOverEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLink()
		defer l.stop()
		var given, received uint32
		receive := func() {
			e, err := l.receive(t.Context())
			if err != nil {
				t.Fatalf("after %d of %d events: %v", received, given, err)
			}
			if received++; e.end != received || e.body[0] != byte(received) {
				t.Fatalf("event %d came as number %d, with %x", e.end, received, e.body)
			}
		}
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			if given-received > handfulEvents*(aheadHandfuls-1) || l.gathered.bytes+int64(l.taken.bytes) > aheadBytes/2 {
				for l.behind() {
					receive() // or the link would wait for its consumer, as it should
				}
			}
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0: // the syncer reads from its connection
				if err := l.handOver(); err != nil {
					t.Fatal(err)
				}
				for received < given {
					receive()
				}
			case 1:
				if l.behind() {
					receive()
				}
			default:
				given++
				if err := l.give(given, rapid.Uint32Range(1, handfulBytes).Draw(t, "size")); err != nil {
					t.Fatal(err)
				}
			}
		}
		go l.end(io.ErrUnexpectedEOF)
		for received < given {
			receive()
		}
		if _, err := l.receive(t.Context()); err == nil {
			t.Fatal("an event that wasn't given")
		}
	})
}

// A syncer that is ahead waits for its consumer, or for the link's end.
func TestLinkHoldsTheSyncerBack(t *testing.T) {
	for name, c := range map[string]struct{ size, ahead uint32 }{"events": {1, handfulEvents * (aheadHandfuls + 3)}, "bytes": {aheadBytes, 4}} {
		l := newLink()
		ahead := make(chan uint32)
		go func() {
			var n uint32
			for l.give(n+1, c.size) == nil {
				n++
			}
			ahead <- n
		}()
		if _, err := l.receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.stop()
		if n := <-ahead; n > c.ahead {
			t.Errorf("%s: the syncer was %d events ahead", name, n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for {
			if _, err := l.receive(ctx); err != nil {
				break
			}
		}
	}
}
