package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

func (b *bed) slot(column string) string {
	return fmt.Sprintf("(SELECT %s FROM pg_replication_slots WHERE slot_name = '%s')", column, b.config.Slot)
}

// TestConfirmMovesTheSlot holds that the slot moves to what is confirmed, and no further.
func TestConfirmMovesTheSlot(t *testing.T) {
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY)")
	b.exec("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)")
	s := b.open()
	events := b.drain(s)
	s.Confirm(events[0].Position)
	at := fmt.Sprintf("'0/0'::pg_lsn + %d", events[0].Position.Offset)
	b.await(b.slot("confirmed_flush_lsn") + " = " + at)
	s.Confirm(change.Position{Offset: 1}) // no way back
	b.close(s)
	b.await(b.slot("confirmed_flush_lsn = " + at + " AND NOT active"))

	wantText(t, show(b.drain(b.open())), "insert public.t (2) new 2\ncommit\nbarrier 1")
}

// TestRestart reads a log from each of its positions: nothing comes twice, nothing is lost.
func TestRestart(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY, v text)").small()
	id := 0
	for range 12 {
		rows := 1 + random.IntN(2)*1000 // some are streamed
		b.exec(fmt.Sprintf("INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(%d, %d) i", id, id+rows-1))
		id += rows
	}
	token := b.mark()
	s := b.open()
	all := b.until(s, token)
	b.close(s)
	for i, e := range all {
		if !e.Last {
			continue
		}
		b.config.Start = e.Position
		s := b.open()
		if got, want := show(b.until(s, token)), show(all[i+1:]); got != want {
			t.Errorf("from event %d on, %s, %d bytes came, want %d", i, positionText(e.Position), len(got), len(want))
		}
		b.close(s)
	}
}

// TestRestartInTheMiddle gives a source up between the pieces of a transaction, which then comes whole.
func TestRestartInTheMiddle(t *testing.T) {
	for _, workMem := range []string{"64kB", "1GB"} {
		b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY)")
		b.config.WorkMem = workMem
		b.exec("INSERT INTO t VALUES (0)", "INSERT INTO t SELECT generate_series(1, 20000)")
		s := b.open()
		first := b.next(s)
		piece := b.next(s)
		if piece.Last || len(piece.Operations) == 0 {
			t.Fatalf("not a piece: %d operations, last %v", len(piece.Operations), piece.Last)
		}
		s.Confirm(first.Position)
		b.close(s)
		b.config.Start = first.Position
		n := 0
		for i, e := range b.drain(b.open()) {
			if e.First != (i == 0) {
				t.Errorf("piece %d: first %v", i, e.First)
			}
			n += len(e.Operations)
		}
		if n != 20000 {
			t.Errorf("work_mem %s: %d rows came", workMem, n)
		}
	}
}

// TestIdleAdvances holds that log without anything for bridge can be released.
func TestIdleAdvances(t *testing.T) {
	b := newBed(t, "CREATE UNLOGGED TABLE u (id int)", "CREATE TABLE t (id int PRIMARY KEY, v text)")
	b.config.IdleInterval = time.Millisecond
	s := b.open()
	b.exec("INSERT INTO u SELECT generate_series(1, 1000)", "CREATE INDEX ON t (v)", "VACUUM pg_class")
	var end uint64
	b.scan("SELECT pg_current_wal_flush_lsn() - '0/0'", &end)
	for {
		e := b.next(s)
		if e.Position.Offset != 0 {
			s.Confirm(e.Position)
		}
		if e.Kind == capture.Idle && e.Position.Offset >= end {
			break
		}
	}
	b.await(fmt.Sprintf("%s >= '0/0'::pg_lsn + %d", b.slot("confirmed_flush_lsn"), end))
}

