package mixed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"bridge/change"
	"bridge/value"
)

// itemSchema is a table with other names on MySQL and MariaDB, its columns in another order, and a key of several types.
func itemSchema(r *region) string {
	if r.engine == value.Postgres {
		return `CREATE TABLE item (id numeric(20,0), code text, name text, n integer, price numeric(10,2), at timestamp with time zone, PRIMARY KEY (id, code));
			CREATE TABLE big (id integer PRIMARY KEY, filler text);
			CREATE TABLE fit (id integer PRIMARY KEY, v numeric, other integer);
			ALTER TABLE fit REPLICA IDENTITY FULL;
			CREATE TABLE odd (id integer PRIMARY KEY, d date, t text, n smallint, other integer);
			ALTER TABLE odd REPLICA IDENTITY FULL`
	}
	return fmt.Sprintf(`CREATE TABLE artikel (price decimal(10,2), code varchar(20) COLLATE %s, bez varchar(40), id bigint unsigned, n int, at timestamp(6) NULL, PRIMARY KEY (id, code));
			CREATE TABLE big (id int PRIMARY KEY, filler longtext);
			CREATE TABLE fit (id int PRIMARY KEY, v decimal(10,2), other int);
			CREATE TABLE odd (id int PRIMARY KEY, d date, t varchar(20), n int, other int)`, r.binary())
}

func item(r *region) string { return r.is("item", "artikel") }

func items(r *region) string {
	return fmt.Sprintf("SELECT id, code, %s, n, price, %s FROM %s ORDER BY id, %s", r.is("name", "bez"),
		r.is("to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')", "at"), item(r), r.is(`code COLLATE "C"`, "code"))
}

// statement writes a row that other regions write at the same time.
func statement(r *region, rng *rand.Rand) string {
	name := r.is("name", "bez")
	id, code, v := rng.IntN(8), []string{"a", "A", "a ", "ä"}[rng.IntN(4)], rng.IntN(1000)
	switch rng.IntN(4) {
	case 0:
		return fmt.Sprintf("DELETE FROM %s WHERE id = %d AND code = '%s'", item(r), id, code)
	case 1:
		return fmt.Sprintf("UPDATE %s SET n = n + 1, price = %d.5 WHERE id = %d", item(r), v, id)
	case 2:
		return fmt.Sprintf("UPDATE %s SET %s = '%s%d' WHERE id = %d AND code = '%s'", item(r), name, r.name, v, id, code)
	}
	return fmt.Sprintf("INSERT INTO %s (id, code, %s, n, price, at) VALUES (%d, '%s', '%s', %d, 1, '2024-02-29 12:00:00.5') %s", item(r), name, id, code, r.name, v,
		r.is("ON CONFLICT (id, code) DO UPDATE SET name = excluded.name, at = excluded.at", fmt.Sprintf("ON DUPLICATE KEY UPDATE %s = VALUES(%s), at = VALUES(at)", name, name)))
}

// TestConflicts: regions of three engines that write the same rows at once end up with the same rows, under keys that have
// another form in each; also when a bridge is started anew in between, and builds its history from all of their topics.
func TestConflicts(t *testing.T) {
	m := newMesh(t, itemSchema, value.Postgres, value.MySQL, value.MariaDB)
	m.startAll()
	m.settle()
	seed := rand.Uint64() % 1e6
	t.Logf("seed %d", seed)
	for round := range 3 {
		var all sync.WaitGroup
		for i, r := range m.regions {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(seed+uint64(round), uint64(i)))
				for range 60 {
					r.exec(t, statement(r, rng))
				}
			})
		}
		if round > 0 {
			r := m.regions[round%3]
			r.stop()
			m.start(r, nil)
		}
		all.Wait()
		m.settle()
		m.equal(items, nil)
	}
	for _, r := range m.regions {
		got := r.query(t, "SELECT count(*) FROM bridge.conflicts")
		t.Logf("%s: %s conflicts", r.name, got)
		if got[0] == "0" {
			t.Errorf("region %s had no conflict: the test tells nothing", r.name)
		}
	}
}

