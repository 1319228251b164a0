package mixed

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bridge/value"
)

func constrainedSchema(r *region) string {
	text := fmt.Sprintf("varchar(60) COLLATE %s", r.binary())
	return strings.Join([]string{
		"CREATE TABLE users (id int PRIMARY KEY, email " + text + " UNIQUE, nick " + text + ", n int NOT NULL DEFAULT 0, CONSTRAINT one_nick UNIQUE (nick))",
		"CREATE TABLE customer (id int PRIMARY KEY, name " + text + " NOT NULL UNIQUE)",
		"CREATE TABLE orders (id int PRIMARY KEY, customer int, note " + text + ", CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customer (id))",
		"CREATE TABLE line (id int PRIMARY KEY, orders int NOT NULL, CONSTRAINT of_orders FOREIGN KEY (orders) REFERENCES orders (id))",
		accountTable(r, text),
	}, "; ")
}

// accountTable has a unique key that the database computes: of the addresses, in small letters, of those who aren't gone.
func accountTable(r *region, text string) string {
	table := "CREATE TABLE account (id int PRIMARY KEY, email " + text + ", gone int, valid " + text + " GENERATED ALWAYS AS (CASE WHEN gone IS NULL THEN lower(email) END) STORED"
	switch r.engine {
	case value.Postgres:
		return table + "); CREATE UNIQUE INDEX one_account ON account (lower(email)) WHERE gone IS NULL"
	case value.MariaDB: // has no keys of expressions
		return table + ", CONSTRAINT one_account UNIQUE (valid))"
	}
	return table + ", UNIQUE KEY one_account ((IF(gone IS NULL, lower(email), NULL))))"
}

// apart has every region write without hearing of the others.
func (m *mesh) apart(writes map[string][]string) {
	m.t.Helper()
	m.settle()
	for _, r := range m.regions {
		r.stop()
	}
	for _, r := range []*region{m.regions[2], m.regions[0], m.regions[1]} { // us's are the latest, and of equal times too
		for _, sql := range writes[r.name] {
			r.exec(m.t, sql)
		}
	}
	m.startAll()
	m.settle()
}

// shows wants rows in all regions, and waits for them.
func (m *mesh) shows(query string, want ...string) {
	m.t.Helper()
	for _, r := range m.regions {
		var got []string
		m.eventually(r, fmt.Sprintf("shows %q (%s)", want, query), func() bool {
			got = r.query(m.t, query)
			return slices.Equal(got, want) || want == nil && len(got) == 0
		})
	}
}

const parkedSQL = "SELECT count(*) FROM bridge.parked"

// TestUniqueKeys: two regions take one value at once. The later claim is shown, the other parked, and back when the value is free.
func TestUniqueKeys(t *testing.T) {
	onMeshes(t, func(t *testing.T, engines []value.Engine) {
		m := newMesh(t, constrainedSchema, engines...)
		m.startAll()
		m.apart(map[string][]string{
			"eu": {"INSERT INTO users (id, email) VALUES (2, 'a')"},
			"us": {"INSERT INTO users (id, email, nick) VALUES (3, 'a', 'x')"},
			"ap": {"INSERT INTO users (id, email) VALUES (1, 'a')"},
		})
		m.shows("SELECT id FROM users ORDER BY id", "3")
		m.shows(parkedSQL, "2")
		m.shows("SELECT DISTINCT type, outcome FROM bridge.conflicts", "insert_exists\tparked")
		m.regions[1].exec(t, "DELETE FROM users WHERE id = 3")
		m.shows("SELECT id FROM users ORDER BY id", "2")
		m.regions[0].exec(t, "UPDATE users SET email = 'b' WHERE id = 2")
		m.shows("SELECT id, email FROM users ORDER BY id", "1\ta", "2\tb")
		m.shows(parkedSQL, "0")
		// values change places in one transaction, and in another at once
		m.apart(map[string][]string{
			"eu": {"BEGIN; UPDATE users SET email = 'c' WHERE id = 1; UPDATE users SET email = 'a' WHERE id = 2; UPDATE users SET email = 'b' WHERE id = 1; COMMIT"},
		})
		m.shows("SELECT id, email FROM users ORDER BY id", "1\tb", "2\ta")
		m.shows(parkedSQL, "0")
		// a parked row's key is written again where it's hidden
		m.apart(map[string][]string{
			"eu": {"INSERT INTO users (id, email) VALUES (10, 'k')"},
			"us": {"INSERT INTO users (id, email) VALUES (11, 'k')"},
		})
		m.shows("SELECT id FROM users WHERE id >= 10 ORDER BY id", "11")
		m.regions[2].exec(t, "INSERT INTO users (id, email) VALUES (10, 'l')")
		m.shows("SELECT id, email FROM users WHERE id >= 10 ORDER BY id", "10\tl", "11\tk")
		m.shows(parkedSQL, "0")
		// a key that the databases compute
		m.apart(map[string][]string{
			"eu": {"INSERT INTO account (id, email) VALUES (1, 'Zoe'), (3, 'max')"},
			"us": {"INSERT INTO account (id, email, gone) VALUES (2, 'zoE', NULL), (4, 'MAX', 1)"},
		})
		m.shows("SELECT id FROM account ORDER BY id", "2", "3", "4")
		m.shows(parkedSQL, "1")
		m.regions[2].exec(t, "UPDATE account SET gone = 1 WHERE id = 2")
		m.shows("SELECT id FROM account ORDER BY id", "1", "2", "3", "4")
		m.shows(parkedSQL, "0")
		m.quiet()
		m.compare()
	})
}

