package integration

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bridge/config"
)

// benchmarks is what sysbench's oltp_read_write and pgbench's TPC-B do, on their tables.
var benchmarks = &workload{schema: benchmarkSchema, write: func(tx *transaction) {
	if tx.IntN(2) == 0 {
		tx.sysbench()
	} else {
		tx.tpcb()
	}
}}

// Rows of the benchmarks' tables: so few that regions often write the same. pgbench has 1 branch, 10 tellers and
// 100,000 accounts at its scale of 1.
const (
	sysbenchRows = 100
	tellers      = 10
	tpcbAccounts = 200
)

// benchmarkSchema is what "sysbench oltp_read_write prepare" and "pgbench -i" make. pgbench_history has no key of its
// own, and bridge replicates only rows that have a name.
func benchmarkSchema(engine string) string {
	own, serial, uuid, timestamp := ledgerMySQL, "int NOT NULL AUTO_INCREMENT", "char(36) CHARACTER SET ascii COLLATE ascii_bin", "datetime(6)"
	if engine == config.PostgreSQL {
		own, serial, uuid, timestamp = ledger, "serial", "uuid", "timestamp"
	}
	rng := rand.New(rand.NewPCG(1, 1)) // the same rows in all regions
	var rows []string
	for id := range sysbenchRows {
		rows = append(rows, fmt.Sprintf("(%d, %d, '%s', '%s')", id+1, 1+rng.IntN(sysbenchRows), digits(rng, 10), digits(rng, 5)))
	}
	return own + fmt.Sprintf(`
CREATE TABLE sbtest1 (id %s, k int NOT NULL DEFAULT 0, c char(120) NOT NULL DEFAULT '', pad char(60) NOT NULL DEFAULT '', PRIMARY KEY (id));
CREATE INDEX k_1 ON sbtest1 (k);
INSERT INTO sbtest1 (id, k, c, pad) VALUES %s;
CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime %s, filler char(22), id %s PRIMARY KEY);
CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84));
CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84));
CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88));
INSERT INTO pgbench_branches VALUES (1, 0, NULL);
INSERT INTO pgbench_tellers VALUES %s;
INSERT INTO pgbench_accounts VALUES %s;
`, serial, strings.Join(rows, ","), timestamp, uuid, numbered(tellers, "(%d, 1, 0, NULL)"), numbered(tpcbAccounts, "(%d, 1, 0, '')"))
}

// numbered is a row for each of the first n numbers.
func numbered(n int, row string) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf(row, i+1)
	}
	return strings.Join(rows, ",")
}

// digits is a text as sysbench makes them: groups of eleven digits.
func digits(rng *rand.Rand, groups int) string {
	all := make([]string, groups)
	for i := range all {
		all[i] = fmt.Sprintf("%011d", rng.Int64N(100_000_000_000))
	}
	return strings.Join(all, "-")
}

// sysbench is a transaction of oltp_read_write: reads, an update of an indexed column, one of another, and a row that's
// deleted and inserted again.
func (tx *transaction) sysbench() {
	row := func() int { return 1 + tx.IntN(sysbenchRows) }
	tx.add("SELECT c FROM sbtest1 WHERE id = %d", row())
	first := row()
	for _, query := range []string{
		"SELECT c FROM sbtest1 WHERE id BETWEEN %d AND %d", "SELECT sum(k) FROM sbtest1 WHERE id BETWEEN %d AND %d",
		"SELECT c FROM sbtest1 WHERE id BETWEEN %d AND %d ORDER BY c", "SELECT DISTINCT c FROM sbtest1 WHERE id BETWEEN %d AND %d ORDER BY c",
	} {
		tx.add(query, first, first+9)
	}
	tx.add("UPDATE sbtest1 SET k = k + 1 WHERE id = %d", row())
	tx.add("UPDATE sbtest1 SET c = '%s' WHERE id = %d", digits(tx.Rand, 10), row())
	again := row()
	tx.add("DELETE FROM sbtest1 WHERE id = %d", again)
	tx.add("INSERT INTO sbtest1 (id, k, c, pad) VALUES (%d, %d, '%s', '%s')", again, row(), digits(tx.Rand, 10), digits(tx.Rand, 5))
}

// tpcb is pgbench's transaction.
func (tx *transaction) tpcb() {
	account, teller, delta := 1+tx.IntN(tpcbAccounts), 1+tx.IntN(tellers), tx.IntN(10_001)-5000
	tx.add("UPDATE pgbench_accounts SET abalance = abalance + %d WHERE aid = %d", delta, account)
	tx.add("SELECT abalance FROM pgbench_accounts WHERE aid = %d", account)
	tx.add("UPDATE pgbench_tellers SET tbalance = tbalance + %d WHERE tid = %d", delta, teller)
	tx.add("UPDATE pgbench_branches SET bbalance = bbalance + %d WHERE bid = 1", delta)
	tx.add("INSERT INTO pgbench_history (tid, bid, aid, delta, mtime, id) VALUES (%d, 1, %d, %d, CURRENT_TIMESTAMP, '%s')", teller, account, delta, tx.id)
}

// TestBenchmarks (I1, I2) has regions do what sysbench and pgbench do, on the same rows at once. What a balance lacks of its
// history was lost to a concurrent write, by the rule that was chosen, and bridge.conflicts names each such row.
func TestBenchmarks(t *testing.T) {
	onEach(t, append(slices.Clone(alike), threeEngines), func(t *testing.T, engines []string) {
		m := start(t, withWorkload(options{engines: engines, workload: benchmarks}))
		l := m.load(loadRate(60))
		l.untilEach(100)
		l.stop()
		l.verify()
		m.lostUpdates()
		m.compare()
		if m.conflicts() == 0 {
			t.Error("the load didn't conflict")
		}
	})
}
