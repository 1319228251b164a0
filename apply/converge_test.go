package apply

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"bridge/change"
	"bridge/history"
	"bridge/loopguard"

	"pgregory.net/rapid"
)

// ablation is a step left out, which must make regions diverge.
type ablation string

const (
	nothingLeftOut  ablation = ""
	noCertify       ablation = "certification"
	noFloor         ablation = "the barrier's timestamp"
	noSecondLook    ablation = "the look after a row came into being"
	noStability     ablation = "waiting for stability"
	keepsNoLocalOps ablation = "local operations in history"
)

// mesh is sites that write, and apply each other's transactions in batches of any size. internal/sim does
// the same with locks, lanes, crashes and capture that lags, so it has the ablations that need those; this
// one has unchanged TOAST columns and truncates, and is small enough to read a failure.
type mesh struct {
	sites   []*node
	choose  func(n int) int
	without ablation
}

type node struct {
	site
	clock *loopguard.Clock
	out   []*change.Transaction
	next  map[*node]int
}

func newMesh(n int, choose func(int) int, without ablation) *mesh {
	m := &mesh{choose: choose, without: without}
	for _, o := range members[:n] {
		s := site{rows: rows{}, h: history.New(o, members[:n], 0)}
		m.sites = append(m.sites, &node{site: s, clock: loopguard.NewClock(o, loopguard.State{}), next: map[*node]int{}})
	}
	return m
}

func (m *mesh) step() {
	n := m.sites[m.choose(len(m.sites))]
	if m.choose(3) == 0 {
		m.write(n, nil)
		return
	}
	m.apply(n, m.sites[m.choose(len(m.sites))], m.choose(4)+1)
}

// write commits a local transaction on rows that nobody has locked.
func (m *mesh) write(n *node, locked map[change.Key]bool) {
	var ops []change.Operation
	for i := range m.choose(3) {
		id := fmt.Sprint(m.choose(2))
		v := fmt.Sprintf("%s%d.%d", n.clock.Self().Region(), len(n.out)+1, i)
		o := ins(id, v, v)
		_, there := n.rows[o.Key]
		switch choice := m.choose(8); {
		case choice == 0 && len(locked) == 0:
			o = trunc()
		case !there:
		case choice <= 2:
			o = del(id)
		case choice <= 5:
			o = upd(id, v, "-")
		default:
			o = upd(id, v, v)
		}
		if locked[o.Key] {
			continue
		}
		n.rows.operate(&o)
		ops = append(ops, o)
	}
	n.at++
	tx := &change.Transaction{Tag: n.clock.Local(change.Timestamp(m.choose(3))), Last: true, Operations: ops}
	if m.without != keepsNoLocalOps {
		n.h.Add(&tx.Tag, tx.Operations, 0, n.at)
	}
	n.out = append(n.out, tx)
}

// apply takes up to most transactions of from whose dependencies are here.
func (m *mesh) apply(n, from *node, most int) {
	var b *Batch
	var txs []*change.Transaction
	if from == n {
		return
	}
	for _, tx := range from.out[n.next[from]:] {
		here := n.clock.State().Vector.With(n.clock.Self(), uint64(len(n.out)))
		if len(txs) == most || !here.Covers(tx.Deps) {
			break
		}
		if b == nil {
			b = NewBatch(tx, 0)
		} else if !b.Add(tx, 0) {
			break
		}
		txs = append(txs, tx)
	}
	if b == nil {
		return
	}
	m.certify(n, b)
	n.next[from] += len(txs)
	n.at++
	if err := n.clock.Echo(b.Marker); err != nil {
		panic(err)
	}
	n.h.Learn(n.clock.Self(), n.clock.State().Vector)
	for _, tx := range txs {
		n.h.Add(&tx.Tag, tx.Operations, 0, 0)
	}
	n.h.Learn(from.clock.Self(), txs[len(txs)-1].Seen())
	if m.without == noStability {
		for _, s := range m.sites {
			n.h.Learn(s.clock.Self(), n.clock.State().Vector.With(n.clock.Self(), uint64(len(n.out))))
		}
	}
	if m.choose(2) == 0 {
		n.h.Prune()
	}
}

