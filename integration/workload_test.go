package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"bridge/config"
)

// workloadSchema: ledger is only ever inserted to, each row by one region, so it tells what was lost (I2)
// and, by an audit that also runs for applied rows, what was done twice (I3). accounts and items are
// written by all regions at once.
const workloadSchema = `
CREATE TABLE ledger (id uuid PRIMARY KEY, region text NOT NULL, n bigint NOT NULL);
CREATE TABLE audit (id uuid NOT NULL, op text NOT NULL);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$BEGIN INSERT INTO public.audit VALUES (coalesce(NEW.id, OLD.id), TG_OP); RETURN NULL; END$$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION audit();
ALTER TABLE ledger ENABLE ALWAYS TRIGGER audit;
CREATE TABLE accounts (id int PRIMARY KEY, region text, balance bigint NOT NULL DEFAULT 0, note text);
INSERT INTO accounts (id) SELECT generate_series(1, 40);
CREATE TABLE items (id int PRIMARY KEY, region text NOT NULL, qty int NOT NULL, note text);
CREATE TABLE big (id bigint, region text, filler text NOT NULL, PRIMARY KEY (region, id));
`

// workloadMySQL is the same for MySQL and MariaDB, where triggers run for applied rows anyway.
const workloadMySQL = `
CREATE TABLE ledger (id char(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, region varchar(10) NOT NULL, n bigint NOT NULL);
CREATE TABLE audit (id char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, op varchar(10) NOT NULL);
CREATE TRIGGER audit_insert AFTER INSERT ON ledger FOR EACH ROW INSERT INTO shop.audit VALUES (NEW.id, 'INSERT');
CREATE TRIGGER audit_update AFTER UPDATE ON ledger FOR EACH ROW INSERT INTO shop.audit VALUES (NEW.id, 'UPDATE');
CREATE TRIGGER audit_delete AFTER DELETE ON ledger FOR EACH ROW INSERT INTO shop.audit VALUES (OLD.id, 'DELETE');
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

// workload is the schema of a region of this engine.
func workload(engine string) string {
	if engine == config.PostgreSQL {
		return workloadSchema
	}
	return workloadMySQL
}

// withWorkload completes options by the workload's schema; regions of different engines also have kinds.
func withWorkload(o options) options {
	m := &mesh{options: o}
	o.schemaOf = func(region int) string {
		if m.mixed() {
			return workload(m.engine(region)) + kinds[m.engine(region)]
		}
		return workload(m.engine(region))
	}
	return o
}

// writer gives what makes a region's transactions.
func (m *mesh) writer(r *region) func(rng *rand.Rand, id string, n int64) string {
	d := dialect{"ON CONFLICT (id) DO UPDATE SET", "excluded.%s"}
	if r.db == nil {
		d = dialect{"ON DUPLICATE KEY UPDATE", "VALUES(%s)"}
	}
	return func(rng *rand.Rand, id string, n int64) string { return d.transaction(rng, r.name, id, n, m.mixed()) }
}

// dialect is what differs between the engines: an upsert, and in it the new value.
type dialect struct{ upsert, proposed string }

// transaction is a random transaction, as SQL that is sent at once and so is one transaction. Rows are
// written in one order, so that applications don't deadlock among themselves.
func (d dialect) transaction(rng *rand.Rand, region, id string, n int64, kinds bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "BEGIN; INSERT INTO ledger VALUES ('%s', '%s', %d);", id, region, n)
	if rng.IntN(2) == 0 {
		first := 1 + rng.IntN(30)
		for _, id := range []int{first, first + rng.IntN(10)} {
			fmt.Fprintf(&b, "UPDATE accounts SET balance = balance + %d, region = '%s' WHERE id = %d;", rng.IntN(100)-50, region, id)
		}
	}
	switch item := 1 + rng.IntN(60); rng.IntN(4) {
	case 0:
		fmt.Fprintf(&b, "DELETE FROM items WHERE id = %d;", item)
	case 1, 2:
		fmt.Fprintf(&b, `INSERT INTO items VALUES (%d, '%s', %d, repeat('x', %d)) %s region = %s, qty = items.qty + 1;`,
			item, region, rng.IntN(100), rng.IntN(5000), d.upsert, fmt.Sprintf(d.proposed, "region"))
	}
	if kinds {
		b.WriteString(d.kinds(rng, region))
	}
	b.WriteString("COMMIT")
	return b.String()
}

// kinds writes table kinds: a row of values, or some columns of one.
func (d dialect) kinds(rng *rand.Rand, region string) string {
	id := 1 + rng.IntN(30)
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	digits := rng.IntN(1_000_000)
	switch rng.IntN(6) {
	case 0:
		return fmt.Sprintf("DELETE FROM kinds WHERE id = %d;", id)
	case 1:
		return fmt.Sprintf("UPDATE kinds SET name = '%s', price = price + 0.01 WHERE id = %d;", pick("a", "A", "ä", "a ", "日本 😀", `O''Hara \\ "x"`), id)
	case 2:
		return fmt.Sprintf("UPDATE kinds SET flag = NOT flag, doc = '%s' WHERE id = %d;", pick(`{"b": 1, "aa": [true, null, "x"]}`, `[]`, `{"n": 12345678901}`), id)
	case 3:
		return fmt.Sprintf("UPDATE kinds SET at = '2024-03-31 02:30:00.%06d', day = '%s', feeling = '%s' WHERE id = %d;", digits, pick("0001-01-01", "2024-02-29", "9999-12-31"), pick("happy", "so so"), id)
	}
	set := make([]string, 0, 10)
	for _, column := range strings.Fields("flag price part at local day data doc feeling name") {
		set = append(set, column+" = "+fmt.Sprintf(d.proposed, column))
	}
	return fmt.Sprintf(`INSERT INTO kinds VALUES (%d, %s, %d.%02d, %s, '2001-02-03 04:05:06.%06d', '1000-01-01 00:00:00.%06d', '1970-01-01', '%s', '{"of": "%s"}', %s, '%s') %s %s;`,
		id, pick("true", "false", "NULL"), rng.IntN(1_000_000)-500_000, rng.IntN(100), pick("0.1", "-2.5", "1000000.5", "0.30000000000000004"), digits, rng.IntN(1_000_000),
		pick("", "bytes", "x''y"), region, pick("'happy'", "NULL"), pick("", "name", "NULL", `\\N`), d.upsert, strings.Join(set, ", "))
}
