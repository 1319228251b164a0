package conflict_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// all are the operations that the regions of a mesh ever made, in order.
func (m *mesh) all() (ops history.Row) {
	for _, s := range m.sites {
		for _, tx := range s.log {
			for i := range tx.Operations {
				ops = ops.Insert(history.EntryOf(&tx.Tag, &tx.Operations[i], uint32(i), 0))
			}
		}
	}
	return ops
}

// TestReplay: the decision over all operations at once is the row that regions have which decided some at a time.
func TestReplay(t *testing.T) {
	for name, rule := range ruleSet() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(100) {
				m := newMesh(rand.New(rand.NewPCG(seed, 8)), rule, "")
				base := conflict.Base{Table: cart, Image: m.sites[0].row}
				m.run(2 + m.rng.IntN(20))
				ops := m.all()
				if len(ops) == 0 {
					continue
				}
				o := rule.Replay(ops, base)
				want := rule.Canonical(cart, m.sites[0].row)
				if got := rule.Canonical(cart, o.Image); o.Exists != (want != nil) || !slices.Equal(got, want) {
					t.Fatalf("seed %d: %v, want %v", seed, got, want)
				}
			}
		})
	}
}

// TestSources: a column's sources alone make its value, and a single one wrote it.
func TestSources(t *testing.T) {
	for name, rule := range ruleSet() {
		t.Run(name, func(t *testing.T) {
			merged := 0
			for seed := range uint64(150) {
				m := newMesh(rand.New(rand.NewPCG(seed, 9)), rule, "")
				base := conflict.Base{Table: cart, Image: m.sites[0].row}
				m.run(2 + m.rng.IntN(20))
				ops := m.all()
				if len(ops) == 0 {
					continue
				}
				o := rule.Replay(ops, base)
				for i := range ops { // what capture left out is as it was
					ops[i].Image = ops[i].Image.Over(ops[i].Old)
					if ops[i].Kind == change.Delete {
						ops[i].Image = nil
					}
				}
				for c, s := range rule.Sources(ops, base, &o) {
					checkSource(t, seed, rule, ops, base, &o, c, s)
					if len(s.Ops) > 1 || s.Base && len(s.Ops) > 0 {
						merged++
					}
				}
			}
			if rule.Columns != nil && merged == 0 {
				t.Error("no column with several sources was drawn")
			}
		})
	}
}

func checkSource(t *testing.T, seed uint64, rule *conflict.Rule, ops history.Row, base conflict.Base, o *conflict.Outcome, c int, s conflict.Source) {
	t.Helper()
	v := o.Image[c]
	if len(s.Ops) == 0 {
		had := change.Absent
		if base.Image != nil {
			had = rule.Canonical(cart, base.Image)[c]
		}
		if !s.Base || had != v {
			t.Fatalf("seed %d, column %d: %v is said to be the base's, which is %v", seed, c, v, had)
		}
		return
	}
	var some history.Row
	for _, i := range s.Ops {
		some = append(some, ops[i])
	}
	alone := rule.Replay(some, base)
	if !alone.Exists || rule.Canonical(cart, alone.Image)[c] != rule.Canonical(cart, o.Image)[c] {
		t.Fatalf("seed %d, column %d: %v is said to be of the operations %v, which alone make %v", seed, c, v, s.Ops, alone)
	}
	if one := &some[0]; len(some) == 1 && !s.Base {
		if rule.Canonical(cart, one.Image)[c] != v {
			t.Fatalf("seed %d, column %d: %v is said to be of %s, which wrote %v", seed, c, v, one.Tag.Dot, one.Image[c])
		}
		if one.Kind == change.Update && one.Old[c] == one.Image[c] && cart.Columns[c].Name != "street" && cart.Columns[c].Name != "city" {
			t.Fatalf("seed %d, column %d: %s left it as it was", seed, c, one.Tag.Dot)
		}
	}
}
