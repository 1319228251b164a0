package postgres

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bridge/capture"
	"bridge/change"
	"bridge/loopguard"
)

const marker = "INSERT INTO bridge.progress VALUES ('ap/1', 0, 7, 1000, 70)"

// TestMarks holds what a transaction is by its first change.
func TestMarks(t *testing.T) {
	tests := []struct {
		name string
		sql  []string
		want string
	}{
		{"an insert of the marker", []string{"BEGIN; " + marker + "; INSERT INTO t VALUES (1); TRUNCATE t; COMMIT"}, "echo ap/1:7 at 1000"},
		{"an update of it", []string{marker, "BEGIN; UPDATE bridge.progress SET seq = 8, ts = 1001; UPDATE bridge.horizon SET seq = 1; INSERT INTO t VALUES (1); COMMIT"},
			"echo ap/1:7 at 1000\necho ap/1:8 at 1001"},
		{"its key changes, too", []string{marker, "UPDATE bridge.progress SET worker = 1, seq = 9"},
			"echo ap/1:7 at 1000\necho ap/1:9 at 1000"},
		{"the highest of several counts", []string{"BEGIN; " + marker + "; INSERT INTO bridge.progress VALUES ('ap/1', 1, 9, 900, 90), ('ap/1', 2, 8, 950, 80); COMMIT"},
			"echo ap/1:9 at 1000"},
		{"a worker's row goes, by bridge", []string{"BEGIN; " + marker + "; INSERT INTO bridge.progress VALUES ('ap/1', 1, 5, 1, 1); DELETE FROM bridge.progress WHERE worker = 1; COMMIT"},
			"echo ap/1:7 at 1000"},
		{"a marker that was rolled back", []string{"BEGIN; SAVEPOINT a; " + marker + "; ROLLBACK TO a; INSERT INTO t VALUES (1); COMMIT"},
			"insert public.t (1) new 1\ncommit"},
		{"after other programs' messages", []string{"BEGIN; SELECT pg_logical_emit_message(true, 'other', ''); " + marker + "; COMMIT"},
			"echo ap/1:7 at 1000"},
		{"a barrier", []string{"SELECT pg_logical_emit_message(true, 'bridge', 'barrier 1 run 77 0')"}, "barrier 77"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY)")
			b.exec(tt.sql...)
			wantText(t, show(b.drain(b.open())), tt.want)
		})
	}
}

// TestRefusals holds what stops capture, with the words that the operator is to find.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name string
		sql  []string
		want []string
	}{
		{"a marker after a row", []string{"BEGIN; INSERT INTO t VALUES (1); " + marker + "; COMMIT"}, []string{"bridge.progress", "only bridge may write it"}},
		{"markers of two origins", []string{"BEGIN; " + marker + "; INSERT INTO bridge.progress VALUES ('us/1', 0, 1, 1, 1); COMMIT"}, []string{"ap/1 and us/1"}},
		{"a marker that isn't bridge's", []string{"INSERT INTO bridge.progress VALUES ('nonsense', 0, 1, 1, 1)"}, []string{"nonsense", "only bridge may write it"}},
		{"a marker removed", []string{marker, "DELETE FROM bridge.progress"}, []string{"DELETE of bridge.progress", "Begin anew"}},
		{"all markers removed", []string{"TRUNCATE bridge.progress"}, []string{"TRUNCATE of bridge.progress"}},
		{"a barrier after a row", []string{"BEGIN; INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(true, 'bridge', 'barrier 1 run 1 0'); COMMIT"}, []string{`prefix "bridge"`}},
		{"a row after a barrier", []string{"BEGIN; SELECT pg_logical_emit_message(true, 'bridge', 'barrier 1 run 1 0'); INSERT INTO t VALUES (1); COMMIT"}, []string{`prefix "bridge"`}},
		{"an unknown barrier", []string{"SELECT pg_logical_emit_message(true, 'bridge', 'barrier 2')"}, []string{"not a barrier of this version"}},
		{"a table without key", []string{`CREATE TABLE "No Key" (a int); INSERT INTO "No Key" VALUES (1)`}, []string{"table public.No Key", `ALTER TABLE "public"."No Key" ADD PRIMARY KEY`}},
		{"no key under FULL", []string{"CREATE TABLE n (a int); ALTER TABLE n REPLICA IDENTITY FULL; INSERT INTO n VALUES (1)"}, []string{"REPLICA IDENTITY FULL", `ALTER TABLE "public"."n"`}},
		{"NOTHING", []string{"CREATE TABLE n (a int PRIMARY KEY); ALTER TABLE n REPLICA IDENTITY NOTHING; INSERT INTO n VALUES (1)"}, []string{"REPLICA IDENTITY NOTHING", `ALTER TABLE "public"."n" REPLICA IDENTITY DEFAULT`}},
		{"a key without canonical text", []string{"CREATE TABLE n (a jsonb PRIMARY KEY); INSERT INTO n VALUES ('1')"}, []string{"table public.n", `key column "a"`, "jsonb"}},
		{"FULL, and dropped", []string{"CREATE TABLE n (a int PRIMARY KEY); ALTER TABLE n REPLICA IDENTITY FULL; INSERT INTO n VALUES (1); DROP TABLE n"}, []string{"table public.n was dropped", "create an empty table"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY)")
			b.exec(tt.sql...)
			s := b.open()
			err := b.fails(s)
			if !errors.Is(err, capture.ErrLog) {
				t.Errorf("%v isn't an ErrLog", err)
			}
			if where, ok := errors.AsType[*capture.LogError](err); !ok || where.Position == "" || where.Transaction == "" {
				t.Errorf("%v names no position or transaction", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q isn't in: %v", want, err)
				}
			}
			if n := strings.Count(err.Error(), capture.ErrLog.Error()); n != 1 {
				t.Errorf("%d times %q in: %v", n, capture.ErrLog, err)
			}
			if _, again := s.Next(t.Context()); again != err {
				t.Errorf("then the source says %v", again)
			}
		})
	}
}

