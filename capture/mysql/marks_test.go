package mysql

import (
	"strings"
	"testing"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/testserver"
)

// marker writes a row of bridge.progress as bridge does.
func marker(origin, worker, seq, ts string) string {
	return "INSERT INTO bridge.progress VALUES ('" + origin + "', " + worker + ", " + seq + ", " + ts + ", 0) " +
		"ON DUPLICATE KEY UPDATE seq = VALUES(seq), ts = VALUES(ts)"
}

func TestEchoesAndBarriers(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY, v int)", "CREATE TABLE nokey (v int)",
			"DELETE FROM bridge.progress")
		s := b.open()
		b.exec(
			"BEGIN", marker("b/1", "0", "7", "100"), "INSERT INTO t VALUES (1, 1)", "COMMIT",
			"BEGIN", marker("b/1", "1", "9", "50"), marker("b/1", "2", "8", "200"), "INSERT INTO t VALUES (2, 1)", "INSERT INTO nokey VALUES (1)", "COMMIT",
			"BEGIN", marker("b/1", "0", "10", "300"), "DELETE FROM bridge.progress WHERE worker = 2", "COMMIT",
			"INSERT INTO bridge.horizon VALUES ('b/1', 1, 1, 1, 'x') ON DUPLICATE KEY UPDATE seq = seq + 1",
			"UPDATE t SET v = 2",
		)
		wantText(t, show(b.drain(s)), `
			echo b/1:7 at 100
			echo b/1:9 at 200
			echo b/1:10 at 300
			empty
			update t (1) old 1 1 new 1 2
			update t (2) old 2 1 new 2 2
			commit`)
	})
}

func TestMarksThatOnlyBridgeMayWrite(t *testing.T) {
	for name, tc := range map[string]struct {
		sql  []string
		want string
	}{
		"marker in the middle":  {[]string{"BEGIN", "INSERT INTO t VALUES (1)", marker("b/1", "0", "7", "1"), "COMMIT"}, "in the middle"},
		"two origins":           {[]string{"BEGIN", marker("b/1", "0", "7", "1"), marker("c/1", "0", "7", "1"), "COMMIT"}, "markers of b/1 and c/1"},
		"marker deleted":        {[]string{marker("b/1", "0", "7", "1"), "DELETE FROM bridge.progress"}, "DELETE of bridge.progress"},
		"markers truncated":     {[]string{"TRUNCATE bridge.progress"}, "TRUNCATE of bridge.progress"},
		"not an origin":         {[]string{marker("b", "0", "7", "1")}, "not bridge's"},
		"incomplete marker":     {[]string{marker("b/1", "0", "7", "1"), "SET SESSION binlog_row_image = MINIMAL", "UPDATE bridge.progress SET seq = 8"}, "binlog_row_image = FULL"},
		"barrier in the middle": {[]string{"BEGIN", "INSERT INTO t VALUES (2)", "UPDATE bridge.barrier SET token = 18446744073709551615", "COMMIT"}, "bridge.barrier"},
		"rows after a barrier":  {[]string{"BEGIN", "UPDATE bridge.barrier SET token = 18446744073709551614", "INSERT INTO t VALUES (3)", "COMMIT"}, "bridge.barrier"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, testserver.FlavorMariaDB, "CREATE TABLE t (id int PRIMARY KEY)", "TRUNCATE bridge.progress")
			s := b.open()
			b.exec(tc.sql...)
			b.stops(s, tc.want)
		})
	}
}

