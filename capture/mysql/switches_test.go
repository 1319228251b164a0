package mysql

import (
	"slices"
	"testing"

	"bridge/internal/testserver"
)

// What else a session may switch for itself, and what's written then.
func TestSessionsSwitchTheLogsForm(t *testing.T) {
	t.Run("MySQL", func(t *testing.T) {
		b := newBed(t, testserver.FlavorMySQL, "CREATE TABLE t (id int PRIMARY KEY, v int)")
		s := b.open()
		b.exec("SET SESSION binlog_rows_query_log_events = ON", "INSERT INTO t VALUES (1, 1)",
			"SET SESSION binlog_transaction_compression = ON", "UPDATE t SET v = 2", "BEGIN", marker("b/1", "7", "1", "100"), "INSERT INTO t VALUES (9, 9)", "COMMIT",
			"SET SESSION binlog_row_image = MINIMAL", "BEGIN", "UPDATE t SET v = 3", "SET SESSION binlog_row_image = FULL", "UPDATE t SET v = 4", "COMMIT",
			"CREATE TABLE c (PRIMARY KEY (id)) AS SELECT 1 AS id", "XA START 'x'", "INSERT INTO t VALUES (2, 2)", "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'",
			"SET SESSION binlog_transaction_compression = OFF", "SET SESSION sql_log_bin = OFF", "INSERT INTO t VALUES (3, 3)", "SET SESSION sql_log_bin = ON",
			"DELETE FROM t WHERE id = 2")
		wantText(t, show(nonEmpty(b.drain(s))), `
			insert t (1) new 1 1
			commit
			update t (1) old 1 1 new 1 2
			commit
			echo b/1:1 at 100
			update t (1) new 1 3
			update t (9) new 9 3
			update t (1) old 1 3 new 1 4
			update t (9) old 9 3 new 9 4
			commit
			insert c (1) new 1
			commit
			insert t (2) new 2 2
			commit
			delete t (2) old 2 2
			commit`)
	})
	t.Run("MariaDB", func(t *testing.T) {
		b := newBed(t, testserver.FlavorMariaDB, "CREATE TABLE t (id int PRIMARY KEY, v int)")
		s := b.open()
		b.exec("SET SESSION binlog_annotate_row_events = OFF", "INSERT INTO t VALUES (1, 1)", "SET SESSION binlog_annotate_row_events = ON", "UPDATE t SET v = 2",
			"SET SESSION binlog_alter_two_phase = ON", "ALTER TABLE t ADD COLUMN w int DEFAULT 7 FIRST", "UPDATE t SET v = 3",
			"SET SESSION binlog_format = MIXED", "CREATE TEMPORARY TABLE tmp (id int)", "SET SESSION binlog_format = ROW",
			"INSERT INTO t (id) VALUES (2)", "SET STATEMENT sql_log_bin = 0 FOR DELETE FROM t WHERE id = 2", "SET STATEMENT max_statement_time = 100 FOR UPDATE t SET v = 4",
			"SET SESSION skip_parallel_replication = ON, check_constraint_checks = OFF, system_versioning_alter_history = KEEP", "DELETE FROM t")
		wantText(t, show(nonEmpty(b.drain(s))), `
			insert t (1) new 1 1
			commit
			update t (1) old 1 1 new 1 2
			commit
			update t (1) old 7 1 2 new 7 1 3
			commit
			insert t (2) new 7 2 NULL
			commit
			update t (1) old 7 1 3 new 7 1 4
			commit
			delete t (1) old 7 1 4
			commit`)
	})
}

// MariaDB's sessions may write under other domains and server ids.
func TestDomains(t *testing.T) {
	b := newServerBed(t, testserver.FlavorMariaDB, nil, "CREATE TABLE t (id int PRIMARY KEY)")
	s := b.open()
	b.exec("INSERT INTO t VALUES (1)", "SET SESSION gtid_domain_id = 5", "INSERT INTO t VALUES (2)", "SET SESSION server_id = 77", "INSERT INTO t VALUES (3)",
		"SET SESSION gtid_domain_id = 0", "INSERT INTO t VALUES (4)", "FLUSH BINARY LOGS", "SET SESSION gtid_seq_no = 1000", "INSERT INTO t VALUES (5)",
		"SET SESSION gtid_domain_id = 4294967295", "INSERT INTO t VALUES (6)")
	token := b.mark()
	events := b.until(s, token)
	if got := ids(events); !slices.Equal(got, []string{"1", "2", "3", "4", "5", "6"}) {
		t.Fatalf("%v came", got)
	}
	for i, e := range events {
		again := b.openAt(e.Position)
		if got, want := ids(b.until(again, token)), ids(events[i+1:]); !slices.Equal(got, want) {
			t.Errorf("from %s come %v, want %v", e.Position.GTID, got, want)
		}
		b.close(again)
	}
}

// Checksums aren't sent, but they're in the files, and count in positions.
func TestChecksumsSwitched(t *testing.T) {
	resumes(t, func(t *testing.T, b *bed) {
		s := b.open()
		for i, sum := range []string{"NONE", "CRC32", "NONE"} {
			b.exec("INSERT INTO t (v) VALUES ('x')", "SET GLOBAL binlog_checksum = "+sum, "INSERT INTO t (v) VALUES ('y')")
			token := b.mark()
			events := nonEmpty(b.until(s, token))
			if len(events) != 2 {
				t.Fatalf("round %d: %d events", i, len(events))
			}
			for n, e := range events {
				again := b.openAt(e.Position)
				if got := b.until(again, token); len(nonEmpty(got)) != 1-n {
					t.Errorf("round %d: from %s come %s", i, e.Position, show(got))
				}
				b.close(again)
			}
			if b.mariadb() { // it lets one server_id read once
				b.close(s)
				s = b.openAt(events[1].Position)
				b.until(s, token)
			}
		}
	})
}

// Without gtid_strict_mode a session may give numbers out again; a place that's named by one is ambiguous.
func TestGTIDsThatGoBack(t *testing.T) {
	b := newServerBed(t, testserver.FlavorMariaDB, map[string]string{"gtid_strict_mode": "OFF"}, "CREATE TABLE t (id int PRIMARY KEY)")
	s := b.open()
	b.exec("SET SESSION gtid_seq_no = 100", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)",
		"SET SESSION gtid_seq_no = 101", "INSERT INTO t VALUES (4)", "FLUSH BINARY LOGS", "INSERT INTO t VALUES (5)")
	token := b.mark()
	events := b.until(s, token)
	if got := ids(events); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
		t.Fatalf("%v came", got)
	}
	b.close(s)
	for i, e := range events {
		again := b.openAt(e.Position)
		if got, want := ids(b.until(again, token)), ids(events[i+1:]); !slices.Equal(got, want) {
			t.Errorf("from %s come %v, want %v", e.Position.GTID, got, want)
		}
		b.close(again)
	}
}
