package mysql

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"bridge/capture"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

func TestCompressedTransactions(t *testing.T) {
	b := newServerBed(t, testserver.FlavorMySQL, nil, "CREATE TABLE t (id int PRIMARY KEY, v varchar(300), j json)")
	s := b.open()
	b.exec("SET SESSION binlog_transaction_compression = ON",
		"BEGIN", "INSERT INTO t VALUES (1, REPEAT('a', 300), '[1]'), (2, 'b', NULL)", "UPDATE t SET v = 'c' WHERE id = 2", "COMMIT",
		"SET SESSION binlog_transaction_compression = OFF",
		"DELETE FROM t WHERE id = 1",
		"SET SESSION binlog_transaction_compression = ON",
		"DELETE FROM t WHERE id = 2")
	wantText(t, show(b.drain(s)), `
		insert t (1) new 1 aaa…300 [1]
		insert t (2) new 2 b NULL
		update t (2) old 2 b NULL new 2 c NULL
		commit
		delete t (1) old 1 aaa…300 [1]
		commit
		delete t (2) old 2 c NULL
		commit`)
	b.logged(map[string]int{"Transaction_payload": 2})
}

func TestCompressedEvents(t *testing.T) {
	b := newServerBed(t, testserver.FlavorMariaDB, nil, "CREATE TABLE t (id int PRIMARY KEY, v varchar(300))")
	s := b.open()
	b.exec("INSERT INTO t VALUES (1, REPEAT('a', 300))",
		"SET GLOBAL log_bin_compress = ON", "SET GLOBAL log_bin_compress_min_len = 10",
		"INSERT INTO t VALUES (2, REPEAT('a', 300))", "UPDATE t SET v = REPEAT('b', 300) WHERE id = 2", "DELETE FROM t WHERE id = 2",
		"ALTER TABLE t COMMENT '"+strings.Repeat("x", 300)+"'", "TRUNCATE TABLE t /* "+strings.Repeat("x", 300)+" */",
		"SET GLOBAL log_bin_compress = OFF", "INSERT INTO t VALUES (3, REPEAT('c', 300))")
	wantText(t, show(b.drain(s)), `
		insert t (1) new 1 aaa…300
		commit
		insert t (2) new 2 aaa…300
		commit
		update t (2) old 2 aaa…300 new 2 bbb…300
		commit
		delete t (2) old 2 bbb…300
		commit
		empty
		truncate t (all rows)
		commit
		insert t (3) new 3 ccc…300
		commit`)
	b.logged(map[string]int{"Write_rows_compressed_v1": 1, "Update_rows_compressed_v1": 1, "Delete_rows_compressed_v1": 1, "Query_compressed": 2})
}

// logged counts events in the log's last file, of a server of the test's own.
func (b *bed) logged(want map[string]int) {
	b.Helper()
	logs := b.query("SHOW BINARY LOGS")
	file, _, _ := strings.Cut(logs[len(logs)-1], "\t")
	got := map[string]int{}
	for _, event := range b.query("SHOW BINLOG EVENTS IN '" + file + "'") {
		got[strings.Split(event, "\t")[2]]++
	}
	for kind, n := range want {
		if got[kind] != n {
			b.Errorf("the log has %d events %s, want %d: %v", got[kind], kind, n, got)
		}
	}
}

func TestPartialRowImages(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY, a int, b int DEFAULT 5, c text)")
		s := b.open()
		b.exec("INSERT INTO t VALUES (1, 1, 1, 'x'), (2, 2, 2, 'y'), (3, 3, 3, 'z')",
			"SET SESSION binlog_row_image = MINIMAL",
			"INSERT INTO t VALUES (4, 4, 4, 'all')", "UPDATE t SET a = 10 WHERE id = 1", "DELETE FROM t WHERE id = 2",
			"SET SESSION binlog_row_image = NOBLOB",
			"UPDATE t SET a = 30 WHERE id = 3", "UPDATE t SET c = NULL WHERE id = 3")
		got := b.drain(s)
		wantText(t, show(got), `
			insert t (1) new 1 1 1 x
			insert t (2) new 2 2 2 y
			insert t (3) new 3 3 3 z
			commit
			insert t (4) new 4 4 4 all
			commit
			update t (1) new 1 10 ? ?
			commit
			delete t (2)
			commit
			update t (3) new 3 30 3 ?
			commit
			update t (3) new 3 30 3 NULL
			commit`)
		if first, second := got[0].Operations[0].Table, got[2].Operations[0].Table; !first.Full || second.Full {
			t.Errorf("Full is %v, then %v", first.Full, second.Full)
		}
		t.Run("insert", func(t *testing.T) {
			b := *b
			b.TB = t
			s := b.open()
			b.exec("SET SESSION binlog_row_image = MINIMAL", "INSERT INTO t (id, a) VALUES (7, 7)")
			b.stops(s, `lacks column "b"`, "binlog_row_image = FULL", "t")
		})
		t.Run("insert of nothing", func(t *testing.T) {
			b := *b
			b.TB = t
			b.exec("SET SESSION binlog_row_image = MINIMAL", "CREATE TABLE d (id int DEFAULT 5 PRIMARY KEY)")
			s := b.open()
			b.exec("INSERT INTO d () VALUES ()")
			b.stops(s, `lacks column "id"`)
		})
		t.Run("key", func(t *testing.T) {
			b := *b
			b.TB = t
			s := b.open()
			b.exec("SET SESSION binlog_row_image = MINIMAL", "UPDATE t SET id = 8 WHERE id = 1")
			b.stops(s, `lacks column "a"`, "binlog_row_image = FULL")
		})
	})
}