// TestForeignKeys: a child whose parent was deleted at the same time is hidden, with its own children, and back with the parent.
func TestForeignKeys(t *testing.T) {
	onMeshes(t, func(t *testing.T, engines []value.Engine) {
		m := newMesh(t, constrainedSchema, engines...)
		m.startAll()
		m.regions[0].exec(t, "INSERT INTO customer VALUES (1, 'one'), (2, 'two')")
		m.apart(map[string][]string{
			"eu": {"DELETE FROM customer WHERE id = 1"},
			"us": {"INSERT INTO orders VALUES (5, 1, 'late'); INSERT INTO line VALUES (50, 5)"},
			"ap": {"INSERT INTO orders VALUES (6, 2, 'fine')"},
		})
		m.shows("SELECT id FROM orders ORDER BY id", "6")
		m.shows("SELECT id FROM line")
		m.shows(parkedSQL, "2")
		m.shows("SELECT DISTINCT type, outcome FROM bridge.conflicts", "parent_missing\tparked")
		m.regions[2].exec(t, "INSERT INTO customer VALUES (1, 'again')")
		m.shows("SELECT id, customer FROM orders ORDER BY id", "5\t1", "6\t2")
		m.shows("SELECT id FROM line", "50")
		m.shows(parkedSQL, "0")
		m.quiet()
		m.compare()
	})
}

// TestConstraintsUnderLoad: regions write the same few values at once, in every way; whatever is hidden, all show the same.
func TestConstraintsUnderLoad(t *testing.T) {
	onMeshes(t, func(t *testing.T, engines []value.Engine) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		m := newMesh(t, constrainedSchema, engines...)
		m.startAll()
		for round := range 3 {
			done := make(chan bool)
			for i, r := range m.regions {
				go func() {
					defer func() { done <- true }()
					rng := rand.New(rand.NewPCG(seed, uint64(10*round+i)))
					for range 40 {
						if err := r.try(m.t, constrainedStatement(rng)); err != nil && t.Failed() {
							return
						}
					}
				}()
			}
			for range m.regions {
				<-done
			}
			m.settle()
		}
		m.settled()
		m.quiet()
		m.compare()
	})
}

// settled waits until all regions show the same rows and park the same.
func (m *mesh) settled() {
	m.t.Helper()
	queries := []string{"SELECT id, email, nick, n FROM users ORDER BY id", "SELECT id, name FROM customer ORDER BY id",
		"SELECT id, customer, note FROM orders ORDER BY id", "SELECT id, orders FROM line ORDER BY id", "SELECT id, email, gone FROM account ORDER BY id", "SELECT table_name, reason, count(*) FROM bridge.parked GROUP BY table_name, reason ORDER BY table_name, reason"}
	state := func(r *region) string {
		var all []string
		for _, q := range queries {
			all = append(all, strings.Join(r.query(m.t, q), "; "))
		}
		return strings.Join(all, "\n")
	}
	for _, r := range m.regions[1:] {
		m.eventually(r, "shows what the first does", func() bool { return state(r) == state(m.regions[0]) })
	}
	m.t.Logf("all show\n%s", state(m.regions[0]))
}

