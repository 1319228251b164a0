package integration

import (
	"math/rand/v2"
	"testing"
)

// TestMixed has regions of three engines write the same rows at once, while bridges, servers and the broker are
// killed. What they have in the end is the same in each one's types.
func TestMixed(t *testing.T) {
	t.Parallel()
	m := start(t, withWorkload(options{engines: threeEngines, servers: true}))
	l := m.load(loadRate(60), tolerant)
	rng := rand.New(rand.NewPCG(l.seed, 1<<32))
	l.untilEach(60)
	for i, r := range m.regions {
		l.untilEach(int64(rng.IntN(15)))
		r.kill()
		m.large(i)
		r.start()
		l.untilEach(int64(rng.IntN(30)))
		within(t, r.database.crash)
		l.untilEach(10)
	}
	m.broker[0].kill(t)
	l.untilEach(20)
	m.broker[0].start()
	l.untilEach(20)
	l.stop()
	l.verify()
	m.compare()
}

// compare has "bridge compare" compare the regions.
func (m *mesh) compare() {
	m.t.Helper()
	args := []string{"compare"}
	for _, r := range m.regions {
		args = append(args, r.file)
	}
	if out, code := command(m.t, args...); code != 0 {
		m.t.Errorf("bridge compare: exit status %d\n%s", code, out)
	}
}
