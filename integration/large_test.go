package integration

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestLargeTransaction ships a transaction of 200,000 rows while others commit small ones. It's atomic: no
// reader in the other region sees a part of it. Neither bridge may hold it in memory.
func TestLargeTransaction(t *testing.T) {
	t.Parallel()
	const rows, mostMB = 200_000, 250
	m := start(t, options{schema: workloadSchema + `CREATE TABLE large (id int PRIMARY KEY, filler text);`})
	eu, us := m.regions[0], m.regions[1]
	l := m.load(loadRate(20))
	l.untilEach(5)

	ctx, done := context.WithCancel(m.ctx)
	seen := make(chan string, 1)
	go func() { seen <- us.partSeen(ctx, rows) }()
	began := time.Now()
	eu.exec(fmt.Sprintf(`INSERT INTO large SELECT i, repeat(md5(i::text), 6) FROM generate_series(1, %d) i`, rows))
	committed := time.Now()
	us.sees("1", fmt.Sprintf(`SELECT count(*) FROM large WHERE id = %d`, rows))
	t.Logf("%d rows: written in %s, there %s after their commit", rows, committed.Sub(began).Round(time.Millisecond), time.Since(committed).Round(time.Millisecond))
	done()
	if part := <-seen; part != "" {
		t.Errorf("I4: a reader in %s has seen a part: %s", us.name, part)
	}

	// One that is rolled back, and one with savepoints, are shipped while they run and undone.
	eu.exec(fmt.Sprintf(`BEGIN; UPDATE large SET filler = 'never'; ROLLBACK;
		BEGIN; SAVEPOINT a; DELETE FROM large WHERE id <= %[1]d; ROLLBACK TO a; DELETE FROM large WHERE id > %[1]d; RELEASE a; COMMIT`, rows/2))
	l.untilEach(5)
	l.stop()
	l.verify()
	if got := us.one(`SELECT count(*) FROM large`); got != fmt.Sprint(rows/2) {
		t.Errorf("%s rows are left, want %d", got, rows/2)
	}
	for _, r := range m.regions {
		mb := r.peakMemory()
		t.Logf("the bridge of %s took at most %d MB", r.name, mb)
		if mb > mostMB {
			t.Errorf("the bridge of %s took %d MB, want at most %d", r.name, mb, mostMB)
		}
	}
}

// partSeen looks for the first, the middle and the last row of table large again and again until ctx ends, and tells
// if only some of them were there.
func (r *region) partSeen(ctx context.Context, rows int) string {
	conn, err := pgx.Connect(r.mesh.ctx, r.db.SocketDSN())
	if err != nil {
		return err.Error()
	}
	defer conn.Close(r.mesh.ctx)
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for ctx.Err() == nil {
		<-pace.C
		var n int
		if err := conn.QueryRow(r.mesh.ctx, `SELECT count(*) FROM large WHERE id IN (1, $1, $2)`, rows/2, rows).Scan(&n); err != nil {
			return err.Error()
		}
		if n != 0 && n != 3 {
			return fmt.Sprintf("%d of 3 rows", n)
		}
	}
	return ""
}

// peakMemory is the most memory that the region's bridge ever had, in MB.
func (r *region) peakMemory() int {
	r.mesh.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.bridge.cmd.Process.Pid))
	if err != nil {
		r.mesh.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		r.mesh.t.Fatal(err)
	}
	return kb >> 10
}
