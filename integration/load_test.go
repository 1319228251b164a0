package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is applications at work: in every region one session that writes, conflicting with the others'.
type load struct {
	m      *mesh
	rate   int // transactions per second and region; the machine is shared
	seed   uint64
	cancel context.CancelFunc
	done   sync.WaitGroup
	faults bool // connections may break
	doing  []*application
}

// application is what writes in one region.
type application struct {
	region    *region
	committed atomic.Int64
	ids       []string // that were committed
	unknown   []string // whose commit wasn't answered
	deadlocks int
}

type loadRate int

// tolerant is a load whose servers are going to fail.
const tolerant = true

// load starts a load on all regions.
func (m *mesh) load(rate loadRate, faults ...bool) *load {
	ctx, cancel := context.WithCancel(m.ctx)
	l := &load{m: m, rate: int(rate), seed: rand.Uint64(), cancel: cancel, faults: len(faults) > 0 && faults[0]}
	m.t.Logf("load with seed %d", l.seed)
	for i, r := range m.regions {
		s := &application{region: r}
		l.doing = append(l.doing, s)
		l.done.Go(func() { l.run(ctx, s, rand.New(rand.NewPCG(l.seed, uint64(i)))) })
	}
	m.t.Cleanup(l.stop) // before the mesh is checked
	return l
}

// stop ends the load and waits for its last transactions.
func (l *load) stop() {
	l.cancel()
	l.done.Wait()
}

// untilEach waits until every region but those left out has committed n transactions more.
func (l *load) untilEach(n int64, except ...*region) {
	l.m.t.Helper()
	for _, s := range l.doing {
		if slices.Contains(except, s.region) {
			continue
		}
		want := s.committed.Load() + n
		eventually(l.m.t, fmt.Sprintf("%d transactions in %s", n, s.region.name), func() (bool, string) {
			have := s.committed.Load()
			return have >= want || l.m.t.Failed(), fmt.Sprintf("%d of %d", have, want)
		})
	}
}

func (l *load) run(ctx context.Context, s *application, rng *rand.Rand) {
	pace := time.NewTicker(time.Second / time.Duration(l.rate))
	defer pace.Stop()
	var conn applicationSession
	defer func() {
		if conn != nil {
			conn.close()
		}
	}()
	write := l.m.writer(s.region)
	for n := int64(1); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		var err error
		if conn == nil {
			if conn, err = s.region.database.application(); err != nil {
				if conn = nil; l.verdict(s, err) == failed {
					return
				}
				continue
			}
		}
		id := randomUUID(rng)
		if err = conn.exec(write(rng, id, n)); err == nil {
			s.ids = append(s.ids, id)
			s.committed.Add(1)
			continue
		}
		switch l.verdict(s, err) {
		case failed:
			return
		case rolledBack:
			s.deadlocks++
		case broken:
			s.unknown = append(s.unknown, id)
			conn.close()
			conn = nil
		}
	}
}

// verdict judges an error that an application got. It must live with connections that break while servers
// fail, and with deadlocks where its engine has them. Replication itself must never make it fail.
func (l *load) verdict(s *application, err error) verdict {
	v := s.region.database.judge(err)
	if v == broken && !l.faults {
		v = failed
	}
	if v == failed {
		l.m.t.Errorf("the application in region %s failed: %v", s.region.name, err)
	}
	return v
}

// randomUUID is a UUID as PostgreSQL prints it.
func randomUUID(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// verify settles the mesh and checks I2 and I3 by the ledger, after the load was stopped: what was
// acknowledged is everywhere, nothing is there that nobody wrote, and each row was written exactly once.
func (l *load) verify() {
	l.m.t.Helper()
	l.m.settle()
	acknowledged, maybe := map[string]bool{}, map[string]bool{}
	for _, s := range l.doing {
		for _, id := range s.ids {
			acknowledged[id] = true
		}
		for _, id := range s.unknown {
			maybe[id] = true
		}
	}
	for _, r := range l.m.regions {
		there := map[string]bool{}
		for _, id := range r.query(`SELECT id FROM ledger`) {
			there[id] = true
			if !acknowledged[id] && !maybe[id] {
				l.m.t.Errorf("region %s: row %s of the ledger was never written", r.name, id)
			}
		}
		lost := 0
		for id := range acknowledged {
			if !there[id] {
				lost++
			}
		}
		if lost > 0 {
			l.m.t.Errorf("I2: region %s lacks %d of %d acknowledged transactions", r.name, lost, len(acknowledged))
		}
		for _, row := range r.query(`SELECT id, count(*), min(op) FROM audit GROUP BY id HAVING count(*) <> 1 OR min(op) <> 'INSERT' LIMIT 5`) {
			l.m.t.Errorf("I3: region %s wrote a row of the ledger more than once: %s", r.name, row)
		}
	}
	deadlocks := 0
	for _, s := range l.doing {
		deadlocks += s.deadlocks
	}
	l.m.t.Logf("%d transactions acknowledged, %d unanswered, %d rolled back by a deadlock, %d conflicts recorded", len(acknowledged), len(maybe), deadlocks, l.m.conflicts())
}
