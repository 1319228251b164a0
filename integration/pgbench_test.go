package integration

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// TestPgbench runs pgbench's TPC-B on three regions at once, whose every transaction writes the one row of
// pgbench_branches: as much conflict as there can be. I2: each acknowledged transaction's history row is
// everywhere. What pgbench's balances lack of their history was lost to concurrent writes, by the rule that
// was chosen, and bridge.conflicts names each such row.
func TestPgbench(t *testing.T) {
	for _, o := range []options{
		{version: 15, broker: embeddedBroker},
		{version: 18, broker: apacheKafka},
	} {
		t.Run(fmt.Sprintf("PostgreSQL %d, %s", o.version, o.broker), func(t *testing.T) {
			t.Parallel()
			o.regions, o.schema = 3, pgbenchSchema
			pgbench(t, start(t, o))
		})
	}
}

func pgbench(t *testing.T, m *mesh) {
	const seconds = 10
	acknowledged := make([]int, len(m.regions))
	var done sync.WaitGroup
	for i, r := range m.regions {
		done.Go(func() {
			// -n: vacuuming would also truncate the history.
			out, err := exec.Command(r.db.Server.Bin("pgbench"), "-n", "-c", "2", "-R", "100", "-T", fmt.Sprint(seconds), r.db.SocketDSN()).CombinedOutput()
			if _, scanErr := fmt.Sscan(processed(string(out)), &acknowledged[i]); err != nil || scanErr != nil {
				t.Errorf("pgbench in %s: %v, %v\n%s", r.name, err, scanErr, out)
			}
			if failed := regexp.MustCompile(`failed transactions: (\d+)`).FindStringSubmatch(string(out)); failed != nil && failed[1] != "0" {
				t.Errorf("pgbench in %s: %s", r.name, failed[0])
			}
		})
	}
	done.Wait()
	m.settle()
	total := 0
	for _, n := range acknowledged {
		total += n
	}
	for _, r := range m.regions {
		if got := r.one(`SELECT count(*) FROM pgbench_history`); got != fmt.Sprint(total) {
			t.Errorf("I2: %s has %s of %d acknowledged transactions", r.name, got, total)
		}
	}
	lost := m.lostUpdates()
	t.Logf("%v transactions acknowledged, %d conflicts recorded, %d rows lost updates to them", acknowledged, m.conflicts(), lost)
	if lost == 0 {
		t.Error("no update was lost: the load didn't conflict")
	}
}

// pgbenchSchema is what "pgbench -i -s 1" makes. pgbench_history has no key of its own, and bridge
// replicates only rows that have a name; a random one needs no sequence that regions would have to share.
const pgbenchSchema = `
CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22),
  id uuid DEFAULT gen_random_uuid() PRIMARY KEY);
CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84)) WITH (fillfactor = 100);
CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84)) WITH (fillfactor = 100);
CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88)) WITH (fillfactor = 100);
INSERT INTO pgbench_branches VALUES (1, 0);
INSERT INTO pgbench_tellers SELECT i, 1, 0 FROM generate_series(1, 10) i;
INSERT INTO pgbench_accounts SELECT i, 1, 0, '' FROM generate_series(1, 100000) i;
`

func processed(out string) string {
	_, after, _ := strings.Cut(out, "number of transactions actually processed: ")
	n, _, _ := strings.Cut(after, "\n")
	return n
}

// lostUpdates checks that every row of pgbench's whose balance isn't the sum of its history is named in
// bridge.conflicts, and counts those rows.
func (m *mesh) lostUpdates() (lost int) {
	m.t.Helper()
	for _, table := range []struct{ name, key, balance string }{
		{"pgbench_accounts", "aid", "abalance"}, {"pgbench_tellers", "tid", "tbalance"}, {"pgbench_branches", "bid", "bbalance"},
	} {
		named := map[string]bool{}
		for _, r := range m.regions {
			for _, key := range r.conflictKeys(table.name) {
				named[key] = true
			}
		}
		wrong := m.regions[0].query(fmt.Sprintf(`SELECT %[2]s FROM %[1]s t
			LEFT JOIN (SELECT %[2]s, sum(delta) AS total FROM pgbench_history GROUP BY %[2]s) h USING (%[2]s)
			WHERE t.%[3]s <> coalesce(h.total, 0)`, table.name, table.key, table.balance))
		for _, id := range wrong {
			if !named[id] {
				m.t.Errorf("I2: row %s of %s lost an update that no conflict tells of", id, table.name)
			}
		}
		lost += len(wrong)
	}
	return lost
}
