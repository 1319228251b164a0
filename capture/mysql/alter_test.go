package mysql

import (
	"testing"

	"bridge/change"
	"bridge/internal/testserver"
)

// only selects one table of a database.
func only(database, table string) func(change.TableName) bool {
	return func(n change.TableName) bool { return n == change.TableName{Schema: database, Name: table} }
}

// Rows that a statement moves without logging them must not make regions differ in silence.
func TestStatementsThatMoveRows(t *testing.T) {
	const partitioned = "CREATE TABLE t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (10), PARTITION q VALUES LESS THAN (20))"
	const plain = "CREATE TABLE u (id int PRIMARY KEY, v int)"
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		cases := map[string][2]string{ // the statement, and what is selected
			"truncate":                 {"ALTER TABLE t TRUNCATE PARTITION p", "t"},
			"exchange":                 {"ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", "t"},
			"the other of an exchange": {"ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", "u"},
			"all partitions":           {"ALTER TABLE t TRUNCATE PARTITION ALL", "t"},
			"discard":                  {"ALTER TABLE u DISCARD TABLESPACE", "u"},
		}
		if flavor == testserver.FlavorMariaDB {
			cases["convert"] = [2]string{"ALTER TABLE t CONVERT PARTITION p TO TABLE w", "t"}
		}
		for name, tc := range cases {
			t.Run(name, func(t *testing.T) {
				b := newBed(t, flavor, partitioned, plain, "INSERT INTO t VALUES (1, 1), (11, 1)", "INSERT INTO u VALUES (2, 2)")
				b.config.Selected = only(b.name, "nothing")
				s := b.open()
				start := b.next(s).Position
				b.exec(tc[0])
				wantText(t, show(b.drain(s)), "empty") // they aren't its tables
				b.close(s)
				b.config.Selected = only(b.name, tc[1])
				s = b.openAt(start)
				b.stops(s, b.name+"."+tc[1], "ALTER TABLE", "join this region anew")
			})
		}
		t.Run("shapes", func(t *testing.T) { // the table's partitions are its shape, like its columns
			b := newBed(t, flavor, partitioned)
			s := b.open()
			b.exec("INSERT INTO t VALUES (1, 1), (11, 1)", "ALTER TABLE t DROP PARTITION p", "ALTER TABLE t ADD PARTITION (PARTITION r VALUES LESS THAN (30))",
				"ALTER TABLE t REORGANIZE PARTITION q, r INTO (PARTITION s VALUES LESS THAN (30))", "UPDATE t SET v = 2", "ALTER TABLE t REMOVE PARTITIONING", "DELETE FROM t")
			wantText(t, show(nonEmpty(b.drain(s))), `
				insert t (1) new 1 1
				insert t (11) new 11 1
				commit
				update t (11) old 11 1 new 11 2
				commit
				delete t (11) old 11 2
				commit`)
		})
	})
}

// What gh-ost and pt-online-schema-change do: a copy of the table with another shape takes its place.
func TestOnlineSchemaChange(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (id int PRIMARY KEY, e enum('x', 'y'))", "INSERT INTO t VALUES (1, 'x'), (2, 'y')")
		b.config.Selected = only(b.name, "t")
		s := b.open()
		b.exec("UPDATE t SET e = 'y' WHERE id = 1", "CREATE TABLE _t_new LIKE t", "ALTER TABLE _t_new MODIFY e enum('y', 'z') FIRST, ADD COLUMN n int DEFAULT 5 AFTER e",
			"INSERT INTO _t_new (id, e) SELECT id, e FROM t", "UPDATE _t_new SET n = 6 WHERE id = 2",
			"RENAME TABLE t TO _t_old, _t_new TO t", "UPDATE t SET e = 'z' WHERE id = 1", "DELETE FROM _t_old", "DROP TABLE _t_old", "DELETE FROM t WHERE id = 2")
		wantText(t, show(nonEmpty(b.drain(s))), `
			update t (1) old 1 x new 1 y
			commit
			update t (1) old y 5 1 new z 5 1
			commit
			delete t (2) old y 6 2
			commit`)
	})
}
