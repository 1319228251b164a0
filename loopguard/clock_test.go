package loopguard

import (
	"reflect"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// event is one step in a region's log: a local commit, an applied transaction's echo, or a floor.
type event struct {
	local  bool
	commit change.Timestamp
	echo   Marker
	floor  change.Timestamp
}

func (e event) feed(t *rapid.T, c *Clock) (change.Tag, bool) {
	switch {
	case e.local:
		return c.Local(e.commit), true
	case e.floor != 0:
		c.Floor(e.floor)
	default:
		if err := c.Echo(e.echo); err != nil {
			t.Fatalf("echo %+v: %v", e.echo, err)
		}
	}
	return change.Tag{}, false
}

func drawLog(t *rapid.T) []event {
	times := rapid.Map(rapid.Int64Range(1, 20), func(n int64) change.Timestamp { return change.Timestamp(n) })
	seqs := map[change.Origin]uint64{}
	var log []event
	for range rapid.IntRange(0, 30).Draw(t, "events") {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0, 1:
			log = append(log, event{local: true, commit: times.Draw(t, "commit")})
		case 2:
			o := rapid.SampledFrom([]change.Origin{"b/1", "c/1"}).Draw(t, "origin")
			seqs[o] += rapid.Uint64Range(0, 3).Draw(t, "step")
			log = append(log, event{echo: Marker{Origin: o, Seq: seqs[o], Time: times.Draw(t, "ts")}})
		default:
			log = append(log, event{floor: times.Draw(t, "floor")})
		}
	}
	return log
}

// The HLC's laws: seq has no gap, a timestamp exceeds every earlier one and all that was seen or asked
// for, it's never behind the commit time, and the vector is what the echoes before it said.
func TestClockLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewClock("a/1", State{})
		var seq uint64
		var above change.Timestamp
		seen := map[change.Origin]uint64{}
		for _, e := range drawLog(t) {
			above = max(above, e.floor, e.echo.Time)
			if e.echo.Seq > 0 {
				seen[e.echo.Origin] = e.echo.Seq
			}
			tag, ok := e.feed(t, c)
			if !ok {
				continue
			}
			seq++
			if tag.Dot != (change.Dot{Origin: "a/1", Seq: seq}) {
				t.Fatalf("dot %v, want seq %d", tag.Dot, seq)
			}
			if tag.Time <= above || tag.Time < e.commit {
				t.Fatalf("timestamp %d; seen up to %d, committed at %d", tag.Time, above, e.commit)
			}
			if tag.Time != max(e.commit, above+1) {
				t.Fatalf("timestamp %d runs ahead of %d", tag.Time, max(e.commit, above+1))
			}
			above = tag.Time
			if len(tag.Deps) != len(seen) {
				t.Fatalf("deps %v, want %v", tag.Deps, seen)
			}
			for o, s := range seen {
				if tag.Deps.Get(o) != s {
					t.Fatalf("deps %v, want %v", tag.Deps, seen)
				}
			}
		}
	})
}

// Tags are a function of the log: a clock that resumes from any State on the way gives the same tags,
// and a tag given out doesn't change afterwards.
func TestClockReplaysFromAnyState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := drawLog(t)
		c := NewClock("a/1", State{})
		states := []State{c.State()}
		tags := make([]change.Tag, len(log))
		texts := make([]string, len(log))
		for i, e := range log {
			tags[i], _ = e.feed(t, c)
			texts[i] = tags[i].Deps.String()
			states = append(states, c.State())
		}
		from := rapid.IntRange(0, len(log)).Draw(t, "from")
		again := NewClock("a/1", states[from])
		for i := from; i < len(log); i++ {
			tag, _ := log[i].feed(t, again)
			if !reflect.DeepEqual(tag, tags[i]) || tags[i].Deps.String() != texts[i] {
				t.Fatalf("event %d: tagged %+v, replayed from %d as %+v", i, tags[i], from, tag)
			}
		}
	})
}

func TestClockRefusesForeignLogs(t *testing.T) {
	c := NewClock("a/1", State{Vector: change.NewVector(change.Seen{Origin: "b/1", Seq: 7})})
	if c.Echo(Marker{Origin: "a/1", Seq: 1}) == nil {
		t.Error("an echo of the region's own origin was taken")
	}
	if c.Echo(Marker{Origin: "b/1", Seq: 6, Time: 99}) == nil {
		t.Error("a marker that goes back was taken")
	}
	if s := c.State(); s.Last != 0 || s.Vector.Get("b/1") != 7 {
		t.Errorf("a refused marker changed the state: %+v", s)
	}
	if err := c.Echo(Marker{Origin: "b/1", Seq: 7}); err != nil {
		t.Errorf("a marker in place: %v", err)
	}
}
