package mysql_test

import (
	"fmt"
	"slices"
	"testing"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// oneEngine has what only MySQL and MariaDB have, and keys that only the server can compare.
const oneEngine = `CREATE TABLE item (id int PRIMARY KEY, f float, z int(6) zerofill, dz decimal(8, 2) zerofill, fz float zerofill, bl varbinary(20), g geometry, b33 bit(33), y year, d date,
  l varchar(20) CHARACTER SET latin1, e enum('A','b'), gen int AS (id * 2) VIRTUAL) CHARACTER SET utf8mb4;
CREATE TABLE word (w varchar(20) COLLATE utf8mb4_general_ci, b varbinary(4), PRIMARY KEY (w, b)) CHARACTER SET utf8mb4;
CREATE TABLE flt (f float PRIMARY KEY, v int);
CREATE TABLE mixed (b bit(9), t timestamp(3), e enum('z','a'), x int, PRIMARY KEY (b, t, e));
INSERT INTO item (id, f, z, dz, fz, bl, g, b33, y, d, l, e) VALUES
 (1, 1.1234567, 42, 0.5, 1.5, 'a\0\'', ST_GeomFromText('POINT(1 2)'), B'100000000000000000000000000000001', 0, '0000-00-00', 'é€', 'b'), (2, -0e0, 0, 12, 0, '', NULL, 0, 2155, '2024-02-00', '', 'A');
INSERT INTO item (id, f) VALUES (3, 16777217);
INSERT INTO word VALUES ('Straße', 'x'), ('b', 'x'), ('C', 'x'), ('a', '\0'), ('ü', ''), ('日本', 'y');
INSERT INTO flt VALUES (0.1, 1), (-2.5, 2), (1e20, 3), (0, 4);
INSERT INTO mixed VALUES (B'000000011', '2024-01-01 00:00:00.5', 'a', 1), (B'100000000', '2024-01-01 00:00:00', 'z', 2);
`

// Two regions of one kind, and of the two kindred ones, are equal, and every kind of difference is found by its key.
func TestKindredRegions(t *testing.T) {
	lax := "SET sql_mode = 'ALLOW_INVALID_DATES'; "
	for _, pair := range [][2]testserver.Flavor{{testserver.FlavorMySQL, testserver.FlavorMySQL}, {testserver.FlavorMariaDB, testserver.FlavorMariaDB}, {testserver.FlavorMySQL, testserver.FlavorMariaDB}} {
		t.Run(fmt.Sprintf("%s and %s", pair[0], pair[1]), func(t *testing.T) {
			a, b := mysqlPlace(t, "a", pair[0], lax+oneEngine), mysqlPlace(t, "b", pair[1], lax+oneEngine)
			b.exec("UPDATE word SET w = 'STRASSE2' WHERE w = 'Straße'; UPDATE word SET w = 'Straße' WHERE w = 'STRASSE2'")
			wantEqual(t, run(t, a, b), 15)

			b.exec("UPDATE item SET f = 1.1234568 WHERE id = 1; DELETE FROM item WHERE id = 2; INSERT INTO item (id) VALUES (-5)")
			b.exec("UPDATE word SET w = 'B' WHERE w = 'b'; DELETE FROM word WHERE w = 'ü'")
			a.exec("UPDATE flt SET v = 9 WHERE f = -2.5; DELETE FROM flt WHERE v = 1; UPDATE mixed SET x = 7 WHERE e = 'a'")
			r := run(t, a, b)
			for table, want := range map[string][]string{"item": {"-5", "1", "2"}, "word": {"b", "ü"}, "flt": {"-2.5", "0.1"}, "mixed": {"000000011"}} {
				if got := different(r, table); !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", table, got, want)
				}
			}
		})
	}
}

// A key's collation is part of the definition.
func TestDefinitionsOfOneEngine(t *testing.T) {
	a := mysqlPlace(t, "a", testserver.FlavorMySQL, "CREATE TABLE t (w varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, n int(5), m bigint unsigned)")
	b := mysqlPlace(t, "b", testserver.FlavorMySQL, "CREATE TABLE t (w varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, n int NOT NULL, m bigint unsigned)")
	r := run(t, a, b)
	want := []string{`column "n": int in a; int NOT NULL in b`, `column "w": varchar(20) collate utf8mb4_bin NOT NULL in a; varchar(20) collate utf8mb4_general_ci NOT NULL in b`}
	if got := r.Tables[0].Definition; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The position that's told after a row was seen is behind the row's place in the log.
func TestPosition(t *testing.T) {
	for _, flavor := range servertest.Flavors {
		p := mysqlPlace(t, "a", flavor, "CREATE TABLE t (id int PRIMARY KEY)")
		r := p.open(t)
		before, err := r.Position(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.exec("INSERT INTO t VALUES (1)")
		after, err := r.Position(t.Context())
		if err != nil || after.Offset <= before.Offset {
			t.Errorf("%s: %v, then %v: %v", flavor, before, after, err)
		}
	}
}