// TestIdlePositionsAreSafe holds that an idle position is never in the middle of what is
// being given out.
func TestIdlePositionsAreSafe(t *testing.T) {
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY, v text)").small()
	b.config.IdleInterval = 1
	s := b.open()
	session := b.otherSession()
	open, last := false, uint64(0)
	for i := range 5 {
		sql := fmt.Sprintf("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(%d, %d) i", i*10000, i*10000+9999)
		if _, err := session.Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
		token := b.mark()
		for {
			e := b.next(s)
			if e.Kind == capture.Idle && (open || e.Position.Offset <= last) {
				t.Fatalf("idle at %d inside a transaction (%v) or before %d", e.Position.Offset, open, last)
			}
			open = e.Kind == capture.Local && !e.Last
			last = max(last, e.Position.Offset)
			if e.Kind == capture.Barrier && e.Barrier.Token == token {
				break
			}
		}
	}
}

// TestKeepsConnectionWithoutNext has a server that gives up after a second, and a caller that doesn't
// call for longer, while a transaction waits to be read.
func TestKeepsConnectionWithoutNext(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true, Settings: map[string]string{"wal_sender_timeout": "1s"}})
	if err := server.CreateDatabase(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	b := newBedOn(t, servertest.DB{Server: server, Name: "app"}, "CREATE TABLE t (id int PRIMARY KEY, v text)")
	s := b.open()
	b.exec("INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i") // more than the socket holds
	token := b.mark()
	// Three times the server's patience, by its own clock.
	b.exec("CREATE TEMPORARY TABLE began AS SELECT clock_timestamp() AS at")
	b.await("clock_timestamp() - at > '3 s' FROM began")
	b.await("count(*) = 1 FROM pg_stat_replication WHERE reply_time > (SELECT at + '2 s' FROM began)")
	n := 0
	for _, e := range b.until(s, token) {
		n += len(e.Operations)
	}
	if n != 20000 {
		t.Errorf("%d rows", n)
	}
}

// TestFastShutdown holds that a server can shut down in its orderly way: it waits until all is
// confirmed, and capture says what there is to confirm.
func TestFastShutdown(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true})
	if err := server.CreateDatabase(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	b := newBedOn(t, servertest.DB{Server: server, Name: "app"}, "CREATE TABLE t (id int PRIMARY KEY)")
	b.config.IdleInterval = time.Hour
	s := b.open()
	b.exec("INSERT INTO t VALUES (1)")
	stopped := make(chan error, 1)
	go func() { stopped <- server.Stop(t.Context(), testserver.Fast) }()
	ctx, cancel := patience(t)
	defer cancel()
	for {
		e, err := s.Next(ctx)
		if err != nil {
			if postgres.Classify(err) != postgres.Retry {
				t.Errorf("not an error to try again after: %v", err)
			}
			break
		}
		s.Confirm(e.Position)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	b.close(s)
}

// TestNextCanBeInterrupted holds that ending a call of Next loses nothing.
func TestNextCanBeInterrupted(t *testing.T) {
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY)")
	s := b.open()
	n := 0
	for i := range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		interrupted := make(chan struct{})
		go func() { cancel(); close(interrupted) }()
		b.exec(fmt.Sprintf("INSERT INTO t VALUES (%d)", i))
		for {
			e, err := s.Next(ctx)
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				break
			}
			n += len(e.Operations)
		}
		<-interrupted
	}
	for _, e := range b.drain(s) {
		n += len(e.Operations)
	}
	if n != 50 {
		t.Errorf("%d rows came, want 50", n)
	}
}

