package postgres

import (
	"crypto/md5"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// longKey is a key that is stored out of line.
var longKey = func() string {
	var b strings.Builder
	for i := 1; i <= 70; i++ {
		fmt.Fprintf(&b, "%x", md5.Sum([]byte(strconv.Itoa(i))))
	}
	return b.String()
}()

// TestRows holds each way in which a row can come out of the log.
func TestRows(t *testing.T) {
	const toast = `(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i)` // 9,600 bytes: stored out of line
	tests := []struct {
		name     string
		ddl, sql []string
		want     string
	}{
		{
			name: "insert, update, delete under DEFAULT",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY, a text, b text)"},
			sql: []string{
				"INSERT INTO t VALUES (1, '', NULL), (2, 'x', 'y')",
				"UPDATE t SET a = 'z' WHERE id = 1",
				"DELETE FROM t WHERE id = 2",
			},
			want: `insert public.t (1) new 1  NULL
				insert public.t (2) new 2 x y
				commit
				update public.t (1) new 1 z NULL
				commit
				delete public.t (2)
				commit`,
		},
		{
			name: "old images under FULL, keyed by the primary key",
			ddl:  []string{"CREATE TABLE t (a text, id int PRIMARY KEY)", "ALTER TABLE t REPLICA IDENTITY FULL"},
			sql:  []string{"INSERT INTO t VALUES ('x', 1)", "UPDATE t SET a = 'y'", "UPDATE t SET id = 2", "DELETE FROM t"},
			want: `insert public.t (1) new x 1
				commit
				update public.t (1) old x 1 new y 1
				commit
				delete public.t (1) old y 1
				insert public.t (2) new y 2
				commit
				delete public.t (2) old y 2
				commit`,
		},
		{
			name: "keyed by the identity's index",
			ddl: []string{
				"CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL UNIQUE, b text)",
				"ALTER TABLE t REPLICA IDENTITY USING INDEX t_a_key",
			},
			sql: []string{"INSERT INTO t VALUES (1, 'x', 'b')", "UPDATE t SET id = 5", "UPDATE t SET a = 'y'", "DELETE FROM t"},
			want: `insert public.t (x) new 1 x b
				commit
				update public.t (x) new 5 x b
				commit
				delete public.t (x)
				insert public.t (y) new 5 y b
				commit
				delete public.t (y)
				commit`,
		},
		{
			name: "no identity, but a primary key that the operator has seen to",
			ddl:  []string{"CREATE TABLE t (id int, a text)"},
			sql:  []string{"INSERT INTO t VALUES (1, 'x')", "ALTER TABLE t ADD PRIMARY KEY (id)", "UPDATE t SET a = 'y'"},
			want: `insert public.t (1) new 1 x
				commit
				update public.t (1) new 1 y
				commit`,
		},
		{
			name: "a key that keeps its value in another text is the same key",
			ddl:  []string{"CREATE TABLE t (id numeric PRIMARY KEY, a text)", "CREATE TABLE c (id char(3) PRIMARY KEY)"},
			sql:  []string{"INSERT INTO t VALUES (1.00, 'x')", "UPDATE t SET id = 1.0", "UPDATE t SET id = 1.5", "INSERT INTO c VALUES ('a')"},
			want: `insert public.t (1) new 1.00 x
				commit
				update public.t (1) new 1.0 x
				commit
				delete public.t (1)
				insert public.t (1.5) new 1.5 x
				commit
				insert public.c (a) new a  
				commit`,
		},
		{
			name: "unchanged TOAST under DEFAULT is absent",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY, big text, a int)"},
			sql:  []string{"INSERT INTO t VALUES (1, " + toast + ", 1)", "UPDATE t SET a = 2", "UPDATE t SET big = 'small'"},
			want: `insert public.t (1) new 1 c4c…9600 1
				commit
				update public.t (1) new 1 ? 2
				commit
				update public.t (1) new 1 small 2
				commit`,
		},
		{
			name: "unchanged TOAST under FULL comes from the old row",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY, big text, a int)", "ALTER TABLE t REPLICA IDENTITY FULL"},
			sql:  []string{"INSERT INTO t VALUES (1, " + toast + ", 1)", "UPDATE t SET a = 2"},
			want: `insert public.t (1) new 1 c4c…9600 1
				commit
				update public.t (1) old 1 c4c…9600 1 new 1 c4c…9600 2
				commit`,
		},
		{
			name: "a new key's row is completed from the table",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY, big text, n text)"},
			sql:  []string{"INSERT INTO t VALUES (1, " + toast + ", NULL)", "UPDATE t SET id = 2"},
			want: `insert public.t (1) new 1 c4c…9600 NULL
				commit
				delete public.t (1)
				insert public.t (2) new 2 c4c…9600 NULL
				commit`,
		},
		{
			name: "a row that is gone can't be completed",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY, big text)"},
			sql:  []string{"INSERT INTO t VALUES (1, " + toast + ")", "UPDATE t SET id = 2", "DELETE FROM t"},
			want: `insert public.t (1) new 1 c4c…9600
				commit
				delete public.t (1)
				insert public.t (2) new 2 ?
				commit
				delete public.t (2)
				commit`,
		},
		{
			name: "a key stored out of line, unchanged",
			ddl:  []string{"CREATE TABLE t (id text, a int)", "ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY (id)"},
			sql:  []string{"INSERT INTO t VALUES ((SELECT string_agg(md5(i::text), '') FROM generate_series(1, 70) i), 1)", "UPDATE t SET a = 2", "DELETE FROM t"},
			want: `insert public.t (` + longKey + `) new c4c…2240 1
				commit
				update public.t (` + longKey + `) new c4c…2240 2
				commit
				delete public.t (` + longKey + `)
				commit`,
		},
		{
			name: "truncate",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE u (id int PRIMARY KEY REFERENCES t)", "CREATE TABLE nokey (a int)"},
			sql:  []string{"TRUNCATE t CASCADE", "TRUNCATE nokey RESTART IDENTITY"},
			want: `truncate public.t (all rows)
				truncate public.u (all rows)
				commit
				truncate public.nokey (all rows)
				commit`,
		},
		{
			name: "quoted names",
			ddl:  []string{`CREATE SCHEMA "Ein ""Schema"""`, `CREATE TABLE "Ein ""Schema"""."Tab.elle" ("Schlüs""sel" int PRIMARY KEY, "select" text)`},
			sql:  []string{`INSERT INTO "Ein ""Schema"""."Tab.elle" VALUES (1, ` + toast + `)`, `UPDATE "Ein ""Schema"""."Tab.elle" SET "Schlüs""sel" = 2`},
			want: `insert Ein "Schema".Tab.elle (1) new 1 c4c…9600
				commit
				delete Ein "Schema".Tab.elle (1)
				insert Ein "Schema".Tab.elle (2) new 2 c4c…9600
				commit`,
		},
		{
			name: "partitions are their root",
			ddl: []string{
				"CREATE TABLE p (id int, a int, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
				"CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
				"CREATE TABLE p2 (a int, id int NOT NULL)", "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20)",
			},
			sql: []string{"INSERT INTO p VALUES (1, 1), (11, 2)", "UPDATE p SET id = 12 WHERE id = 1", "TRUNCATE p1", "TRUNCATE p"},
			want: `insert public.p (1) new 1 1
				insert public.p (11) new 11 2
				commit
				delete public.p (1)
				insert public.p (12) new 12 1
				commit
				truncate public.p (all rows)
				commit`,
		},
		{
			name: "generated, identity and dropped columns",
			ddl: []string{"CREATE TABLE t (gone int, id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED)",
				"ALTER TABLE t DROP COLUMN gone"},
			sql:  []string{"INSERT INTO t (a) VALUES (7)", "UPDATE t SET a = 8"},
			want: "insert public.t (1) new 1 7\ncommit\nupdate public.t (1) new 1 8\ncommit",
		},
		{
			name: "several key columns",
			ddl:  []string{"CREATE TABLE t (b text, a int, v int, PRIMARY KEY (a, b))"},
			sql:  []string{"INSERT INTO t VALUES ('x', 1, 0)", "UPDATE t SET v = 1", "DELETE FROM t"},
			want: "insert public.t (x, 1) new x 1 0\ncommit\nupdate public.t (x, 1) new x 1 1\ncommit\ndelete public.t (x, 1)\ncommit",
		},
		{
			name: "user-defined key types, made in the transaction that uses them",
			sql: []string{`BEGIN; CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN amount AS numeric;
				CREATE TABLE t (m mood, a amount, PRIMARY KEY (m, a)); INSERT INTO t VALUES ('ok', 2.50); COMMIT`},
			want: "insert public.t (ok, 2.5) new ok 2.50\ncommit",
		},
		{
			name: "what was rolled back doesn't come",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY)"},
			sql: []string{"BEGIN; INSERT INTO t VALUES (1); ROLLBACK",
				"BEGIN; INSERT INTO t VALUES (2); SAVEPOINT a; INSERT INTO t VALUES (3); ROLLBACK TO a; INSERT INTO t VALUES (4); COMMIT"},
			want: "insert public.t (2) new 2\ninsert public.t (4) new 4\ncommit",
		},
		{
			name: "a table changes its shape between two rows",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY, a int)"},
			sql: []string{"INSERT INTO t VALUES (1, 1)",
				"BEGIN; INSERT INTO t VALUES (2, 2); ALTER TABLE t ADD b text DEFAULT 'd'; INSERT INTO t VALUES (3, 3); ALTER TABLE t DROP a; INSERT INTO t VALUES (4); COMMIT",
				"ALTER TABLE t RENAME TO u", "INSERT INTO u VALUES (5, 'e')"},
			want: `insert public.t (1) new 1 1
				commit
				insert public.t (2) new 2 2
				insert public.t (3) new 3 3 d
				insert public.t (4) new 4 d
				commit
				insert public.u (5) new 5 e
				commit`,
		},
		{
			name: "other programs' messages",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY)"},
			sql: []string{"SELECT pg_logical_emit_message(true, 'other', 'x')", "SELECT pg_logical_emit_message(false, 'bridge', 'x')",
				"BEGIN; SELECT pg_logical_emit_message(true, 'other', 'x'); INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(true, 'other', 'x'); COMMIT"},
			want: "empty\ninsert public.t (1) new 1\ncommit",
		},
		{
			name: "bridge's own tables",
			ddl:  []string{"CREATE TABLE t (id int PRIMARY KEY)"},
			sql: []string{"INSERT INTO bridge.horizon VALUES ('ap/1', 1, 1, 1, 'ap/1')",
				"BEGIN; UPDATE bridge.horizon SET seq = 2; INSERT INTO t VALUES (1); COMMIT"},
			want: "empty\ninsert public.t (1) new 1\ncommit",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t, tt.ddl...)
			b.exec(tt.sql...)
			wantText(t, show(b.drain(b.open())), tt.want)
		})
	}
}