func TestDatabasesThatArentReplicated(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newServerBed(t, flavor, nil, "CREATE DATABASE other", "CREATE TABLE other.t (v int)", "CREATE TABLE t (id int PRIMARY KEY)")
		s := b.open()
		b.exec("INSERT INTO other.t VALUES (1)", "TRUNCATE other.t", "BEGIN", "INSERT INTO other.t VALUES (2)", "INSERT INTO t VALUES (1)", "COMMIT",
			"CREATE USER x@y IDENTIFIED BY 'Strong-1'", "GRANT SELECT ON *.* TO x@y", "DROP USER x@y", "FLUSH PRIVILEGES", "ANALYZE TABLE t")
		wantText(t, show(nonEmpty(b.drain(s))), "insert t (1) new 1\ncommit")
		b.close(s)
		b.config.Selected = nil
		s = b.open()
		b.exec("INSERT INTO t VALUES (2)", "INSERT INTO other.t VALUES (1)")
		b.stops(s, "other.t", "no primary key")
	})
}

func TestDDLBetweenRows(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY, v varchar(20))")
		s := b.open()
		b.exec("INSERT INTO t VALUES (1, 'a')",
			"ALTER TABLE t ADD COLUMN first int DEFAULT 5 FIRST", "UPDATE t SET v = 'b'",
			"ALTER TABLE t DROP COLUMN v, ADD COLUMN e enum('x','y') AFTER first", "UPDATE t SET e = 'y'",
			"ALTER TABLE t MODIFY e enum('n','x','y')", "UPDATE t SET e = 'n'",
			"RENAME TABLE t TO u", "DELETE FROM u",
			"CREATE TABLE c (PRIMARY KEY (id)) AS SELECT 1 AS id, 'x' AS v",
			"DROP TABLE u", "CREATE VIEW w AS SELECT * FROM c", "CREATE TRIGGER g AFTER INSERT ON c FOR EACH ROW SET @x = 1",
			"CREATE TEMPORARY TABLE tmp (id int)", "INSERT INTO tmp VALUES (1)", "DROP TEMPORARY TABLE tmp",
			"INSERT INTO c VALUES (2, 'y')", "CREATE TABLE l LIKE c", "CREATE INDEX i ON c (v)", "OPTIMIZE TABLE c")
		wantText(t, show(nonEmpty(b.drain(s))), `
			insert t (1) new 1 a
			commit
			update t (1) old 5 1 a new 5 1 b
			commit
			update t (1) old 5 NULL 1 new 5 y 1
			commit
			update t (1) old 5 y 1 new 5 n 1
			commit
			delete u (1) old 5 n 1
			commit
			insert c (1) new 1 x
			commit
			insert c (2) new 2 y
			commit`)
	})
}

func TestTruncate(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int unsigned PRIMARY KEY, v int)", "CREATE TABLE `a``b.c` (id int PRIMARY KEY)", "CREATE TABLE `é` (id int PRIMARY KEY)")
		s := b.open()
		b.exec("TRUNCATE TABLE t", "truncate/* x */ `"+b.name+"` . t -- end", "INSERT INTO t VALUES (1, 1)", "TRUNCATE t",
			"TRUNCATE TABLE `a``b.c`", "TRUNCATE `é`", "SET NAMES latin1", "TRUNCATE `\xe9`", "SET NAMES utf8mb4",
			"SET sql_mode = ANSI_QUOTES", `TRUNCATE TABLE "a`+"`"+`b.c"`, "SET sql_mode = ''")
		events := nonEmpty(b.drain(s))
		wantText(t, show(events), strings.ReplaceAll(`
			truncate t (all rows)
			commit
			truncate t (all rows)
			commit
			insert t (1) new 1 1
			commit
			truncate t (all rows)
			commit
			truncate a'b.c (all rows)
			commit
			truncate é (all rows)
			commit
			truncate é (all rows)
			commit
			truncate a'b.c (all rows)
			commit`, "'", "`"))
		for _, i := range []int{0, 3} {
			want := []change.Column{{Name: "id", Type: "int unsigned", Key: true}, {Name: "v", Type: "int"}}
			if got := events[i].Operations[0].Table; len(got.Columns) != 2 || got.Columns[0] != want[0] || got.Columns[1] != want[1] {
				t.Errorf("truncated table has %+v", got.Columns)
			}
		}
	})
}