// MariaDB from 11.4 on can leave out of an update's new image what the old one has; the rows come whole all the same.
func TestImagesWithoutDuplicates(t *testing.T) {
	b := newBed(t, testserver.FlavorMariaDB, "CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(9), c text)")
	s := b.open()
	b.exec("INSERT INTO t VALUES (1, 1, 'x', 'y'), (2, NULL, NULL, NULL)")
	want := `
		insert t (1) new 1 1 x y
		insert t (2) new 2 NULL NULL NULL
		commit`
	if _, err := b.conn.Execute("SET SESSION binlog_row_image = FULL_NODUP"); err != nil {
		if version := b.query("SELECT VERSION()")[0]; !strings.HasPrefix(version, "10.") {
			t.Fatalf("%s: %v", version, err)
		}
	} else {
		b.exec("UPDATE t SET a = a + 1", "UPDATE t SET id = 3, b = NULL WHERE id = 1", "INSERT INTO t (id) VALUES (4)", "DELETE FROM t WHERE id = 2")
		want += `
		update t (1) old 1 1 x y new 1 2 x y
		commit
		delete t (1) old 1 2 x y
		insert t (3) new 3 2 NULL y
		commit
		insert t (4) new 4 NULL NULL NULL
		commit
		delete t (2) old 2 NULL NULL NULL
		commit`
	}
	wantText(t, show(b.drain(s)), want)
}

func TestPartialJSON(t *testing.T) {
	b := newBed(t, testserver.FlavorMySQL, "CREATE TABLE t (id int PRIMARY KEY, j json, k json)",
		`INSERT INTO t VALUES (1, '{"a": "0123456789012345678901234567890123456789", "b": 1}', '[]')`)
	s := b.open()
	b.exec("SET SESSION binlog_row_value_options = PARTIAL_JSON", `UPDATE t SET k = '[2]'`)
	wantText(t, show(b.drain(s)), `
		update t (1) old 1 {"a…57 [] new 1 {"a…57 [2]
		commit`)
	b.exec(`UPDATE t SET j = JSON_SET(j, '$.b', 2)`)
	b.stops(s, `column "j"`, "binlog_row_value_options = ''", ".t")
}

func TestStatementsThatChangeRows(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY, v int)", "CREATE TABLE r (id int AUTO_INCREMENT PRIMARY KEY, v double)",
			"CREATE PROCEDURE p() UPDATE t SET v = v + 1", "CREATE FUNCTION f() RETURNS int DETERMINISTIC MODIFIES SQL DATA BEGIN UPDATE t SET v = v + 1; RETURN 1; END")
		file := "'" + filepath.Join(b.server.Dir(), "rows") + "'"
		b.exec("SELECT 7, 7 INTO OUTFILE " + file)
		statements := []string{
			"INSERT INTO t VALUES (1, 1)", "UPDATE t SET v = v + 1", "REPLACE INTO t VALUES (1, 2)", "DELETE FROM t",
			"INSERT INTO t SELECT 3, @x := 4", "INSERT INTO r (v) VALUES (1)", "INSERT INTO r (v) VALUES (RAND())", "LOAD DATA INFILE " + file + " INTO TABLE t",
			"CALL p()", "DO f()", "PREPARE s FROM 'DELETE FROM t'; EXECUTE s",
			"CREATE TABLE u (PRIMARY KEY (id)) SELECT * FROM t",
		}
		if b.mariadb() {
			statements = append(statements, "SET STATEMENT max_statement_time = 10 FOR INSERT INTO t VALUES (2, 1)")
		} else {
			statements = append(statements, "WITH c AS (SELECT 7 AS id) UPDATE t, c SET t.v = 2 WHERE t.id = c.id", "XA START 'x'; INSERT INTO t VALUES (5, 5); XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'")
		}
		for _, sql := range statements {
			s := b.open()
			b.exec("SET SESSION binlog_format = STATEMENT")
			b.exec(strings.Split(sql, "; ")...)
			b.stops(s, "logged as a statement", "binlog_format = ROW")
		}
	})
}

