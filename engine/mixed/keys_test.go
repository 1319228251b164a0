package mixed

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/value"
)

// keyKinds are pairs of types that can be keys, each with a value as every engine writes it.
var keyKinds = []struct{ postgres, mysql, mariadb, literal, mysqlLiteral string }{
	{postgres: "integer", mysql: "int", literal: "7"},
	{postgres: "numeric(20,0)", mysql: "bigint unsigned", literal: "18446744073709551615"},
	{postgres: "numeric(10,2)", mysql: "decimal(10,2)", literal: "1.5"},
	{postgres: "numeric", mysql: "decimal(10,2)", literal: "1.500"},
	{postgres: "boolean", mysql: "tinyint(1)", literal: "true"},
	{postgres: "uuid", mysql: "char(36)", mariadb: "uuid", literal: "'0f9a1d2e-1111-4222-8333-444455556666'"},
	{postgres: "uuid", mysql: "binary(16)", mariadb: "binary(16)", literal: "'0f9a1d2e-1111-4222-8333-444455556666'", mysqlLiteral: "x'0f9a1d2e111142228333444455556666'"},
	{postgres: "bytea", mysql: "varbinary(20)", literal: `'\x00ff'::bytea`, mysqlLiteral: "x'00ff'"},
	{postgres: "date", mysql: "date", literal: "'2024-02-29'"},
	{postgres: "timestamp without time zone", mysql: "datetime(6)", literal: "'2024-02-29 12:00:00.5'"},
	{postgres: "timestamp with time zone", mysql: "timestamp(6)", literal: "'2024-02-29 12:00:00.5+00'", mysqlLiteral: "'2024-02-29 12:00:00.5'"},
	{postgres: "timestamp with time zone", mysql: "datetime(3)", literal: "'2024-02-29 12:00:00.5+00'", mysqlLiteral: "'2024-02-29 12:00:00.5'"},
	{postgres: "time without time zone", mysql: "time(6)", literal: "'12:00:00.25'"},
	{postgres: "double precision", mysql: "double", literal: "'-0'", mysqlLiteral: "-0e0"},
	{postgres: "text", mysql: "varchar(20)", literal: "'ä '"},
	{postgres: "character(5)", mysql: "char(5)", literal: "'ab'"},
	{postgres: "mood", mysql: "enum('x','y')", literal: "'y'"},
	{postgres: "text", mysql: "enum('x','y')", literal: "'y'"},
	{postgres: "positive", mysql: "int", literal: "7"}, // a domain
	{postgres: "inet", mysql: "varchar(43)", literal: "'10.0.0.1'"},
}

func keySchema(r *region) string {
	var sql []string
	if r.engine == value.Postgres {
		sql = append(sql, "CREATE TYPE mood AS ENUM ('x', 'y')", "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)")
	}
	for i, k := range keyKinds {
		typ := r.is(k.postgres, k.mysql)
		if r.engine == value.MariaDB && k.mariadb != "" {
			typ = k.mariadb
		}
		if r.engine != value.Postgres && (strings.HasPrefix(typ, "varchar") || strings.HasPrefix(typ, "char")) {
			typ += " COLLATE " + r.binary()
		}
		sql = append(sql, fmt.Sprintf("CREATE TABLE k%d (k %s PRIMARY KEY, who varchar(10), n %s)", i, typ, r.is("positive", "int")))
	}
	return strings.Join(sql, ";")
}

