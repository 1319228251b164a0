package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"bridge/config"
)

// workload is tables, and what applications do with them.
type workload struct {
	// schema makes the tables, the ledger's among them, and what is in them from the start.
	schema func(engine string) string
	write  func(*transaction)
}

// ledger is only ever inserted to, each row by one region and with each transaction, so it tells what was lost (I2)
// and, by an audit that also runs for applied rows, what was done twice (I3).
const ledger = `
CREATE TABLE ledger (id uuid PRIMARY KEY, region text NOT NULL, n bigint NOT NULL);
CREATE TABLE audit (id uuid NOT NULL, op text NOT NULL);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$BEGIN INSERT INTO public.audit VALUES (coalesce(NEW.id, OLD.id), TG_OP); RETURN NULL; END$$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION audit();
ALTER TABLE ledger ENABLE ALWAYS TRIGGER audit;
`

// ledgerMySQL is the same for MySQL and MariaDB, where triggers run for applied rows anyway.
const ledgerMySQL = `
CREATE TABLE ledger (id char(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, region varchar(10) NOT NULL, n bigint NOT NULL);
CREATE TABLE audit (id char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, op varchar(10) NOT NULL);
CREATE TRIGGER audit_insert AFTER INSERT ON ledger FOR EACH ROW INSERT INTO shop.audit VALUES (NEW.id, 'INSERT');
CREATE TRIGGER audit_update AFTER UPDATE ON ledger FOR EACH ROW INSERT INTO shop.audit VALUES (NEW.id, 'UPDATE');
CREATE TRIGGER audit_delete AFTER DELETE ON ledger FOR EACH ROW INSERT INTO shop.audit VALUES (OLD.id, 'DELETE');
`

// accounts and items are written by all regions at once.
const workloadSchema = ledger + `
CREATE TABLE accounts (id int PRIMARY KEY, region text, balance bigint NOT NULL DEFAULT 0, note text);
INSERT INTO accounts (id) SELECT generate_series(1, 40);
CREATE TABLE items (id int PRIMARY KEY, region text NOT NULL, qty int NOT NULL, note text);
CREATE TABLE big (id bigint, region text, filler text NOT NULL, PRIMARY KEY (region, id));
`

// workloadMySQL is the same for MySQL and MariaDB.
const workloadMySQL = ledgerMySQL + `
CREATE TABLE accounts (id int PRIMARY KEY, region varchar(10), balance bigint NOT NULL DEFAULT 0, note text);
INSERT INTO accounts (id) WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 40) SELECT i FROM s;
CREATE TABLE items (id int PRIMARY KEY, region varchar(10) NOT NULL, qty int NOT NULL, note text);
CREATE TABLE big (id bigint, region varchar(10), filler mediumtext NOT NULL, PRIMARY KEY (region, id));
`

// kinds has types that engines have each in their own way.
var kinds = map[string]string{
	config.PostgreSQL: `CREATE TYPE mood AS ENUM ('happy', 'so so');
CREATE TABLE kinds (id int PRIMARY KEY, flag boolean, price numeric(10,2), part double precision, at timestamptz, local timestamp,
  day date, data bytea, doc jsonb, feeling mood, name text);`,
	config.MySQL:   `CREATE TABLE kinds (id int PRIMARY KEY, flag tinyint(1), price decimal(10,2), part double, at timestamp(6) NULL, local datetime(6), day date, data varbinary(40), doc json, feeling enum('happy','so so'), name varchar(40));`,
	config.MariaDB: `CREATE TABLE kinds (id int PRIMARY KEY, flag tinyint(1), price decimal(10,2), part double, at timestamp(6) NULL, local datetime(6), day date, data varbinary(40), doc json, feeling enum('happy','so so'), name varchar(40));`,
}

// shop is the workload of tables accounts and items, and where engines are mixed of kinds.
func shop(mixed bool) *workload {
	schema := func(engine string) string {
		if engine == config.PostgreSQL {
			return workloadSchema
		}
		return workloadMySQL
	}
	if !mixed {
		return &workload{schema, (*transaction).shop}
	}
	return &workload{func(engine string) string { return schema(engine) + kinds[engine] }, func(tx *transaction) {
		tx.shop()
		tx.kinds()
	}}
}

// withWorkload completes options by the workload's schema.
func withWorkload(o options) options {
	m := &mesh{options: o}
	o.schemaOf = func(region int) string { return m.workload().schema(m.engine(region)) }
	return o
}

func (m *mesh) workload() *workload {
	if m.options.workload != nil {
		return m.options.workload
	}
	return shop(m.mixed())
}