func constrainedStatement(rng *rand.Rand) string {
	word := func() string { return fmt.Sprintf("'%c'", 'a'+rng.IntN(5)) }
	id := func() int { return 1 + rng.IntN(6) }
	switch rng.IntN(12) {
	case 0, 1:
		return fmt.Sprintf("INSERT INTO users (id, email, nick) VALUES (%d, %s, %s)", id(), word(), word())
	case 2, 3:
		return fmt.Sprintf("UPDATE users SET email = %s, n = n + 1 WHERE id = %d", word(), id())
	case 4:
		return fmt.Sprintf("UPDATE users SET nick = %s WHERE id = %d", []string{word(), "NULL"}[rng.IntN(2)], id())
	case 5:
		return fmt.Sprintf("DELETE FROM users WHERE id = %d", id())
	case 6:
		return fmt.Sprintf("INSERT INTO customer VALUES (%d, %s)", id(), word())
	case 7:
		return fmt.Sprintf("DELETE FROM customer WHERE id = %d", id())
	case 8:
		return fmt.Sprintf("INSERT INTO orders VALUES (%d, %d, %s)", id(), id(), word())
	case 9:
		return fmt.Sprintf("INSERT INTO account (id, email) VALUES (%d, %s)", id(), []string{word(), strings.ToUpper(word())}[rng.IntN(2)])
	case 10:
		return fmt.Sprintf("UPDATE account SET email = %s, gone = %s WHERE id = %d", word(), []string{"NULL", "NULL", "1"}[rng.IntN(3)], id())
	}
	return []string{
		fmt.Sprintf("INSERT INTO line VALUES (%d, %d)", id(), id()),
		fmt.Sprintf("DELETE FROM line WHERE id = %d", id()),
		fmt.Sprintf("DELETE FROM orders WHERE id = %d", id()),
		fmt.Sprintf("UPDATE orders SET customer = %d WHERE id = %d", id(), id()),
	}[rng.IntN(4)]
}

// TestRefusedRows: a row that one region's database doesn't take is parked there with its children, while others flow, and shown when the
// cause is gone.
func TestRefusedRows(t *testing.T) {
	onMeshes(t, func(t *testing.T, engines []value.Engine) {
		m := newMesh(t, constrainedSchema, engines...)
		m.startAll()
		us := m.regions[1]
		us.exec(t, "ALTER TABLE customer ADD CONSTRAINT good CHECK (name <> 'bad')")
		m.regions[0].exec(t, "INSERT INTO customer VALUES (1, 'fine'), (2, 'bad'), (3, 'fine, too'); INSERT INTO orders VALUES (10, 1, 'a'), (20, 2, 'b'); INSERT INTO line VALUES (100, 10), (200, 20)")
		m.settle()
		for query, want := range map[string]string{
			"SELECT id FROM customer ORDER BY id": "1 3", "SELECT id FROM orders ORDER BY id": "10", "SELECT id FROM line ORDER BY id": "100",
			"SELECT table_name, reason FROM bridge.parked ORDER BY table_name": "customer\trefused line\tforeign_key orders\tforeign_key",
		} {
			m.eventually(us, "parks the row that it doesn't take", func() bool { return strings.Join(us.query(t, query), " ") == want })
		}
		m.regions[2].exec(t, "UPDATE customer SET name = 'bad, still' WHERE id = 3; UPDATE orders SET note = 'changed' WHERE id = 20")
		m.settle()
		us.exec(t, "ALTER TABLE customer DROP CONSTRAINT good")
		if !us.node.Retry() {
			t.Fatal("the region isn't running")
		}
		m.shows("SELECT id, name FROM customer ORDER BY id", "1\tfine", "2\tbad", "3\tbad, still")
		m.shows("SELECT id, note FROM orders ORDER BY id", "10\ta", "20\tchanged")
		m.shows("SELECT id FROM line ORDER BY id", "100", "200")
		m.shows(parkedSQL, "0")
		m.quiet()
		m.compare()
	})
}
