package postgres

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"bridge/capture"
)

// small makes transactions be streamed as early as PostgreSQL can, and spilled at once.
func (b *bed) small() *bed {
	b.config.WorkMem, b.config.SpillMemory = "64kB", 1
	return b
}

// TestStreamedTransactions holds that a transaction comes out the same, streamed or whole.
func TestStreamedTransactions(t *testing.T) {
	const fill = "INSERT INTO f SELECT i, repeat('x', 200) FROM generate_series(%d, %d) i; "
	n := 0
	filler := func() string { n += 1000; return fmt.Sprintf(fill, n, n+999) }
	tests := []struct{ name, sql string }{
		{"rolled back subtransactions", "BEGIN; " + filler() + "SAVEPOINT a; " + filler() + "INSERT INTO t VALUES (1, 'a'); ROLLBACK TO a; " +
			filler() + "INSERT INTO t VALUES (2, 'b'); SAVEPOINT b; " + filler() + "SAVEPOINT c; " + filler() + "DELETE FROM t; RELEASE c; " + filler() + "ROLLBACK TO b; COMMIT"},
		{"a table announced in what was rolled back", "BEGIN; SAVEPOINT a; " + filler() + "ROLLBACK TO a; " + filler() + "INSERT INTO t VALUES (3, 'c'); COMMIT"},
		{"its shape changes, is changed back, and changes", "BEGIN; " + filler() + "ALTER TABLE t ADD c text DEFAULT 'new'; INSERT INTO t VALUES (4, 'd'); " + filler() +
			"SAVEPOINT a; ALTER TABLE t DROP v; INSERT INTO t VALUES (5, 'e'); " + filler() + "ROLLBACK TO a; INSERT INTO t VALUES (6, 'f'); " + filler() +
			"ALTER TABLE t DROP c; INSERT INTO t VALUES (7, 'g'); COMMIT"},
		{"types and tables of its own", "BEGIN; " + filler() + "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (m mood PRIMARY KEY); ALTER TABLE m REPLICA IDENTITY FULL; INSERT INTO m VALUES ('ok'); " + filler() + "COMMIT"},
		{"truncate, key changes and TOAST", "BEGIN; " + filler() + "INSERT INTO t SELECT 20, string_agg(md5(i::text), '') FROM generate_series(1, 300) i; UPDATE t SET id = id + 100; " + filler() + "TRUNCATE t; TRUNCATE bridge.horizon; COMMIT"},
		{"messages", "BEGIN; SELECT pg_logical_emit_message(true, 'other', 'x'); " + filler() + "SELECT pg_logical_emit_message(true, 'other', repeat('x', 100000)); COMMIT"},
		{"nothing left", "BEGIN; SAVEPOINT a; " + filler() + "ROLLBACK TO a; INSERT INTO bridge.horizon VALUES ('ap/1', 1, 1, 1, 'ap/1'); COMMIT"},
		{"rolled back", "BEGIN; " + filler() + "ROLLBACK"},
		{"an echo", "BEGIN; " + marker + "; " + filler() + "SAVEPOINT a; UPDATE bridge.progress SET seq = 100; " + filler() +
			"ROLLBACK TO a; UPDATE bridge.progress SET seq = 8; TRUNCATE t; " + filler() + "COMMIT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY, v text)", "CREATE TABLE f (id int PRIMARY KEY, v text)")
			b.exec("INSERT INTO t VALUES (0, 'z')")
			whole := b.config.Slot + "_whole"
			b.exec(fmt.Sprintf("SELECT pg_copy_logical_replication_slot('%s', '%s')", b.config.Slot, whole))
			b.exec(tt.sql, "INSERT INTO t VALUES (1000, 'after')")
			token := b.mark()

			s := b.small().open()
			got := show(b.until(s, token))
			b.close(s)
			b.await(fmt.Sprintf("sum(stream_txns) > 0 FROM pg_stat_replication_slots WHERE slot_name = '%s'", b.config.Slot))

			b.config.Slot, b.config.WorkMem = whole, "1GB"
			want := show(b.until(b.open(), token))
			if got != want {
				t.Errorf("streamed:\n%s\nwhole:\n%s", cut(got), cut(want))
			}
			if !strings.HasSuffix(want, "after\ncommit\n") {
				t.Errorf("what comes after is lost:\n%s", cut(want))
			}
		})
	}
}