// prepareXA runs statements as an XA transaction in a session that ends after its XA PREPARE.
func (b *bed) prepareXA(id string, sql ...string) {
	b.Helper()
	own := *b
	own.conn = servertest.ConnectMySQL(b, b.server, b.name)
	own.exec("XA START " + id)
	own.exec(sql...)
	own.exec("XA END "+id, "XA PREPARE "+id)
	if err := own.conn.Close(); err != nil {
		b.Fatal(err)
	}
}

// decideXA commits or rolls back what a session has prepared that may not have ended quite yet.
func (b *bed) decideXA(sql string) {
	b.Helper()
	ctx, cancel := patience(b)
	defer cancel()
	for {
		_, err := b.conn.Execute(sql)
		if err == nil {
			return
		}
		if ctx.Err() != nil || !strings.Contains(err.Error(), "XAER_NOTA") {
			b.Fatalf("%s: %v", sql, err)
		}
	}
}

func TestXATransactions(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY, v int)")
		b.config.SpillMemory = 1 // everything goes to files
		s := b.open()
		b.prepareXA("'one','branch',7", "INSERT INTO t VALUES (1, 0)")
		b.decideXA("XA ROLLBACK 'one','branch',7")
		b.prepareXA("'two','branch',7", "INSERT INTO t VALUES (2, 0)", "UPDATE t SET v = 1 WHERE id = 2")
		b.prepareXA("'two','twig',7", "INSERT INTO t VALUES (4, 0)")
		b.exec("INSERT INTO t VALUES (10, 10)")
		b.decideXA("XA COMMIT 'two','branch',7")
		b.exec("XA START 'three'", "INSERT INTO t VALUES (3, 0)", "XA END 'three'", "XA COMMIT 'three' ONE PHASE")
		b.decideXA("XA COMMIT 'two','twig',7")
		wantText(t, show(nonEmpty(b.drain(s))), `
			insert t (10) new 10 10
			commit
			insert t (2) new 2 0
			update t (2) old 2 0 new 2 1
			commit
			insert t (3) new 3 0
			commit
			insert t (4) new 4 0
			commit`)
		if s.xa.Held() != 0 || len(s.xa.byID) != 0 {
			t.Errorf("%d bytes and %d ids are left", s.xa.Held(), len(s.xa.byID))
		}
	})
}

func nonEmpty(events []capture.Event) (out []capture.Event) {
	for _, e := range events {
		if e.Kind != capture.Empty {
			out = append(out, e)
		}
	}
	return out
}

func TestXAAcrossARestartOfTheSource(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		for name, rotations := range map[string]int{"same file": 0, "earlier file": 4} {
			t.Run(name, func(t *testing.T) {
				b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY, v varchar(9))")
				s := b.open()
				b.prepareXA("'x'", "INSERT INTO t VALUES (1, 'x')")
				b.prepareXA("'undone'", "INSERT INTO t VALUES (3, 'undone')")
				events := b.drain(s)
				b.close(s)
				for range rotations {
					b.exec("FLUSH BINARY LOGS")
					b.exec("INSERT INTO t VALUES (UUID_SHORT() % 1000000 + 100, 'y')")
				}
				b.decideXA("XA ROLLBACK 'undone'")
				b.decideXA("XA COMMIT 'x'")
				b.exec("INSERT INTO t VALUES (2, 'after')")
				s = b.openAt(events[len(events)-1].Position)
				var ids []string
				for _, e := range b.drain(s) {
					for _, o := range e.Operations {
						if v, _ := o.New[1].Text(); v != "y" {
							ids = append(ids, showOperation(o))
						}
					}
				}
				wantText(t, strings.Join(ids, "\n"), "insert t (1) new 1 x\ninsert t (2) new 2 after")
			})
		}
	})
}

func TestTablesWithoutAUsableKey(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE nokey (id int, v int)", "CREATE TABLE prefixed (name text, PRIMARY KEY (name(5)))")
		s := b.open()
		b.exec("INSERT INTO nokey VALUES (1, 1)")
		b.stops(s, "nokey", "no primary key", "ADD PRIMARY KEY")
		s = b.open()
		b.exec("INSERT INTO prefixed VALUES ('abcdefg')")
		b.stops(s, "prefixed", "primary key")
	})
}

func TestMetadataMustBeFull(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil, "CREATE TABLE t (id int PRIMARY KEY, v varchar(9))")
		s := b.open()
		b.exec("SET GLOBAL binlog_row_metadata = MINIMAL", "INSERT INTO t VALUES (1, 'x')")
		b.stops(s, "app.t", "binlog_row_metadata = FULL")
		if _, err := Open(t.Context(), b.config); !errors.Is(err, capture.ErrSetup) || !strings.Contains(err.Error(), "binlog_row_metadata") {
			t.Errorf("Open: %v", err)
		}
	})
}
