package mysql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/compare"
	"bridge/internal/testserver"
	"bridge/value"
)

const postgresTypes = `CREATE TYPE mood AS ENUM ('sad', 'so so', 'é'); CREATE DOMAIN money_like AS numeric(20, 4);
CREATE TABLE item (id bigint PRIMARY KEY, bo boolean, sm smallint, i integer, num money_like, r real, d double precision, bits bit(5), t text, v varchar(40),
  c char(8), bin bytea, da date, ti time, iv interval, dt timestamp, ts timestamptz, j jsonb, u uuid, ip inet, m mood, arr text[], y smallint, s text[], ub numeric(20));
CREATE TABLE word (w varchar(40), n numeric(10, 2), at timestamptz, PRIMARY KEY (w, n, at));
CREATE TABLE named (u uuid PRIMARY KEY, f boolean);
`

func mysqlTypes(uuid, ip, collation string) string {
	return `CREATE TABLE item (id bigint PRIMARY KEY, bo tinyint(1), sm smallint, i int, num decimal(20, 4), r float, d double, bits bit(5), t longtext, v varchar(40),
  c char(8), bin longblob, da date, ti time(6), iv time(6), dt datetime(6), ts timestamp(6) NULL, j json, u ` + uuid + `, ip ` + ip + `,
  m enum('sad', 'so so', 'é'), arr json, y year, s set('a', 'b', 'c'), ub bigint unsigned) CHARACTER SET utf8mb4;
CREATE TABLE word (w varchar(40) CHARACTER SET utf8mb4 COLLATE ` + collation + `, n decimal(10, 2), at datetime(6), PRIMARY KEY (w, n, at));
CREATE TABLE named (u ` + uuid + ` PRIMARY KEY, f boolean);
`
}

// The same rows, as each engine writes them.
const postgresRows = `
INSERT INTO item (id) VALUES (1);
INSERT INTO item VALUES (2, true, -32768, 2147483647, 1.5, 0.1, 0.1, B'00101', 'a''ü😀', 'v ', 'c', '\x00ff', '2024-02-29', '01:02:03.5', '26:00:00', '2024-01-02 03:04:05.678', '2024-01-02 03:04:05.5+00',
  '{"b": [1, 2.50], "a": null}', '0f0e0d0c-0b0a-0908-0706-050403020100', '2001:db8::1', 'so so', '{a,"b c"}', 2024, '{a,c}', 18446744073709551615);
INSERT INTO item VALUES (3, false, 0, 0, -0.0001, -1e-30, 1e300, B'11111', '', '', '', '', '0001-01-01', '00:00:00', '-838:59:59', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07+00',
  '"x"', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '::', 'é', '{}', 1901, '{}', 0);
INSERT INTO word VALUES ('a', 1, '2024-01-01 00:00:00+00'), ('A', 1, '2024-01-01 00:00:00+00'), ('é', -10, '2024-01-01 00:00:00.5+00'), ('Z', 9, '2024-01-01 00:00:00.25+00'), ('Z', 10.5, '2024-01-01 00:00:00.25+00');
INSERT INTO named VALUES ('0f0e0d0c-0b0a-0908-0706-050403020100', true), ('a0000000-0000-4000-8000-000000000001', false), ('90000000-0000-1000-8000-000000000001', NULL), ('00000000-0000-1000-9000-000000000001', true);
`

const mysqlRows = `
INSERT INTO item (id) VALUES (1);
INSERT INTO item VALUES (2, 1, -32768, 2147483647, 1.5, 0.1, 0.1, B'00101', 'a''ü😀', 'v ', 'c', x'00ff', '2024-02-29', '01:02:03.5', '26:00:00', '2024-01-02 03:04:05.678', '2024-01-02 03:04:05.5',
  '{"a": null, "b": [1, 2.5]}', '0f0e0d0c-0b0a-0908-0706-050403020100', '2001:db8::1', 'so so', '["a", "b c"]', 2024, 'a,c', 18446744073709551615);
INSERT INTO item VALUES (3, 0, 0, 0, -0.0001, -1e-30, 1e300, B'11111', '', '', '', '', '0001-01-01', '00:00:00', '-838:59:59', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07',
  '"x"', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '::', 'é', '[]', 1901, '', 0);
INSERT INTO word VALUES ('a', 1, '2024-01-01 00:00:00'), ('A', 1, '2024-01-01 00:00:00'), ('é', -10, '2024-01-01 00:00:00.5'), ('Z', 9, '2024-01-01 00:00:00.25'), ('Z', 10.5, '2024-01-01 00:00:00.25');
INSERT INTO named VALUES ('0f0e0d0c-0b0a-0908-0706-050403020100', 1), ('a0000000-0000-4000-8000-000000000001', 0), ('90000000-0000-1000-8000-000000000001', NULL), ('00000000-0000-1000-9000-000000000001', 1);
`