// TestSetupErrors holds what Open refuses, and the remedy that it names.
func TestSetupErrors(t *testing.T) {
	tests := []struct {
		name string
		do   func(b *bed)
		want error
		text string
	}{
		{"no slot", func(b *bed) { b.config.Slot = "nowhere" }, ErrSlotMissing, "bridge init"},
		{"another plugin", func(b *bed) {
			b.config.Slot += "_p"
			b.exec(fmt.Sprintf("SELECT pg_create_physical_replication_slot('%s')", b.config.Slot))
			b.Cleanup(func() {
				b.conn.Exec(context.Background(), fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", b.config.Slot))
			})
		}, capture.ErrSetup, "pgoutput"},
		{"two-phase", func(b *bed) {
			b.config.Slot += "_2"
			b.exec(fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput', false, true)", b.config.Slot))
		}, capture.ErrSetup, "two_phase"},
		{"slot in use", func(b *bed) { b.open() }, ErrSlotActive, "server process"},
		{"slot ahead", func(b *bed) {
			var at uint64
			b.scan("SELECT pg_current_wal_lsn() - '0/0'", &at)
			b.config.Start = change.Position{Offset: at}
			b.exec("CREATE TABLE later (id int PRIMARY KEY)", fmt.Sprintf("SELECT pg_replication_slot_advance('%s', pg_current_wal_lsn())", b.config.Slot))
		}, ErrSlotAhead, "someone else read the slot"},
		{"log behind", func(b *bed) {
			var at uint64
			b.scan("SELECT pg_current_wal_lsn() - '0/0'", &at)
			b.config.Start = change.Position{Offset: at + 1<<30}
		}, capture.ErrLogBehind, "restored from an older copy"},
		{"no publication", func(b *bed) { b.exec(`DROP PUBLICATION "bridge pub"`) }, capture.ErrSetup, "bridge init"},
		{"part of the changes", func(b *bed) { b.exec(`ALTER PUBLICATION "bridge pub" SET (publish = 'insert')`) }, capture.ErrSetup, `ALTER PUBLICATION "bridge pub" SET (publish`},
		{"partitions", func(b *bed) { b.exec(`ALTER PUBLICATION "bridge pub" SET (publish_via_partition_root = false)`) }, capture.ErrSetup, "publish_via_partition_root = true"},
		{"no markers", func(b *bed) { b.exec(`DROP PUBLICATION "bridge pub"`, postgres.CreatePublicationSQL("bridge pub")) }, capture.ErrSetup, "ADD TABLE bridge.progress"},
		{"some markers", func(b *bed) {
			b.exec(`DROP PUBLICATION "bridge pub"`, postgres.CreatePublicationSQL("bridge pub"),
				`ALTER PUBLICATION "bridge pub" ADD TABLE bridge.progress WHERE (worker = 0)`)
		}, capture.ErrSetup, "leaves out rows or columns of bridge.progress"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			tt.do(b)
			s, err := Open(t.Context(), b.config)
			if err == nil {
				s.Close(context.Background())
			}
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %v with %q", err, tt.want, tt.text)
			}
		})
	}
}

// TestPublicationYoungerThanSlot is found only when the first change comes.
func TestPublicationYoungerThanSlot(t *testing.T) {
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY)")
	b.exec(`DROP PUBLICATION "bridge pub"`, "INSERT INTO t VALUES (1)", `CREATE PUBLICATION "bridge pub" FOR ALL TABLES WITH (publish_via_partition_root = true)`)
	if err := b.fails(b.open()); !errors.Is(err, capture.ErrSetup) || !strings.Contains(err.Error(), "drop the slot") {
		t.Error(err)
	}
}

// TestLostConnection is an error to try again after, and the next source goes on where it was.
func TestLostConnection(t *testing.T) {
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY)")
	s := b.open()
	b.exec("INSERT INTO t VALUES (1)")
	e := b.next(s)
	for e.Kind != capture.Local {
		e = b.next(s)
	}
	b.exec("SELECT pg_terminate_backend("+b.slot("active_pid")+", 10000)", "INSERT INTO t VALUES (2)")
	if err := b.fails(s); postgres.Classify(err) != postgres.Retry {
		t.Errorf("not an error to try again after: %v", err)
	}
	b.close(s)
	b.config.Start = e.Position
	wantText(t, show(b.drain(b.open())), "insert public.t (2) new 2\ncommit")
}

func positionText(p change.Position) string {
	return fmt.Sprintf("%X/%X", p.Offset>>32, uint32(p.Offset))
}
