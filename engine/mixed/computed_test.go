package mixed

import (
	"testing"

	"bridge/value"
)

// TestComputedKeys: unique keys of expressions, with a condition, or in which NULLs are equal, are as good as others.
func TestComputedKeys(t *testing.T) {
	m := newMesh(t, func(*region) string {
		return `CREATE TABLE account (id int PRIMARY KEY, email text, gone timestamptz); CREATE UNIQUE INDEX one_email ON account (lower(email)) WHERE gone IS NULL;
			CREATE TABLE seat (id int PRIMARY KEY, line int, place int); CREATE UNIQUE INDEX one_seat ON seat (line, place) NULLS NOT DISTINCT`
	}, value.Postgres, value.Postgres, value.Postgres)
	m.startAll()
	m.apart(map[string][]string{
		"eu": {"INSERT INTO account VALUES (1, 'Zoe@example.org'), (3, 'max@example.org')", "INSERT INTO seat VALUES (1, 7, NULL), (3, 8, 1)"},
		"us": {"INSERT INTO account VALUES (2, 'zoe@Example.org', NULL), (4, 'Max@example.org', '2026-01-01')", "INSERT INTO seat VALUES (2, 7, NULL), (4, 8, NULL)"},
	})
	m.shows("SELECT id FROM account ORDER BY id", "2", "3", "4")
	m.shows("SELECT id FROM seat ORDER BY id", "2", "3", "4")
	m.shows(parkedSQL, "2")
	m.regions[0].exec(t, "UPDATE account SET gone = '2026-02-02' WHERE id = 2")
	m.shows("SELECT id FROM account ORDER BY id", "1", "2", "3", "4")
	m.regions[1].exec(t, "UPDATE seat SET place = 2 WHERE id = 2")
	m.shows("SELECT id FROM seat ORDER BY id", "1", "2", "3", "4")
	m.shows(parkedSQL, "0")
	m.apart(map[string][]string{
		"eu": {"UPDATE account SET gone = '2026-02-03' WHERE id = 3"},
		"us": {"UPDATE account SET email = 'new@example.org' WHERE id = 1", "UPDATE account SET gone = NULL WHERE id = 2"},
	})
	m.shows("SELECT id, lower(email), gone IS NULL FROM account ORDER BY id", "1\tnew@example.org\tt", "2\tzoe@example.org\tt", "3\tmax@example.org\tf", "4\tmax@example.org\tf")
	m.shows(parkedSQL, "0")
	m.quiet()
	m.compare()
}