// Regions of three engines with the same rows in columns of all mapped types are equal; of each column, a change in one
// of them is found, and as that region's.
func TestEnginesAreCompared(t *testing.T) {
	pg := postgresPlace(t, "pg", postgresTypes+postgresRows)
	my := mysqlPlace(t, "my", testserver.FlavorMySQL, mysqlTypes("char(36)", "varchar(43)", "utf8mb4_0900_bin")+mysqlRows)
	maria := mysqlPlace(t, "maria", testserver.FlavorMariaDB, mysqlTypes("uuid", "inet6", "utf8mb4_nopad_bin")+mysqlRows)
	for _, places := range [][]*place{{pg, my}, {my, pg}, {pg, maria}, {my, maria}, {maria, my, pg}, {pg, my, maria}} {
		wantEqual(t, run(t, places...), 12)
	}
	for i, set := range []string{"bo = 0", "sm = -1", "i = 3", "num = 1.5001", "r = 0.2", "d = 0.10000000000000002", "bits = B'00100'", "t = 'a'", "v = 'v'", "c = 'd'",
		"bin = x'ff'", "da = '2024-02-28'", "ti = '01:02:03.500001'", "iv = '26:00:01'", "dt = '2024-01-02 03:04:05.679'", "ts = '2024-01-02 03:04:06'",
		`j = '{"b": [1, 2.51], "a": null}'`, "u = '1f0e0d0c-0b0a-0908-0706-050403020100'", "ip = '2001:db8::2'", "m = 'sad'", `arr = '["a", "b"]'`, "y = 2023", "s = 'a'", "ub = 1"} {
		at := []*place{my, maria}[i%2]
		at.exec("UPDATE item SET " + set + " WHERE id = 2")
		r := run(t, pg, my, maria)
		if got := different(r, "item"); !slices.Equal(got, []string{"2"}) {
			t.Errorf("after %s in %s: %v", set, at.name, got)
		} else if d := r.Tables[0].Different[0]; len(d.Groups) != 2 || !slices.ContainsFunc(d.Groups, func(g []string) bool { return slices.Equal(g, []string{at.name}) }) {
			t.Errorf("after %s in %s: groups %v", set, at.name, d.Groups)
		}
		at.exec("DELETE FROM item WHERE id = 2;" + insertTwo)
	}
	wantEqual(t, run(t, pg, my, maria), 12)
}

// insertTwo writes the row with a value in every column.
var insertTwo = func() string {
	_, after, _ := strings.Cut(mysqlRows, "(1);")
	statement, _, _ := strings.Cut(after, ";")
	return statement
}()

// Rows that are missing, or whose keys only one engine's order tells apart, are found by their keys.
func TestKeysAcrossEngines(t *testing.T) {
	pg := postgresPlace(t, "pg", postgresTypes+postgresRows)
	my := mysqlPlace(t, "my", testserver.FlavorMySQL, mysqlTypes("char(36)", "varchar(43)", "utf8mb4_0900_bin")+mysqlRows)
	maria := mysqlPlace(t, "maria", testserver.FlavorMariaDB, mysqlTypes("uuid", "inet6", "utf8mb4_nopad_bin")+mysqlRows)
	my.exec("DELETE FROM word WHERE w = 'Z' AND n = 9; UPDATE named SET f = 0 WHERE u = '0f0e0d0c-0b0a-0908-0706-050403020100'")
	maria.exec("DELETE FROM named WHERE u LIKE 'a0%'; DELETE FROM item WHERE id = 3")
	pg.exec("DELETE FROM shop.word WHERE w = 'A'")
	r := run(t, my, pg, maria)
	for table, want := range map[string][]string{"word": {"A", "Z"}, "named": {"0f0e0d0c-0b0a-0908-0706-050403020100", "a0000000-0000-4000-8000-000000000001"}, "item": {"3"}} {
		if got := different(r, table); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", table, got, want)
		}
	}
	for _, table := range r.Tables {
		for _, d := range table.Different {
			if d.Key[0] == "Z" && !slices.Equal(d.Missing, []string{"my"}) || d.Key[0] == "3" && !slices.Equal(d.Missing, []string{"maria"}) {
				t.Errorf("%s: %+v", table.Table, d)
			}
		}
	}
}

