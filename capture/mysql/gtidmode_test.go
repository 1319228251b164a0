package mysql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/testserver"
)

// gtidMode switches a MySQL server's GTIDs on or off, by the steps that the server asks for.
func (b *bed) gtidMode(on bool) {
	b.Helper()
	steps := []string{"ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF"}
	if on {
		steps = []string{"OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"}
	}
	for _, mode := range steps {
		b.exec("SET GLOBAL gtid_mode = " + mode)
	}
}

// follow reads up to a barrier as bridge does, which opens the log again, from the last position, when the server ends
// the stream. Reading begins with s, at a position.
func (b *bed) follow(s *Source, at change.Position, token uint64) (events []capture.Event, err error) {
	b.Helper()
	ctx, cancel := patience(b)
	defer cancel()
	for {
		e, err := s.Next(ctx)
		switch {
		case errors.Is(err, ErrStream) && ctx.Err() == nil:
			b.close(s)
			s = b.openAt(at)
			continue
		case err != nil:
			b.close(s)
			return events, err
		}
		if e.Position != (change.Position{}) {
			at = e.Position
		}
		if e.Kind == capture.Barrier && e.Barrier.Token == token {
			b.close(s)
			return events, nil
		}
		if e.Kind == capture.Local {
			events = append(events, e)
		}
	}
}

// Groups without GTIDs are between others where GTIDs were off for a time. With GTIDs on, a server passes over them, or
// refuses to send them: that stops the source, until the server may send both. Then each comes once, wherever reading
// begins.
func TestGTIDsOffForATime(t *testing.T) {
	b := newServerBed(t, testserver.FlavorMySQL, nil, "CREATE TABLE t (id int PRIMARY KEY)")
	s := b.open()
	start := b.next(s).Position
	b.close(s)
	b.exec("INSERT INTO t VALUES (1)")
	b.gtidMode(false)
	b.exec("INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)")
	b.gtidMode(true)
	b.exec("INSERT INTO t VALUES (4)")
	b.gtidMode(false)
	b.exec("INSERT INTO t VALUES (5)")
	b.gtidMode(true)
	token := b.mark()
	want := []string{"1", "2", "3", "4", "5"}

	events, err := b.follow(b.openAt(start), start, token)
	if got := ids(events); !slices.Equal(got, want[:1]) || !errors.Is(err, capture.ErrSetup) || !strings.Contains(err.Error(), "gtid_mode = ON_PERMISSIVE") {
		t.Fatalf("came %v and then %v", got, err)
	}
	b.exec("SET GLOBAL gtid_mode = ON_PERMISSIVE")
	events, err = b.follow(b.openAt(start), start, token)
	if got := ids(events); err != nil || !slices.Equal(got, want) {
		t.Fatalf("came %v (%v), want %v", got, err, want)
	}
	for i, e := range events {
		if again, err := b.follow(b.openAt(e.Position), e.Position, token); err != nil || !slices.Equal(ids(again), want[i+1:]) {
			t.Errorf("after %s at %s came %v (%v)", want[i], e.Position.GTID, ids(again), err)
		}
	}
	b.exec("SET GLOBAL gtid_mode = ON", "INSERT INTO t VALUES (6)")
	token = b.mark()
	for i, e := range events {
		again, err := b.follow(b.openAt(e.Position), e.Position, token)
		if i < len(events)-1 {
			if !errors.Is(err, capture.ErrSetup) {
				t.Errorf("after %s came %v (%v)", want[i], ids(again), err)
			}
		} else if got := ids(again); err != nil || !slices.Equal(got, []string{"6"}) {
			t.Errorf("after the last came %v (%v)", got, err)
		}
	}
}

// A region whose server has no GTIDs gets some, as "bridge check" advises, and loses them again, while it's read.
func TestGTIDsSwitchedWhileReading(t *testing.T) {
	b := newServerBed(t, testserver.FlavorMySQL, map[string]string{"gtid_mode": "OFF"}, "CREATE TABLE t (id int PRIMARY KEY)")
	s := b.open()
	for i, on := range []bool{true, false, true} {
		b.exec(fmt.Sprintf("INSERT INTO t VALUES (%d)", i))
		e := b.nextLocal(s)
		b.gtidMode(on)
		b.exec(fmt.Sprintf("INSERT INTO t VALUES (1%d)", i))
		again, err := b.follow(s, e.Position, b.mark())
		if got, want := ids(append([]capture.Event{e}, again...)), []string{fmt.Sprint(i), fmt.Sprint(10 + i)}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%v came (%v), want %v", got, err, want)
		}
		s = b.open()
	}
}