// writer gives what makes a region's transactions, as SQL that is sent at once and so is one transaction.
func (m *mesh) writer(r *region) func(rng *rand.Rand, id string, n int64) string {
	d := dialect{"ON CONFLICT (id) DO UPDATE SET", "excluded.%s"}
	if r.db == nil {
		d = dialect{"ON DUPLICATE KEY UPDATE", "VALUES(%s)"}
	}
	write := m.workload().write
	return func(rng *rand.Rand, id string, n int64) string {
		tx := &transaction{dialect: d, Rand: rng, region: r.name, id: id}
		tx.add("BEGIN; INSERT INTO ledger VALUES ('%s', '%s', %d)", id, r.name, n)
		write(tx)
		tx.add("COMMIT")
		return tx.sql.String()
	}
}

// dialect is what differs between the engines: an upsert, and in it the new value.
type dialect struct{ upsert, proposed string }

// transaction is a random one in the making.
type transaction struct {
	dialect
	*rand.Rand
	region string
	id     string // of its row in the ledger
	sql    strings.Builder
}

// add adds a statement.
func (tx *transaction) add(format string, values ...any) {
	fmt.Fprintf(&tx.sql, format, values...)
	tx.sql.WriteByte(';')
}

func (tx *transaction) pick(all ...string) string { return all[tx.IntN(len(all))] }

// shop writes rows in one order, so that applications don't deadlock among themselves.
func (tx *transaction) shop() {
	if tx.IntN(2) == 0 {
		first := 1 + tx.IntN(30)
		for _, id := range []int{first, first + tx.IntN(10)} {
			tx.add("UPDATE accounts SET balance = balance + %d, region = '%s' WHERE id = %d", tx.IntN(100)-50, tx.region, id)
		}
	}
	switch item := 1 + tx.IntN(60); tx.IntN(4) {
	case 0:
		tx.add("DELETE FROM items WHERE id = %d", item)
	case 1, 2:
		tx.add(`INSERT INTO items (id, region, qty, note) VALUES (%d, '%s', %d, repeat('x', %d)) %s region = %s, qty = items.qty + 1`,
			item, tx.region, tx.IntN(100), tx.IntN(5000), tx.upsert, fmt.Sprintf(tx.proposed, "region"))
	}
}

// kinds writes table kinds: a row of values, or some columns of one.
func (tx *transaction) kinds() {
	id, digits := 1+tx.IntN(30), tx.IntN(1_000_000)
	switch tx.IntN(6) {
	case 0:
		tx.add("DELETE FROM kinds WHERE id = %d", id)
	case 1:
		tx.add("UPDATE kinds SET name = '%s', price = price + 0.01 WHERE id = %d", tx.pick("a", "A", "ä", "a ", "日本 😀", `O''Hara \\ "x"`), id)
	case 2:
		tx.add("UPDATE kinds SET flag = NOT flag, doc = '%s' WHERE id = %d", tx.pick(`{"b": 1, "aa": [true, null, "x"]}`, `[]`, `{"n": 12345678901}`), id)
	case 3:
		tx.add("UPDATE kinds SET at = '2024-03-31 02:30:00.%06d', day = '%s', feeling = '%s' WHERE id = %d", digits, tx.pick("0001-01-01", "2024-02-29", "9999-12-31"), tx.pick("happy", "so so"), id)
	default:
		tx.replaceKinds(id, digits)
	}
}

// replaceKinds inserts a row into kinds, or gives one all new values.
func (tx *transaction) replaceKinds(id, digits int) {
	set := make([]string, 0, 10)
	for _, column := range strings.Fields("flag price part at local day data doc feeling name") {
		set = append(set, column+" = "+fmt.Sprintf(tx.proposed, column))
	}
	tx.add(`INSERT INTO kinds VALUES (%d, %s, %d.%02d, %s, '2001-02-03 04:05:06.%06d', '1000-01-01 00:00:00.%06d', '1970-01-01', '%s', '{"of": "%s"}', %s, '%s') %s %s`,
		id, tx.pick("true", "false", "NULL"), tx.IntN(1_000_000)-500_000, tx.IntN(100), tx.pick("0.1", "-2.5", "1000000.5", "0.30000000000000004"), digits, tx.IntN(1_000_000),
		tx.pick("", "bytes", "x''y"), tx.region, tx.pick("'happy'", "NULL"), tx.pick("", "name", "NULL", `\\N`), tx.upsert, strings.Join(set, ", "))
}