func (m *mesh) certify(n *node, b *Batch) {
	writes := b.Writes()
	missing := n.rows.write(writes)
	b.Missing(missing)
	if m.without == noCertify {
		return
	}
	locked := map[change.Key]bool{}
	for _, w := range writes {
		locked[w.Key] = true
		if w.Kind == Truncate { // nobody else gets at the table
			locked = map[change.Key]bool{ins("0", "", "").Key: true, ins("1", "", "").Key: true, trunc().Key: true}
			missing = nil
			break
		}
	}
	for _, i := range missing {
		delete(locked, writes[i].Key)
	}
	for {
		m.between(n, locked)
		if b.AnyMissing() && m.without != noFloor {
			n.clock.Floor(b.Marker.Time)
		}
		asOf := n.at
		m.between(n, locked)
		v, err := b.Certify(n.h, rules, asOf)
		if err != nil {
			panic(err)
		}
		missing := n.rows.write(v.Writes)
		v.Missing(missing)
		for i, w := range v.Writes {
			if !slices.Contains(missing, i) {
				locked[w.Key] = true
			}
		}
		if !v.Locks || m.without == noSecondLook {
			return
		}
	}
}

func (m *mesh) between(n *node, locked map[change.Key]bool) {
	if m.choose(3) == 0 {
		if len(locked) == 0 {
			locked = map[change.Key]bool{trunc().Key: true}
		}
		m.write(n, locked)
	}
}

// settle applies what is on its way, without further writes but those in between.
func (m *mesh) settle() error {
	for range 50 {
		moved := false
		for _, n := range m.sites {
			for _, from := range m.sites {
				moved = moved || from != n && n.next[from] < len(from.out)
				m.apply(n, from, 100)
			}
		}
		if !moved {
			break
		}
	}
	first := m.sites[0].rows.String()
	for _, n := range m.sites[1:] {
		if got := n.rows.String(); got != first {
			return fmt.Errorf("%s has %s\n%s has %s", m.sites[0].clock.Self(), first, n.clock.Self(), got)
		}
	}
	return nil
}

// I1: regions that have seen the same transactions hold the same rows, whatever the order of arrival, the
// batches, the pruning, and the local writes in between.
func TestRegionsConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quiet := false
		m := newMesh(rapid.IntRange(2, 3).Draw(t, "sites"), func(n int) int {
			if quiet {
				return n - 1 // which makes no writes in between
			}
			return rapid.IntRange(0, n-1).Draw(t, "choice")
		}, nothingLeftOut)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			m.step()
		}
		quiet = true
		if err := m.settle(); err != nil {
			t.Fatal(err)
		}
	})
}

// Each step is needed: without it some schedule diverges.
func TestRegionsDivergeWithout(t *testing.T) {
	diverges := func(seed uint64, without ablation) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%v", r)
			}
		}()
		quiet, rng := false, rand.New(rand.NewPCG(seed, 7))
		m := newMesh(2+int(seed%2), func(n int) int {
			if quiet {
				return n - 1
			}
			return rng.IntN(n)
		}, without)
		for range 5 + rng.IntN(25) {
			m.step()
		}
		quiet = true
		return m.settle()
	}
	for _, without := range []ablation{noCertify, noFloor, noSecondLook, noStability, keepsNoLocalOps} {
		seed, limit := uint64(0), uint64(20000)
		for seed < limit && diverges(seed, without) == nil {
			seed++
		}
		if seed == limit {
			t.Errorf("without %s, %d schedules converge", without, limit)
		} else {
			t.Logf("without %s: seed %d diverges", without, seed)
		}
	}
	for seed := range uint64(2000) {
		if err := diverges(seed, nothingLeftOut); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
