package sim

import (
	"context"
	"math/rand/v2"
	"slices"

	"bridge/apply"
	"bridge/conflict"
	"bridge/visibility"
)

// policies say what becomes of rows that a schedule's keys don't let be shown.
type policies struct {
	losers   [2]visibility.Loser
	children [3]visibility.ForeignPolicy // by foreign key
}

// alter reports whether rows are shown otherwise than they are.
func (p policies) alter() bool {
	return p.losers != [2]visibility.Loser{} || slices.Contains(p.children[:], visibility.NullChild)
}

// unaltered are the policies of tables that go by columns, whose rows are shown as they are, or not.
func (p policies) unaltered() policies {
	p.losers = [2]visibility.Loser{}
	for i, child := range p.children {
		if child == visibility.NullChild {
			p.children[i] = visibility.ParkChild
		}
	}
	return p
}

// areMended reports whether one region does something about some children that lack their parents.
func (p policies) areMended() bool {
	return slices.ContainsFunc(p.children[:], visibility.ForeignPolicy.IsMended)
}

// isMended reports whether it does, before or after other policies count.
func (p *plan) isMended() bool {
	return len(p.constraints.foreign) > 0 && (p.constraints.areMended() || p.next != nil && p.nextPolicies.areMended())
}

// alters reports whether rows may be shown otherwise than they are.
func (p *plan) alters() bool {
	return p.constraints.any() && (p.constraints.alter() || p.nextPolicies.alter())
}

func drawPolicies(rng *rand.Rand) (p policies) {
	for i := range p.losers {
		switch rng.IntN(6) {
		case 0:
			p.losers[i] = visibility.Null
		case 1:
			p.losers[i] = visibility.Rename
		}
	}
	for i := range p.children {
		p.children[i] = visibility.ForeignPolicy(rng.IntN(int(visibility.KeepParent) + 1))
	}
	return p
}

// drawNextPolicies are those that count with the next rules, in half of the schedules others than before. A schedule may go over to other
// policies alone.
func (p *plan) drawNextPolicies(rng *rand.Rand) {
	p.nextPolicies = p.constraints.policies
	if !p.constraints.any() || rng.IntN(2) == 0 {
		return
	}
	if p.next == nil && rng.IntN(4) == 0 {
		p.next = p.rule
	}
	if p.next != nil && p.next.Columns == nil {
		p.nextPolicies = drawPolicies(rng)
	}
}

// hasTurned reports whether the region shows rows by the policies that belong to the next rules: from where its log turns to them, as far as it was
// read.
func (r *region) hasTurned() bool {
	switch r.world.fault {
	case PoliciesAtReady:
		return r.turnover != asBefore
	case PoliciesAtRestart:
		return r.turnover == isOver
	}
	return r.turnover == isOver || r.clock.State().Rules == next
}

// policies are those that count.
func (r *region) policies() policies {
	if r.hasTurned() {
		return r.world.plan.nextPolicies
	}
	return r.world.plan.constraints.policies
}

// catalog is what the region reads of its database, with the policies that count.
func (r *region) catalog() visibility.Catalog {
	catalog, policies := r.world.catalog(), r.policies()
	for name, t := range catalog {
		for i := range t.Unique {
			t.Unique[i].UniquePolicy = visibility.UniquePolicy{Loser: policies.losers[i]}
			if policies.losers[i] != visibility.Park {
				t.Unique[i].Column = t.Unique[i].Name
			}
		}
		for i, k := range r.world.foreignOf(name) {
			t.Foreign[i].Policy = policies.children[k.index]
		}
	}
	return catalog
}

// renew takes in other policies before anything else is looked at.
func (r *region) renew() {
	if err := r.watch.Renew(context.Background()); err != nil {
		r.world.fail("I9 progress", "%s: %v", r, err)
	}
	if r.world.fault == PoliciesUnsettled && r.index == 0 && r.turnover == isReady && r.hasTurned() {
		_, due := r.watch.Settlement(context.Background(), nil, r.rules())
		r.watch.Give(apply.Due{Orphaned: due.Orphaned, Truncated: due.Truncated})
	}
}

// settleRules has all regions go over to the next rules once one has.
func (w *world) settleRules() {
	if w.plan.next == nil {
		return
	}
	for range w.regions {
		for _, r := range w.regions {
			r.heartbeat()
		}
		w.quiesce()
	}
}

// turnWithOthers has the region go over to the next rules if another one has, and it may.
func (r *region) turnWithOthers() bool {
	others := false
	for _, o := range r.world.regions {
		others = others || o.clock.State().Rules == next
	}
	if !others || r.turnover != isReady || r.turned || r.clock.State().Rules == next || !r.succession.Due(r.clock.State().Vector) {
		return false
	}
	r.turnOver()
	return true
}

// policiesChange bends the plan to one in which rows are hidden, and shown altered later.
func (p *plan) policiesChange(f Fault, rng *rand.Rand) {
	p.regions, p.rounds, p.steps, p.keys, p.truncates = 2, 8, 60, 2+rng.IntN(2), false
	p.weights = defaultWeights
	p.weights[actTrouble] = 0
	p.constrain(constraints{uniques: 1, values: 2})
	if rng.IntN(2) == 0 {
		p.constrain(constraints{uniques: 1, values: 2, foreign: family()})
	}
	p.next, p.nextPolicies = p.rule, policies{losers: [2]visibility.Loser{visibility.Rename}}
	if f == PoliciesAtReady { // a write to a row that's shown altered assigns what the others don't see, and must be read so
		p.take(&conflict.Rule{Columns: map[string]conflict.Column{"n": {Merge: conflict.Counter}}})
		p.takeNext(conflict.LastWriteWins)
		p.nextPolicies = policies{losers: [2]visibility.Loser{visibility.Rename}}
	}
}