// TestDroppedTableMadeAnew is the remedy that the error names.
func TestDroppedTableMadeAnew(t *testing.T) {
	b := newBed(t, "CREATE TABLE n (a int, b int PRIMARY KEY)", "ALTER TABLE n REPLICA IDENTITY FULL")
	b.exec("INSERT INTO n VALUES (1, 2)", "DROP TABLE n", "CREATE TABLE n (b int PRIMARY KEY)")
	wantText(t, show(b.drain(b.open())), "insert public.n (2) new 1 2\ncommit")
}

// TestEventFields holds what events carry besides their rows.
func TestEventFields(t *testing.T) {
	b := newBed(t, "CREATE TABLE t (id int PRIMARY KEY)")
	var before, after time.Time
	var xid, xid2 uint32
	var end uint64
	const endSQL = "SELECT pg_current_wal_lsn() - '0/0'"
	b.scan("SELECT clock_timestamp()", &before)
	b.exec("BEGIN", "INSERT INTO t VALUES (1)")
	b.scan("SELECT pg_current_xact_id()::text::bigint % 4294967296", &xid)
	b.exec("COMMIT")
	b.scan(endSQL, &end)
	b.scan("SELECT clock_timestamp()", &after)
	b.exec("BEGIN", marker)
	b.scan("SELECT pg_current_xact_id()::text::bigint % 4294967296", &xid2)
	b.exec("COMMIT")
	events := b.drain(b.open())
	if len(events) != 2 {
		t.Fatalf("events %+v", events)
	}
	e := events[0]
	if e.Kind != capture.Local || !e.First || !e.Last || e.Xid != xid || e.Position.Offset == 0 || e.Position.Offset > end {
		t.Errorf("transaction %d, committed before %d: %+v", xid, end, e)
	}
	if e.CommitTime < change.TimestampOf(before) || e.CommitTime > change.TimestampOf(after) {
		t.Errorf("commit time %v isn't between %v and %v", e.CommitTime.Time(), before, after)
	}
	want := loopguard.Marker{Origin: "ap/1", Worker: 0, Seq: 7, Time: 1000, Offset: 70}
	if e := events[1]; e.Kind != capture.Echo || e.Xid != xid2 || e.Marker != want || e.Position.Offset <= events[0].Position.Offset {
		t.Errorf("echo %+v, want marker %+v and a later position", e, want)
	}
}

// TestSameTableIsKept holds that a table's definition is one value as long as it stays the same.
func TestSameTableIsKept(t *testing.T) {
	b := newBed(t, "CREATE TYPE mood AS ENUM ('ok')", "CREATE TABLE t (id int PRIMARY KEY, m mood)")
	b.exec("INSERT INTO t VALUES (1)", "CREATE INDEX ON t (m)", "INSERT INTO t VALUES (2)", "ALTER TABLE t ADD c numeric(4, 2)", "INSERT INTO t VALUES (3)")
	events := b.drain(b.open())
	if len(events) != 3 {
		t.Fatalf("events %+v", events)
	}
	table := func(i int) *change.Table { return events[i].Operations[0].Table }
	if table(0) != table(1) {
		t.Error("an index made the table another one")
	}
	want := []change.Column{{Name: "id", Type: "integer", Key: true}, {Name: "m", Type: "public.mood"}, {Name: "c", Type: "numeric"}}
	if got := table(2).Columns; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("columns %+v, want %+v", got, want)
	}
}