func TestSavepoints(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE m (id int PRIMARY KEY) ENGINE = MyISAM")
		s := b.open()
		b.exec("BEGIN", "INSERT INTO t VALUES (1)", "SAVEPOINT a", "INSERT INTO t VALUES (2)", "SAVEPOINT b", "INSERT INTO t VALUES (3)",
			"ROLLBACK TO a", "INSERT INTO t VALUES (4)", "RELEASE SAVEPOINT a", "COMMIT",
			"INSERT INTO m VALUES (1)", "BEGIN", "INSERT INTO m VALUES (2)", "ROLLBACK")
		wantText(t, show(nonEmpty(b.drain(s))), `
			insert t (1) new 1
			insert t (4) new 4
			commit
			insert m (1) new 1
			commit
			insert m (2) new 2
			commit`)
	})
}

func TestColumnsOfTheServersMaking(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE g (id int PRIMARY KEY, v int, s int AS (v + 1) STORED, w int AS (v * 2) VIRTUAL, h int INVISIBLE DEFAULT 9)")
		if b.mariadb() {
			b.exec("CREATE SEQUENCE q")
		} else {
			b.exec("SET sql_generate_invisible_primary_key = ON", "CREATE TABLE p (v int)",
				"CREATE TABLE f (id int PRIMARY KEY, v varchar(20), KEY ((UPPER(v))))")
		}
		s := b.open()
		b.exec("INSERT INTO g (id, v) VALUES (1, 1)", "UPDATE g SET v = 2", "DELETE FROM g")
		want := `
			insert g (1) new 1 1 2 2 9
			commit
			update g (1) old 1 1 2 2 9 new 1 2 3 4 9
			commit
			delete g (1) old 1 2 3 4 9
			commit`
		if b.mariadb() {
			b.exec("SELECT NEXTVAL(q)", "SELECT SETVAL(q, 5000)")
		} else {
			b.exec("INSERT INTO p VALUES (5)", "INSERT INTO f VALUES (1, 'a')", "UPDATE f SET v = 'b'")
			want += `
			insert p (1) new 1 5
			commit
			insert f (1) new 1 a
			commit
			update f (1) old 1 a new 1 b
			commit`
		}
		wantText(t, show(nonEmpty(b.drain(s))), want)
	})
}

func TestLargeTransactionsComeInPieces(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(1000))", "INSERT INTO t (v) VALUES (REPEAT('x', 1000))")
		for range 12 {
			b.exec("INSERT INTO t (v) SELECT v FROM t")
		}
		if !b.mariadb() {
			b.exec("SET SESSION binlog_transaction_compression = ON")
		}
		s := b.open()
		b.exec("UPDATE t SET v = CONCAT('y', SUBSTR(v, 2)) LIMIT 4000", "DELETE FROM t LIMIT 1")
		var pieces []capture.Event
		for _, e := range b.drain(s) {
			pieces = append(pieces, e)
		}
		last := len(pieces) - 1
		rows := 0
		for i, e := range pieces[:last] {
			if e.Kind != capture.Local || e.First != (i == 0) || e.Last != (i == last-1) || (e.Position.Offset != 0) != e.Last {
				t.Errorf("piece %d of %d: %v %v %v", i, last, e.First, e.Last, e.Position)
			}
			bytes := 0
			for _, o := range e.Operations {
				for _, v := range append(o.Old[:len(o.Old):len(o.Old)], o.New...) {
					text, _ := v.Text()
					bytes += len(text)
				}
			}
			if bytes > capture.PieceBytes+2*batchBytes {
				t.Errorf("piece %d has %d bytes", i, bytes)
			}
			rows += len(e.Operations)
		}
		if rows != 4000 || last < 5 || !pieces[last].First || !pieces[last].Last {
			t.Errorf("%d rows in %d pieces, then %+v", rows, last, pieces[last].Kind)
		}
	})
}