// TestKeys: a key names one row in all regions, whatever its type's texts: a row that all insert at the same time is in conflict
// in each, one that's deleted here and updated there, too; and one region's delete, or TRUNCATE, removes it everywhere.
func TestKeys(t *testing.T) {
	m := newMesh(t, keySchema, value.Postgres, value.MySQL, value.MariaDB)
	literal := func(r *region, i int) string {
		if k := keyKinds[i]; r.engine != value.Postgres && k.mysqlLiteral != "" {
			return k.mysqlLiteral
		}
		return keyKinds[i].literal
	}
	each := func(r *region, statement func(i int) string) {
		var sql []string
		for i := range keyKinds {
			sql = append(sql, statement(i))
		}
		r.exec(t, strings.Join(sql, ";"))
	}
	equal := func(what string, want int) {
		t.Helper()
		for i, k := range keyKinds {
			if rows := m.equal(func(*region) string { return fmt.Sprintf("SELECT who, n FROM k%d", i) }, nil); len(rows) != want {
				t.Errorf("%s: table %d (%s, %s) has %q, want %d rows", what, i, k.postgres, k.mysql, rows, want)
			}
		}
	}
	conflicts := func(what, which string) {
		t.Helper()
		for i, k := range keyKinds {
			found := 0
			for _, r := range m.regions {
				if r.query(t, fmt.Sprintf("SELECT count(*) FROM bridge.conflicts WHERE table_name = 'k%d' AND %s", i, which))[0] != "0" {
					found++
				}
			}
			if found == 0 {
				t.Errorf("%s: no region has a conflict on table %d (%s, %s)", what, i, k.postgres, k.mysql)
			}
		}
	}
	for _, r := range m.regions {
		each(r, func(i int) string {
			return fmt.Sprintf("INSERT INTO k%d VALUES (%s, '%s', 1)", i, literal(r, i), r.name)
		})
	}
	m.startAll()
	m.settle()
	equal("inserted by all", 1)
	conflicts("inserted by all", "type = 'insert_exists'")
	for _, r := range m.regions {
		r.stop()
	}
	each(m.regions[0], func(i int) string { return fmt.Sprintf("DELETE FROM k%d", i) })
	each(m.regions[1], func(i int) string { return fmt.Sprintf("UPDATE k%d SET n = 2", i) })
	each(m.regions[2], func(i int) string { return fmt.Sprintf("UPDATE k%d SET n = 3, who = 'last'", i) })
	m.startAll()
	m.settle()
	equal("deleted and updated", 1) // the updates come later
	conflicts("deleted and updated", "type <> 'insert_exists'")
	each(m.regions[2], func(i int) string { return fmt.Sprintf("DELETE FROM k%d WHERE k = %s", i, literal(m.regions[2], i)) })
	m.settle()
	equal("deleted", 0)
	for n, r := range m.regions {
		each(r, func(i int) string {
			return fmt.Sprintf("INSERT INTO k%d VALUES (%s, '%s', 1)", i, literal(r, i), r.name)
		})
		m.settle()
		equal("inserted again", 1)
		next := m.regions[(n+1)%3]
		each(next, func(i int) string { return fmt.Sprintf("TRUNCATE TABLE k%d", i) })
		m.settle()
		equal("truncated in "+next.name, 0)
	}
}

// TestKindredKeys: between MySQL and MariaDB a key may be under a collation that both have. Texts that it holds equal name one
// row in both regions, however each writes them.
func TestKindredKeys(t *testing.T) {
	schema := func(*region) string {
		return "CREATE TABLE word (w varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, who varchar(10), n int)"
	}
	m := newMesh(t, schema, value.MySQL, value.MariaDB)
	my, maria := m.regions[0], m.regions[1]
	equal := func(query string, want ...string) {
		t.Helper()
		m.settle()
		if got := m.equal(func(*region) string { return query }, nil); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	my.exec(t, "INSERT INTO word VALUES ('straße', 'my', 1), ('ÜBER', 'my', 1), ('日本', 'my', 1)")
	maria.exec(t, "INSERT INTO word VALUES ('STRASE ', 'maria', 1), ('uber', 'maria', 1), ('日本', 'maria', 1)")
	m.startAll()
	equal("SELECT count(*), count(DISTINCT who), sum(n) FROM word", "3\t1\t3") // MariaDB's clock has seconds only: either wins
	for _, r := range m.regions {
		if got := r.query(t, "SELECT count(*) FROM bridge.conflicts WHERE type = 'insert_exists'"); got[0] != "3" {
			t.Errorf("%s: %s conflicts", r.name, got)
		}
	}
	const rows = "SELECT w, n FROM word ORDER BY w"
	my.exec(t, "UPDATE word SET n = 2, w = 'Straße' WHERE w = 'strase'; UPDATE word SET n = 2, w = 'UBER' WHERE w = 'über'")
	equal(rows, "Straße\t2", "UBER\t2", "日本\t1")
	maria.exec(t, "UPDATE word SET w = 'über' WHERE w = 'uber'; DELETE FROM word WHERE w = '日本'; UPDATE word SET n = 3 WHERE w = 'STRASE'")
	equal(rows, "Straße\t3", "über\t2")
	my.exec(t, "DELETE FROM word WHERE w IN ('strase', 'Uber'); INSERT INTO word VALUES ('Uber', 'my', 4)")
	equal(rows, "Uber\t4")
}
