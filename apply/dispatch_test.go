package apply

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"bridge/change"
	"bridge/history"
)

// TestStatusTellsWhoIsWaitedFor: a lane that can't go on because of another origin says which, at once when that one is
// stopped, otherwise when it has lasted; the usual moment of waiting isn't told.
func TestStatusTellsWhoIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const eu, us, ap, gone = change.Origin("eu/1"), change.Origin("us/1"), change.Origin("ap/1"), change.Origin("gone/1")
		peers := []change.Origin{us, ap}
		l := NewLoop(Config{
			Self: eu, Report: NewReport(), Log: slog.New(slog.DiscardHandler), Issued: func() uint64 { return 0 },
			History: history.NewLocked(history.New(eu, append(peers, eu), 0)),
		})
		for _, o := range peers {
			l.stopped[o] = &[2]error{}
			l.lanes = append(l.lanes, &lane{origin: o, queue: newQueue(1<<20, l.nudge)})
		}
		d := &dispatcher{Loop: l, last: firstTicket()}
		lane := l.lanes[1]
		push := func(seq uint64, deps ...change.Seen) {
			tx := &change.Transaction{Tag: change.Tag{Dot: change.Dot{Origin: ap, Seq: seq}, Deps: change.NewVector(deps...)}, Last: true}
			if err := lane.queue.push(t.Context(), []item{{tx: tx, seq: seq}}); err != nil {
				t.Fatal(err)
			}
		}
		look := func(what string, dispatched bool, want change.Origin) {
			t.Helper()
			f, err := d.take(t.Context(), lane)
			if err != nil || (f != nil) != dispatched {
				t.Fatalf("%s: %v, %v", what, f, err)
			}
			if f != nil {
				d.waits(lane, "") // as send does
				lane.queue.pop(f.items)
			}
			if got := l.Status()[1].WaitsFor; got != want {
				t.Errorf("%s: waits for %q, want %q", what, got, want)
			}
		}
		push(1, change.Seen{Origin: us, Seq: 5})
		look("a moment", false, "")
		l.stop(us, reading, errors.New("gap"))
		look("the other is stopped", false, us)
		l.resumed(us, reading)
		look("it goes on", false, "")
		time.Sleep(waitIsLong)
		look("it's behind", false, us)
		d.dispatched = d.dispatched.With(us, 5)
		look("it's here", true, "")
		push(2, change.Seen{Origin: us, Seq: 6})
		look("the next one", false, "")
		d.dispatched = d.dispatched.With(us, 6)
		look("it's here, too", true, "")
		push(3, change.Seen{Origin: gone, Seq: 1})
		look("a region that's no member", false, "")
		time.Sleep(waitIsLong)
		look("a region that's no member", false, gone)
	})
}
