package sim

import (
	"math/rand/v2"

	"bridge/conflict"
)

// rules are what the region decides by.
func (r *region) rules() *conflict.Rules {
	if r.world.fault == RulesDiffer && r.index == 0 {
		return conflict.All(conflict.LastWriteWins)
	}
	return conflict.All(r.world.plan.rule)
}

// drawRule is the rule of all of a schedule's tables. Half of the schedules have the default.
func drawRule(rng *rand.Rand) *conflict.Rule {
	if rng.IntN(2) == 0 {
		return conflict.LastWriteWins
	}
	r := &conflict.Rule{Deletes: conflict.Deletes(rng.IntN(3))}
	switch rng.IntN(5) {
	case 0:
		r.Order = conflict.EarliestWins
	case 1:
		r.Order, r.Regions = conflict.ByPriority, []string{"r2", "r0"}
	case 2:
		r.Order, r.Home = conflict.ByHome, &conflict.Home{Column: "id", Regions: map[string]string{"0": "r0", "1": "r1"}, Else: "r2"}
	default:
		r.Columns = map[string]conflict.Column{"n": {Merge: conflict.Counter}}
	}
	return r
}