// What another engine can't hold is told, and what it can't carry at all is a difference; a value that isn't held makes
// its row different.
func TestDefinitionsAcrossEngines(t *testing.T) {
	pg := postgresPlace(t, "pg", `CREATE TABLE a (id bigint PRIMARY KEY, t text NOT NULL, n numeric, p int4range, u varchar(10)); CREATE TABLE k (w text PRIMARY KEY);
		INSERT INTO a VALUES (1, 'x', 'NaN', NULL, NULL), (2, 'x', 2.50, NULL, NULL)`)
	my := mysqlPlace(t, "my", testserver.FlavorMySQL, `CREATE TABLE a (id bigint PRIMARY KEY, t varchar(5) CHARACTER SET utf8mb4, n decimal(10, 2), p int, u varchar(10) CHARACTER SET utf8mb4);
		CREATE TABLE k (w varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY); INSERT INTO a VALUES (1, 'x', NULL, NULL, NULL), (2, 'x', 2.5, NULL, NULL)`)
	r := run(t, pg, my)
	text := fmt.Sprintf("%q %q", r.Tables[0].Definition, r.Tables[0].Limits)
	for _, want := range []string{`column \"p\": values of pg don't go to my`, `column \"t\": NOT NULL in pg; nullable in my`, `column \"n\": numeric in pg holds what decimal(10,2) in my can't: `, `NaN`, `longer than 5 characters`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s isn't told: %s", want, text)
		}
	}
	if got := different(r, "a"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("different: %v", got)
	}
	if k := r.Tables[1]; k.Verdict != compare.Different || len(k.Definition) != 1 || !strings.Contains(k.Definition[0], "utf8mb4_general_ci") || k.Rows != nil {
		t.Errorf("a key under a collation: %+v", k)
	}
}

// A value that a policy changes on its way counts as equal to what it becomes.
func TestPoliciesCount(t *testing.T) {
	pg := postgresPlace(t, "pg", `CREATE TABLE a (id bigint PRIMARY KEY, n numeric, p int4range, u varchar(10));
		INSERT INTO a VALUES (1, 'NaN', '[1,5)', '0123456789'), (2, 2.50, NULL, 'x'), (3, 'NaN', 'empty', 'x')`)
	my := mysqlPlace(t, "my", testserver.FlavorMySQL, `CREATE TABLE a (id bigint PRIMARY KEY, n decimal(10, 2), p varchar(20), u varchar(4)) CHARACTER SET utf8mb4;
		INSERT INTO a VALUES (1, NULL, '[1,5)', '0123'), (2, 2.5, NULL, 'x'), (3, 0, 'empty', 'x')`)
	pg.policies = map[string]value.Policy{"p": value.TextValue}
	my.policies = map[string]value.Policy{"n": value.NullValue, "p": value.TextValue, "u": value.ClampValue}
	r := run(t, pg, my)
	if got := different(r, "a"); !slices.Equal(got, []string{"3"}) || len(r.Tables[0].Definition) > 0 {
		t.Errorf("different: %v, definition %q", got, r.Tables[0].Definition)
	}
}

// Which texts are one key is the collation's to say: regions of the kindred engines may have one that holds the same
// texts equal on both, and the same one.
func TestKeysOfKindredEngines(t *testing.T) {
	for i, tc := range []struct{ mysql, mariadb, want string }{
		{"utf8mb4_general_ci", "utf8mb4_general_ci", ""},
		{"utf8mb4_0900_bin", "utf8mb4_nopad_bin", ""},
		{"latin1_bin", "utf8mb4_bin", ""},
		{"utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_general_ci and utf8mb4_unicode_ci don't hold the same texts equal"},
		{"utf8mb4_0900_bin", "utf8mb4_bin", "don't hold the same texts equal"},
		{"utf8mb4_0900_ai_ci", "utf8mb4_uca1400_nopad_ai_ci", "don't hold the same texts equal"},
	} {
		table := func(collation string) string {
			charset, _, _ := strings.Cut(collation, "_")
			return fmt.Sprintf("CREATE TABLE k (w varchar(20) CHARACTER SET %s COLLATE %s PRIMARY KEY); INSERT INTO k VALUES ('a'), ('B')", charset, collation)
		}
		my := mysqlPlace(t, fmt.Sprint("my", i), testserver.FlavorMySQL, table(tc.mysql))
		maria := mysqlPlace(t, fmt.Sprint("maria", i), testserver.FlavorMariaDB, table(tc.mariadb))
		told := run(t, my, maria).Tables[0].Definition
		for _, d := range compare.BaselineDifferences(my.name, my.baseline(t), maria.name, maria.baseline(t)) {
			told = append(told, d.Text)
		}
		if tc.want == "" && len(told) > 0 || tc.want != "" && (len(told) != 2 || !strings.Contains(told[0], tc.want) || !strings.Contains(told[1], tc.want)) {
			t.Errorf("%s and %s: %q", tc.mysql, tc.mariadb, told)
		}
	}
}