// cut leaves out the filling.
func cut(s string) string {
	var kept []string
	for line := range strings.Lines(s) {
		if !strings.Contains(line, "public.f ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// TestStreamsInterleave has several transactions open at once, with savepoints released and rolled
// back at random, and compares what came out with the table.
func TestStreamsInterleave(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY, v text)").small()
	s := b.open()
	sessions := make([]*sessionUnderTest, 4)
	for i := range sessions {
		sessions[i] = &sessionUnderTest{bed: b, conn: b.otherSession()}
	}
	id := 0
	for range 400 {
		sessions[random.IntN(len(sessions))].step(random, &id)
	}
	for _, session := range sessions {
		if session.open {
			session.run("COMMIT")
		}
	}
	rows := make(map[string]bool)
	for _, e := range b.drain(s) {
		for _, o := range e.Operations {
			key, _ := o.Key.Values()
			if rows[key[0]] {
				t.Errorf("row %s comes twice", key[0])
			}
			rows[key[0]] = true
		}
	}
	var n, missing int
	b.scan("SELECT count(*) FROM t", &n)
	result, err := b.conn.Query(t.Context(), "SELECT id::text FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	for result.Next() {
		var key string
		if err := result.Scan(&key); err != nil {
			t.Fatal(err)
		}
		if !rows[key] {
			missing++
		}
	}
	if missing > 0 || n != len(rows) || n == 0 {
		t.Errorf("the table has %d rows, %d came, %d are missing", n, len(rows), missing)
	}
}

type sessionUnderTest struct {
	*bed
	conn  *pgconn.PgConn
	depth int
	open  bool
}

func (s *sessionUnderTest) run(sql string) {
	s.Helper()
	if _, err := s.conn.Exec(s.Context(), sql).ReadAll(); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
}

// step does one statement.
func (s *sessionUnderTest) step(random *rand.Rand, id *int) {
	if !s.open {
		s.run("BEGIN")
		s.open, s.depth = true, 0
	}
	switch k := random.IntN(20); {
	case k < 10:
		n := 1 + random.IntN(300)
		s.run(fmt.Sprintf("INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(%d, %d) i", *id, *id+n-1))
		*id += n
	case k < 14:
		s.depth++
		s.run(fmt.Sprintf("SAVEPOINT s%d", s.depth))
	case k < 16 && s.depth > 0:
		s.run(fmt.Sprintf("ROLLBACK TO s%d", s.depth))
	case k < 18 && s.depth > 0:
		s.run(fmt.Sprintf("RELEASE s%d", s.depth))
		s.depth--
	case k == 18:
		s.run("COMMIT")
		s.open = false
	case k == 19:
		s.run("ROLLBACK")
		s.open = false
	}
}

// TestLargeTransactionIsBounded has 200,000 rows, 60 MB, pass in pieces.
func TestLargeTransactionIsBounded(t *testing.T) {
	const rows = 200_000
	for name, workMem := range map[string]string{"streamed": "8MB", "whole": "1GB"} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY, v text)")
			b.config.WorkMem, b.config.SpillMemory = workMem, 4<<20
			b.exec(fmt.Sprintf("INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(1, %d) i", rows))
			token := b.mark()
			s := b.open()
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var n, pieces int
			var highest uint64
			for {
				e := b.next(s)
				if e.Kind == capture.Barrier && e.Barrier.Token == token {
					break
				}
				if e.Kind != capture.Local {
					continue
				}
				if e.First != (pieces == 0) || e.Last != (n+len(e.Operations) == rows) || (e.Position.Offset != 0) != e.Last {
					t.Fatalf("piece %d after %d rows: first %v, last %v, position %d", pieces, n, e.First, e.Last, e.Position.Offset)
				}
				if len(e.Operations) == 0 || len(e.Operations) > capture.PieceOperations {
					t.Fatalf("a piece of %d operations", len(e.Operations))
				}
				n += len(e.Operations)
				if pieces++; pieces%10 == 0 {
					var now runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&now)
					highest = max(highest, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
				}
			}
			if n != rows || pieces < 48 {
				t.Errorf("%d rows in %d pieces", n, pieces)
			}
			if limit := uint64(4<<20 + 8<<20); highest > limit {
				t.Errorf("the heap grew by %d bytes, limit %d", highest, limit)
			}
			if s.streams.spool.Held() != 0 || len(s.streams.byXid) != 0 {
				t.Errorf("afterwards %d bytes are spooled for %d transactions", s.streams.spool.Held(), len(s.streams.byXid))
			}
			if left, err := os.ReadDir(b.config.SpillDir); err != nil || len(left) != 0 {
				t.Errorf("the spill directory has %d files, %v", len(left), err)
			}
		})
	}
}

// TestLargeEchoIsNotKept has 100,000 applied rows pass without a trace.
func TestLargeEchoIsNotKept(t *testing.T) {
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY, v text)").small()
	s := b.open()
	applier := &sessionUnderTest{bed: b, conn: b.otherSession()}
	applier.run("BEGIN; " + marker + "; INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 100000) i")
	b.drain(s) // a barrier overtakes it while it's open
	if len(s.streams.byXid) != 1 {
		t.Fatalf("%d transactions are being streamed", len(s.streams.byXid))
	}
	for _, st := range s.streams.byXid {
		if s.streams.spool.Held() > 64<<10 || st.spill.Size() > 1000 || !st.echo {
			t.Errorf("of an echo %d bytes are kept, in %d", st.spill.Size(), s.streams.spool.Held())
		}
	}
	applier.run("COMMIT")
	wantText(t, show(b.drain(s)), "echo ap/1:7 at 1000")
}

// TestSpillDirectoryMissing wants an error that says what to do, not a loss.
func TestSpillDirectoryMissing(t *testing.T) {
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY, v text)").small()
	b.config.SpillDir += "/missing"
	b.exec("INSERT INTO t SELECT i, repeat('x', 300) FROM generate_series(1, 10000) i")
	if err := b.fails(b.open()); !strings.Contains(err.Error(), "spill file") || !strings.Contains(err.Error(), "/missing") {
		t.Error(err)
	}
}
