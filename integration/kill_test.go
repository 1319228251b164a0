package integration

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"bridge/config"
	"bridge/internal/faultpoint"
)

// seldom are the fault points that a bridge reaches once or rarely; the others it reaches all the time.
var seldom = map[string]bool{
	faultpoint.PiecePublish: true, faultpoint.PieceWritten: true, faultpoint.Barrier: true,
	faultpoint.HorizonSaved: true, faultpoint.HistoryLoaded: true,
}

// TestKillAtFaultPoints ends a bridge as kill -9 does at each named place of a transaction's way, under a
// load and while large transactions are on their way in both directions. Started again it goes on as if
// nothing had been: every transaction once.
func TestKillAtFaultPoints(t *testing.T) {
	onEach(t, [][]string{{config.PostgreSQL, config.PostgreSQL}, {config.MySQL, config.MariaDB}}, func(t *testing.T, engines []string) {
		killAtFaultPoints(t, options{engines: engines})
	})
}

// TestKillAtFaultPointsSkipApplied is the same with database.skip_applied.
func TestKillAtFaultPointsSkipApplied(t *testing.T) { killAtFaultPoints(t, options{version: 18}) }

func killAtFaultPoints(t *testing.T, o options) {
	m := start(t, withWorkload(o))
	l := m.load(loadRate(60))
	rng := rand.New(rand.NewPCG(l.seed, 1<<32))
	first, transactions := rng.IntN(2), 0
	for i, point := range faultpoint.All {
		r := m.regions[(first+i)%2]
		after := 1
		if !seldom[point] {
			after += rng.IntN(20)
		}
		fault := fmt.Sprintf("%s:%d", point, after)
		r.kill()
		r.launch("BRIDGE_FAULTPOINT=" + fault)
		for again := true; again; transactions++ {
			m.large(transactions)
			again = point == faultpoint.PiecePublish && r.bridge.running() && transactions < 50 // all pieces may have gone at once
		}
		r.wait(fault)
		r.start()
		l.untilEach(5)
	}
	l.stop()
	l.verify()
}

// large has each region insert some megabytes, which go in pieces, and write again what the other one may be
// writing. It's called with 0, 1, 2 …
func (m *mesh) large(n int) {
	m.t.Helper()
	const rows = 1000
	for _, r := range m.regions {
		hash := "md5(i::text)"
		if r.db == nil {
			hash = "sha2(i, 256)"
		}
		r.commit(fmt.Sprintf(`INSERT INTO big WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < %[2]d)
			SELECT %[1]d * %[2]d + i, '%[3]s', repeat(%[4]s, 40) FROM s`, n, rows, r.name, hash))
		r.commit(fmt.Sprintf(`UPDATE big SET filler = concat('%[3]s', id) WHERE id BETWEEN %[1]d * %[2]d - 5 AND %[1]d * %[2]d + 5`, n, rows, r.name))
	}
}

// wait waits until the region's bridge has ended by its fault point.
func (r *region) wait(fault string) {
	r.mesh.t.Helper()
	r.bridge.wait(r.mesh.t)
	if status := r.bridge.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		r.mesh.t.Fatalf("the bridge of %s didn't end at %s but with %s", r.name, fault, r.bridge.cmd.ProcessState)
	}
}

// TestKillAtRandom kills bridges at any moment, asks them to end, and has them stand still for a while, in
// three regions. One that's asked to end does so with exit status 0.
func TestKillAtRandom(t *testing.T) {
	t.Parallel()
	const faults = 18
	m := start(t, options{regions: 3, schema: workloadSchema})
	l := m.load(loadRate(60))
	rng := rand.New(rand.NewPCG(l.seed, 1<<32))
	for n := range faults {
		l.untilEach(int64(rng.IntN(15)))
		r := m.regions[rng.IntN(len(m.regions))]
		switch n % 3 {
		case 0:
			r.kill()
			r.launch() // perhaps to be killed while it rebuilds
		case 1:
			r.bridge.signal(syscall.SIGTERM)
			if code := r.bridge.wait(t); code != 0 {
				t.Errorf("bridge of %s ended with status %d when it was asked to", r.name, code)
			}
			m.large(n)
			r.launch()
		case 2:
			r.bridge.pause(t)
			l.untilEach(20, r) // it may hold locks that the application in its region waits for
			r.bridge.signal(syscall.SIGCONT)
		}
	}
	l.stop()
	l.verify()
}
