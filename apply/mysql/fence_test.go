package mysql

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"bridge/apply"
	"bridge/capture"
	capturemysql "bridge/capture/mysql"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/loopguard"
)

// newFence opens a fence that knows nothing yet.
func newFence(t *testing.T, b *bed) *Fence {
	t.Helper()
	conn, err := connector(root(b.server))(t.Context(), "barrier")
	if err != nil {
		t.Fatal(err)
	}
	return NewFence(conn)
}

// source reads the server's log from its present end.
func source(t *testing.T, b *bed) *capturemysql.Source {
	t.Helper()
	s, err := capturemysql.Open(t.Context(), capturemysql.Config{Server: root(b.server), Name: "test/" + t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// follow tells a fence what a source reads until the test ends, and keeps the floors of barriers.
func follow(t *testing.T, s *capturemysql.Source, f *Fence) (floors chan change.Timestamp) {
	floors = make(chan change.Timestamp, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		at := uint64(0)
		for {
			ev, err := s.Next(ctx)
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("capture: %v", err)
				}
				return
			}
			if ev.Kind == capture.Idle || ev.Kind == capture.Local && !ev.Last {
				continue
			}
			if ev.Kind == capture.Barrier {
				floors <- ev.Barrier.Floor
			}
			at++
			f.Captured(&ev, at)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		s.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // the test is over
	})
	return floors
}

// TestFence: what a session has locked is certain once capture has read all that was committed before, and not earlier.
func TestFence(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, v int)")
		table := shapeOfTable("id", "v")
		s, f := source(t, b), newFence(t, b)
		defer f.Close(t.Context()) //nolint:errcheck // the test is over
		run(t, b.admin, "INSERT INTO app.t VALUES (1, 1)")
		a := newApplier(t, b)
		a.Begin(loopguard.Marker{Origin: "eu/1", Seq: 1}, apply.AsSets)
		out, err := a.Write(t.Context(), []apply.Write{write(t, apply.Update, table, image("1", "2")...)})
		if err != nil {
			t.Fatal(err)
		}
		if f.Certain(out.Witness) {
			t.Error("certain before capture has read anything")
		}
		floors := follow(t, s, f)
		if _, err := f.Raise(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if !f.Certain(out.Witness) {
			t.Error("not certain although capture has passed a later position")
		}
		first, err := f.Raise(t.Context(), 77)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		second, err := f.Raise(t.Context(), 78)
		if err != nil || second <= first {
			t.Errorf("barriers at %d and %d, %v", first, second, err)
		}
		for _, want := range []change.Timestamp{77, 78} {
			got := <-floors
			for got == 0 { // of a position at which no transaction ended
				got = <-floors
			}
			if got != want {
				t.Errorf("floor %d, want %d", got, want)
			}
		}
	})
}

// TestFencePassesWhatNoTransactionEnds: a new file begins with events that are no transaction's, on an idle server.
func TestFencePassesWhatNoTransactionEnds(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		s, f := source(t, b), newFence(t, b)
		defer f.Close(t.Context()) //nolint:errcheck // the test is over
		follow(t, s, f)
		for range 3 {
			run(t, b.admin, "FLUSH BINARY LOGS")
			if _, err := f.Raise(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			run(t, b.admin, "CREATE TABLE app.x (id int PRIMARY KEY); DROP TABLE app.x; FLUSH BINARY LOGS")
			a := newApplier(t, b)
			a.Begin(loopguard.Marker{Origin: "eu/1", Seq: 1}, apply.AsSets)
			out, err := a.Write(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Raise(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if !f.Certain(out.Witness) {
				t.Error("not certain after Raise")
			}
			if err := a.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestFenceSeesWhoHeldTheRow: a session that gets a row's lock sees the writer before it in the log, at the position that
// it reads in the same packet, however short the time between.
func TestFenceSeesWhoHeldTheRow(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, v int); INSERT INTO app.t VALUES (1, 0)")
		table := shapeOfTable("id", "v")
		s, f := source(t, b), newFence(t, b)
		defer f.Close(t.Context()) //nolint:errcheck // the test is over
		ctx, cancel := context.WithCancel(t.Context())
		written := make(chan error, 1)
		go func() {
			conn, err := root(b.server).Connect(ctx, mysql.Session{Name: "application"})
			for n := 1; err == nil && ctx.Err() == nil; n++ {
				_, err = conn.Exec(ctx, "UPDATE app.t SET v = v + 1 WHERE id = 1")
			}
			written <- err
		}()
		a := newApplier(t, b)
		var seen []struct {
			v  int
			at witness
		}
		for seq := range 200 {
			a.Begin(loopguard.Marker{Origin: "eu/1", Seq: uint64(seq) + 1}, apply.AsSets)
			out, err := a.Write(t.Context(), []apply.Write{write(t, apply.Update, table, image("1", "-")...)})
			if errors.Is(err, apply.ErrRetry) {
				a.Rollback(t.Context()) //nolint:errcheck // the next statement tells
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := a.Session.(*session).conn.Text(t.Context(), "SELECT v FROM app.t WHERE id = 1")
			if err != nil {
				t.Fatal(err)
			}
			var v int
			fmt.Sscan(text[0], &v) //nolint:errcheck // compared below
			seen = append(seen, struct {
				v  int
				at witness
			}{v, out.Witness.(witness)})
			if err := a.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		<-written
		last := rows(t, b.admin, "SELECT v FROM app.t")[0]
		v := 0
		for i := 0; i < len(seen); {
			ev, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if ev.Kind != capture.Local || len(ev.Operations) != 1 {
				continue
			}
			text, _ := ev.Operations[0].New[1].Text()
			fmt.Sscan(text, &v) //nolint:errcheck // compared below
			end := mysql.DecodePosition(ev.Position.Offset)
			for ; i < len(seen) && seen[i].at.position.Compare(end) <= 0; i++ {
				if seen[i].v > v {
					t.Fatalf("a session saw %d where the log had %d at %s", seen[i].v, v, seen[i].at.position)
				}
			}
			if text == last {
				break
			}
		}
	})
}

// TestFenceEndsItsWaiters: a session that ends leaves nobody waiting for an answer that nobody will read, and doesn't
// close the connection under a statement. (The race detector sees the latter.)
func TestFenceEndsItsWaiters(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		for range 20 {
			f := newFence(t, b)
			ctx, cancel := context.WithCancel(t.Context())
			began, errs := make(chan struct{}, 4), make(chan error, 4)
			for floor := range change.Timestamp(4) {
				go func() {
					began <- struct{}{}
					_, err := f.Raise(ctx, floor%2)
					errs <- err
				}()
			}
			<-began
			closing, done := context.WithTimeout(t.Context(), time.Minute)
			if err := f.Close(closing); err != nil {
				t.Fatal(err)
			}
			done()
			cancel()
			for range 4 {
				if err := <-errs; err == nil {
					t.Fatal("a barrier that nobody has read was taken for read")
				}
			}
			if _, err := f.Raise(t.Context(), 0); err == nil {
				t.Fatal("a barrier was raised on a closed fence")
			}
		}
	})
}
