package apply

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/visibility"
)

// endless is a topic whose end a reader waits at.
type endless struct {
	*fixed
	name string
}

func (l *endless) Name() string { return l.name }
func (l *endless) Read(ctx context.Context, from int64) ([]stream.Record, error) {
	if from < int64(len(l.records)) {
		return l.fixed.Read(ctx, from)
	}
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// stubTarget opens sessions that take everything. They find no row, or, while there's one, fail with an error.
type stubTarget struct {
	Target  // for the methods that aren't called
	unfound *atomic.Pointer[error]
}

func (st stubTarget) Open(context.Context, int) (Session, error) {
	return &blindSession{stubSession{writes: 1 << 20}, st.unfound}, nil
}

type blindSession struct {
	stubSession
	unfound *atomic.Pointer[error]
}

func (s *blindSession) Find(context.Context, *visibility.Lookup) ([]visibility.Row, error) {
	if s.unfound == nil || s.unfound.Load() == nil {
		return nil, nil
	}
	return nil, *s.unfound.Load()
}

func (stubTarget) Localize(context.Context, *change.Transaction) error {
	return nil
}

// besideBulk is a loop of region a, with its log. Its history knows of transaction b/1:2 only which rows it wrote. Region c has
// written one of them at once (c/1:1), and d other rows, the last of them after it had seen c's.
func besideBulk(t *testing.T, b stream.Log) (*Loop, *bytes.Buffer) {
	t.Helper()
	h := history.New("a/1", []change.Origin{"a/1", "b/1", "c/1", "d/1"}, 0)
	if err := h.AddTransaction(piece(2, 0, 12, false), 0); err != nil {
		t.Fatal(err)
	}
	after := txOf("d", 3, 32, ins("d3", "a", "t"))
	after.Deps = change.NewVector(change.Seen{Origin: "c/1", Seq: 1})
	logs := map[change.Origin]stream.Log{
		"b/1": b,
		"c/1": &endless{topicOf(t, txOf("c", 1, 10, ins("2.9", "c", "t")), txOf("c", 2, 11, ins("c2", "a", "t"))), "bridge.c"},
		"d/1": &endless{topicOf(t, txOf("d", 1, 30, ins("d1", "a", "t")), txOf("d", 2, 31, ins("d2", "a", "t")), after), "bridge.d"},
	}
	var out bytes.Buffer
	l := NewLoop(Config{
		Cluster: "c", Self: "a/1", Peers: logs, Target: stubTarget{}, Fence: openFence{}, History: history.NewLocked(h),
		Rules: conflict.All(conflict.LastWriteWins), Progress: map[change.Origin]loopguard.Marker{"b/1": {Origin: "b/1", Seq: 2, Offset: 1}},
		Issued: func() uint64 { return 0 }, Report: NewReport(), Began: func(*change.Tag, int64) {}, Log: slog.New(slog.NewTextHandler(&out, nil)),
		Archive: &Archive{Cluster: "c", Logs: logs, From: func(change.Dot) int64 { return 0 }, Local: AsLogged{}},
	})
	return l, &out
}

// run runs a loop until the test ends.
func run(t *testing.T, l *Loop) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; ctx.Err() == nil {
			t.Error(err)
		}
	}
}

// after waits for the loop to have done all that it can by then.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (l *Loop) statusOf(o change.Origin) PeerStatus {
	for _, p := range l.Status() {
		if p.Origin == o {
			return p
		}
	}
	return PeerStatus{}
}