// TestLarge: a transaction that goes in pieces, from each engine, with a row that others write meanwhile.
func TestLarge(t *testing.T) {
	m := newMesh(t, itemSchema, value.Postgres, value.MySQL, value.MariaDB)
	m.startAll()
	m.settle()
	const rows = 9000
	var all sync.WaitGroup
	for i, r := range m.regions {
		all.Go(func() {
			from := (i + 1) * 100000
			r.exec(t, r.is(fmt.Sprintf("INSERT INTO big SELECT %d + n, repeat('ä', 200) FROM generate_series(0, %d) n", from, rows-1),
				fmt.Sprintf("%sINSERT INTO big WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT %d + n, repeat('ä', 200) FROM s",
					map[value.Engine]string{value.MySQL: "SET cte_max_recursion_depth = 100000; ", value.MariaDB: "SET max_recursive_iterations = 100000; "}[r.engine], rows-1, from)))
			r.exec(t, fmt.Sprintf("UPDATE big SET filler = '%s' WHERE id = 100000", r.name))
		})
	}
	all.Wait()
	m.settle()
	sum := func(r *region) string {
		return "SELECT count(*), sum(id), sum(octet_length(filler)), max(CASE WHEN id = 100000 THEN filler END) FROM big"
	}
	if got := m.equal(sum, nil); !strings.HasPrefix(got[0], fmt.Sprint(3*rows)) {
		t.Errorf("there are %s rows", got)
	}
	r := m.regions[1]
	r.exec(t, "UPDATE big SET filler = concat(id, 'x')")
	m.settle()
	m.equal(sum, nil)
}

// TestUnfit: a value that a column can't hold stops its origin's stream, and says which; with a policy it goes on. What the
// policy has changed isn't sent back to where it came from when another column is updated.
func TestUnfit(t *testing.T) {
	m := newMesh(t, itemSchema, value.Postgres, value.MySQL)
	pg, my := m.regions[0], m.regions[1]
	m.startAll()
	m.settle()
	pg.exec(t, "INSERT INTO fit VALUES (1, 1.5, 0), (2, 'NaN', 0), (3, 123456789012, 0), (4, 1.255, 0)")
	reason := m.stopped(my, pg)
	for _, want := range []string{"table shop.fit (public.fit between the regions)", "row public.fit (2)", "column v", "NaN", "on_unrepresentable", "decimal(10,2)", "null, clamp or text"} {
		if !strings.Contains(reason, want) {
			t.Errorf("the reason doesn't say %q: %s", want, reason)
		}
	}
	if strings.Contains(reason, "123456789012") {
		t.Errorf("the reason has a value: %s", reason)
	}
	my.exec(t, "INSERT INTO fit VALUES (5, 2.5, 0)") // its own rows go out all the same
	m.eventually(pg, "has the row of us", func() bool { return len(pg.query(t, "SELECT FROM fit WHERE id = 5")) == 1 })
	my.stop()
	m.start(my, func(table change.TableName, column string) value.Policy {
		if table.String() == "shop.fit" && column == "v" {
			return value.NullValue
		}
		return value.RefuseValue
	})
	m.settle()
	if got := fmt.Sprint(my.query(t, "SELECT id, v FROM fit ORDER BY id")); got != "[1\t1.50 2\tNULL 3\tNULL 4\tNULL 5\t2.50]" {
		t.Errorf("MySQL has %s", got)
	}
	my.exec(t, "UPDATE fit SET other = 7; UPDATE fit SET v = 8 WHERE id = 3")
	m.settle()
	if got := fmt.Sprint(pg.query(t, "SELECT id, v, other FROM fit ORDER BY id")); got != "[1\t1.5\t7 2\tNaN\t7 3\t8.00\t7 4\t1.255\t7 5\t2.50\t7]" {
		t.Errorf("PostgreSQL has %s", got)
	}
	if errs := len(pg.query(t, "SELECT FROM bridge.conflicts")); errs != 0 {
		t.Errorf("there are %d conflicts", errs)
	}
}