// TestLanesGoOnWhileATopicIsAway: what c wrote can't be decided while b's topic is away. What d wrote is applied, but for what had
// seen c's. Status and log tell what waits for what.
func TestLanesGoOnWhileATopicIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, log := besideBulk(t, awayFor(&endless{topicOf(t, whole(1, 1), whole(2, 12)), "bridge.b"}, time.Hour))
		defer run(t, l)()
		began := time.Now()
		after(time.Minute)
		if c, d := l.Report.Applied("c/1"), l.Report.Applied("d/1"); c != 0 || d != 2 {
			t.Errorf("while b's topic is away, %d of c's and %d of d's are applied; want 0 and 2", c, d)
		}
		if w := l.statusOf("c/1").WaitsForTopic; w.Topics != "bridge.b" || w.Since.Sub(began) != batchWait {
			t.Errorf("c waits for %q since %s, want bridge.b since %s", w.Topics, w.Since.Sub(began), batchWait)
		}
		if w := l.statusOf("d/1"); w.WaitsFor != "c/1" || w.WaitsForTopic.Topics != "" {
			t.Errorf("d waits for %q and topic %q, want c/1", w.WaitsFor, w.WaitsForTopic.Topics)
		}
		after(time.Hour)
		if c, d := l.Report.Applied("c/1"), l.Report.Applied("d/1"); c != 2 || d != 3 {
			t.Errorf("when it's back, %d of c's and %d of d's are applied; want 2 and 3", c, d)
		}
		for _, o := range []change.Origin{"c/1", "d/1"} {
			if s := l.statusOf(o); s.WaitsFor != "" || s.WaitsForTopic != (TopicWait{}) || s.Stopped != nil {
				t.Errorf("%s still waits: %+v", o, s)
			}
		}
		for line, want := range map[string]int{"region waits for a topic that can't be read": 1, "region waits for no topic any more": 1} {
			if n := strings.Count(log.String(), line); n != want {
				t.Errorf("the log says %d times %q, want %d:\n%s", n, line, want, log)
			}
		}
	})
}

// TestLaneStopsByWhatATopicLacks: b's topic doesn't have any more what c's transaction must be decided with. That stops c alone.
func TestLaneStopsByWhatATopicLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, log := besideBulk(t, &endless{topicOf(t, whole(1, 1), whole(3, 1)), "bridge.b"})
		defer run(t, l)()
		after(time.Minute)
		if c, d := l.Report.Applied("c/1"), l.Report.Applied("d/1"); c != 0 || d != 2 {
			t.Errorf("%d of c's and %d of d's are applied; want 0 and 2", c, d)
		}
		const want = "topic bridge.b holds b/1:3 at offset 1, and not all of it before"
		if err := l.statusOf("c/1").Stopped; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("c is stopped by %v, want %q", err, want)
		}
		if n := strings.Count(log.String(), "peer=c"); n != 1 {
			t.Errorf("the log says it %d times, want once:\n%s", n, log)
		}
	})
}

// TestUpkeepThatFailsIsTold: while parked rows can't be looked at, nothing is applied. Status tells why, and the log once.
func TestUpkeepThatFailsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, log := besideBulk(t, &endless{topicOf(t, whole(1, 1), whole(2, 12)), "bridge.b"})
		row := born("1", "m", "-")
		parked := visibility.Parked{Row: visibility.Row{Key: row.Key, Table: people, Image: row.New}, Reason: visibility.ByUnique, Claim: visibility.Claim{Key: row.Key}}
		var err error
		l.Watch, err = NewWatch(t.Context(), "a/1", peopleCatalog("mail"), []visibility.Parked{parked}, sameForm{})
		must(t, err)
		l.Watch.tell(l.nudge)
		refused := fmt.Errorf("%w: run bridge grants", ErrRefused)
		var unfound atomic.Pointer[error]
		unfound.Store(&refused)
		l.Target = stubTarget{unfound: &unfound}
		defer run(t, l)()
		began := time.Now()
		after(time.Minute)
		if held := l.Held(); held.Error != refused || !held.Since.Equal(began) {
			t.Errorf("held by %v since %s, want %v since %s", held.Error, held.Since, refused, began)
		}
		if n := l.Report.Applied("d/1"); n != 0 {
			t.Errorf("%d of d's transactions are applied before the look", n)
		}
		unfound.Store(nil)
		after(upkeepRefused)
		if held := l.Held(); held != (Held{}) {
			t.Errorf("still held: %+v", held)
		}
		if n := l.Report.Applied("d/1"); n == 0 {
			t.Error("nothing is applied after it")
		}
		for _, line := range []string{"rows that constraints hide can't be looked at, and nothing is applied before that", "rows that constraints hide are looked at again"} {
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("the log says %d times %q, want once:\n%s", n, line, log)
			}
		}
	})
}