// TestUnfitFromMySQL is the other way: each of a row's values that PostgreSQL can't hold is told, until all have a policy.
func TestUnfitFromMySQL(t *testing.T) {
	m := newMesh(t, itemSchema, value.Postgres, value.MySQL)
	pg, my := m.regions[0], m.regions[1]
	policies := map[string]value.Policy{}
	policy := func(_ change.TableName, column string) value.Policy { return policies[column] }
	m.start(my, nil)
	m.start(pg, policy)
	m.settle()
	my.exec(t, `SET sql_mode = ''; INSERT INTO odd VALUES (1, '0000-00-00', 'a\0b', 70000, 0), (2, '2024-02-29', 'ok', 7, 0)`)
	for _, step := range []struct {
		column, says string
		policy       value.Policy
	}{{"d", "dates that aren't in the calendar", value.NullValue}, {"t", "U+0000", value.NullValue}, {"n", "outside -32768 to 32767", value.ClampValue}} {
		reason := m.stopped(pg, my)
		for _, want := range []string{"table public.odd, row public.odd (1), column " + step.column, step.says, "on_unrepresentable"} {
			if !strings.Contains(reason, want) {
				t.Errorf("the reason doesn't say %q: %s", want, reason)
			}
		}
		pg.stop()
		policies[step.column] = step.policy
		m.start(pg, policy)
	}
	m.settle()
	pg.exec(t, "UPDATE odd SET other = 1")
	m.settle()
	if got := fmt.Sprint(pg.query(t, "SELECT * FROM odd ORDER BY id")); got != "[1\tNULL\tNULL\t32767\t1 2\t2024-02-29\tok\t7\t1]" {
		t.Errorf("PostgreSQL has %s", got)
	}
	if got := fmt.Sprint(my.query(t, "SELECT id, d, hex(t), n, other FROM odd ORDER BY id")); got != "[1\t0000-00-00\t610062\t70000\t1 2\t2024-02-29\t6F6B\t7\t1]" {
		t.Errorf("MySQL has %s", got)
	}
}

// TestInvalidLabels: the empty text that MySQL keeps for a label that it didn't know is no value that a strict session can
// write. Another region of the engine parks the row, one of another engine stops, and both say so.
func TestInvalidLabels(t *testing.T) {
	schema := func(*region) string { return "CREATE TABLE mood (id int PRIMARY KEY, e enum('a', 'b'))" }
	const invalid = "SET sql_mode = ''; INSERT INTO mood VALUES (1, 'a'), (2, 'x')"
	for _, engine := range []value.Engine{value.MySQL, value.MariaDB} {
		t.Run(string(engine), func(t *testing.T) {
			m := newMesh(t, schema, engine, engine)
			m.startAll()
			from, to := m.regions[0], m.regions[1]
			from.exec(t, invalid)
			m.settle()
			for query, want := range map[string]string{
				"SELECT id, e FROM mood": "1\ta", "SELECT table_name, reason FROM bridge.parked": "mood\trefused", "SELECT type FROM bridge.conflicts": "row_refused",
			} {
				m.eventually(to, "parks the row: "+query, func() bool { return strings.Join(to.query(t, query), " ") == want })
			}
			from.exec(t, "UPDATE mood SET e = 'b' WHERE id = 2")
			m.settle()
			m.shows("SELECT id, e FROM mood ORDER BY id", "1\ta", "2\tb")
		})
	}
	t.Run("kindred", func(t *testing.T) {
		m := newMesh(t, schema, value.MariaDB, value.MySQL)
		m.startAll()
		m.regions[0].exec(t, invalid)
		reason := m.stopped(m.regions[1], m.regions[0])
		for _, want := range []string{"row public.mood (2)", "column e", "labels that the column lacks", "on_unrepresentable"} {
			if !strings.Contains(reason, want) {
				t.Errorf("the reason doesn't say %q: %s", want, reason)
			}
		}
	})
}

// TestKeyRefused: a key whose equality another engine doesn't have stops capture, with the remedy.
func TestKeyRefused(t *testing.T) {
	for _, tc := range []struct {
		engine, other     value.Engine
		collation, remedy string
	}{
		{value.MariaDB, value.Postgres, "utf8mb4_general_ci", "binary collation"},
		{value.MySQL, value.MariaDB, "utf8mb4_0900_ai_ci", "utf8mb4_general_ci"},
		{value.MariaDB, value.MySQL, "utf8mb4_uca1400_ai_ci", "utf8mb4_general_ci"},
	} {
		t.Run(string(tc.engine)+" beside "+string(tc.other), func(t *testing.T) {
			m := newMesh(t, func(r *region) string {
				return r.is("CREATE TABLE word (w text PRIMARY KEY)", "CREATE TABLE word (w varchar(20) COLLATE "+map[bool]string{true: tc.collation, false: r.binary()}[r.engine == tc.engine]+" PRIMARY KEY)")
			}, tc.engine, tc.other)
			r := m.regions[0]
			engine := r.open(nil)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			source, err := engine.OpenSource(ctx, change.Position{})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close(ctx) //nolint:errcheck // the test is over
			r.exec(t, "INSERT INTO word VALUES ('a')")
			for err == nil {
				_, err = source.Next(ctx)
			}
			for _, want := range []string{"shop.word", `"w"`, tc.collation, tc.remedy} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error doesn't say %q: %v", want, err)
				}
			}
		})
	}
}
