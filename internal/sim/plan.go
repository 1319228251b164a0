package sim

import (
	"fmt"
	"math/rand/v2"

	"bridge/change"
	"bridge/conflict"
	"bridge/visibility"
)

// plan is what a schedule's seed decides before it begins.
type plan struct {
	regions, rounds, steps int
	keys                   int     // per table
	tables                 int     // 1 or 2
	full                   [2]bool // complete images in the log, per table
	prefilled              int     // rows that every region begins with, per table
	workers                int
	batch                  int  // transactions at most
	large                  int  // operations of a local transaction at most
	deletes                int  // one change of so many is a delete
	chase                  bool // applications write rows that apply has just missed
	truncates              bool
	trouble                trouble
	stride                 int  // steps of a flight at a time, at most
	split                  bool // local transactions stay open over several steps
	lingers                bool // they're in the log for several steps before others see them
	granularity            change.Timestamp
	rule                   *conflict.Rule
	next                   *conflict.Rule // what regions go over to, each at its own time; nil if they don't
	constraints            constraints
	nextPolicies           policies // with next
	weights                [actions]int
	skew                   []change.Timestamp
}

// trouble is what goes wrong in a schedule.
type trouble uint8

const (
	anything trouble = iota
	onlyStops
	onlyCancels
	onlyCrashes
	onlyAbsence
)

func newPlan(rng *rand.Rand) plan {
	p := plan{
		regions: 2 + rng.IntN(2), rounds: 1, steps: 60 + rng.IntN(240),
		keys: 1 + rng.IntN(6), tables: 1 + rng.IntN(2), workers: 1 + rng.IntN(3),
		batch: 1 + rng.IntN(6), large: 2 + rng.IntN(3),
		truncates: rng.IntN(4) == 0, split: rng.IntN(2) == 0, lingers: rng.IntN(4) == 0,
		granularity: []change.Timestamp{1, 1, 10, 50}[rng.IntN(4)],
	}
	if rng.IntN(4) == 0 {
		p.regions = 4 + rng.IntN(2)
	}
	if rng.IntN(3) == 0 { // a small mesh that settles often: some divergences show only right after traffic stops
		p.rounds, p.steps, p.keys = 2+rng.IntN(4), 10+rng.IntN(40), 1+rng.IntN(2)
	}
	if rng.IntN(4) == 0 {
		p.large = 8
	}
	p.full = [2]bool{rng.IntN(3) == 0, rng.IntN(2) == 0}
	p.prefilled = rng.IntN(p.keys + 1)
	for a := range p.weights {
		p.weights[a] = defaultWeights[a] * (1 + rng.IntN(4)*rng.IntN(3))
	}
	spread := []int{100, 100, 1000, 5000}[rng.IntN(4)]
	for range p.regions {
		p.skew = append(p.skew, change.Timestamp(rng.IntN(spread)))
	}
	if rng.IntN(8) == 0 {
		p.trouble = onlyStops
	}
	p.stride = 1 + rng.IntN(4)
	p.deletes = []int{4, 4, 2}[rng.IntN(3)]
	p.chase = rng.IntN(4) == 0
	if rng.IntN(4) == 0 {
		p.missRows(rng)
	}
	p.constraints = drawConstraints(rng)
	if len(p.constraints.foreign) > 0 && rng.IntN(2) == 0 {
		p.linger(rng)
	}
	p.truncates = p.truncates || p.constraints.any() && rng.IntN(3) == 0 // one more chance: it takes both
	p.take(drawRule(rng))
	p.takeNext(drawNext(rng, p.rule))
	return p
}

// take makes the plan one that a rule can be used in.
func (p *plan) take(rule *conflict.Rule) {
	p.rule = rule
	if rule.NeedsImages() {
		p.full = [2]bool{true, true}
	}
	if rule.Columns != nil { // config refuses both: a row's image before a write would be the altered one
		p.constraints.policies = p.constraints.unaltered()
	}
	if len(p.constraints.foreign) > 0 {
		p.tables = 2
	}
}

// takeNext makes the plan one in which regions can go over to a rule, too.
func (p *plan) takeNext(rule *conflict.Rule) {
	now := p.rule
	if rule != nil {
		full := p.full
		p.take(rule)
		if now.NeedsImages() || full[0] && full[1] {
			p.full = [2]bool{true, true}
		}
	}
	p.rule, p.next = now, rule
}

// constrain gives the tables constraints.
func (p *plan) constrain(c constraints) {
	p.constraints = c
	p.take(p.rule)
}

// missRows makes rows come and go while they're being decided: the steps between a write that finds no row
// and the commit are where most can go wrong.
func (p *plan) missRows(rng *rand.Rand) {
	p.keys, p.tables, p.large, p.stride, p.deletes, p.chase = 1+rng.IntN(2), 1, 1+rng.IntN(2), 1, 2, true
	p.weights = defaultWeights
	p.weights[actLocal] = 3 + rng.IntN(4)
	p.weights[actFlush] = 4
	p.weights[actTrouble] = rng.IntN(2)
	for i := range p.skew {
		p.skew[i] = change.Timestamp(rng.IntN(1000))
	}
}

// linger makes families come and go, in transactions that last.
func (p *plan) linger(rng *rand.Rand) {
	p.missRows(rng)
	p.regions, p.rounds, p.steps, p.tables, p.keys, p.prefilled, p.stride = min(p.regions, 3), 4, 80, 2, 2, 2, 4
	p.lingers, p.split = rng.IntN(2) == 0, rng.IntN(2) == 0
	p.full[0] = p.full[0] || rng.IntN(2) == 0 // a parent is brought back if the log told it
	p.weights = defaultWeights
	p.weights[actProceed], p.weights[actTrouble], p.weights[actHeartbeat] = 1, rng.IntN(2), 0
	p.weights[actDispatch], p.weights[actStep] = 5, 12
}

// suit bends the plan to where a fault matters, so that few schedules are needed to see it.
func (p *plan) suit(f Fault, rng *rand.Rand) {
	if f != NoFault {
		p.constraints = constraints{}
		p.take(conflict.LastWriteWins)
		p.next = nil
	}
	switch f {
	case TurnLate:
		p.steps, p.keys, p.tables = 300, 1, 1
		p.take(&conflict.Rule{Columns: map[string]conflict.Column{"n": {Merge: conflict.Counter}}})
		p.takeNext(conflict.LastWriteWins)
	case RulesByRegion, TurnUnlogged:
		p.steps, p.keys, p.tables = 300, 1+rng.IntN(2), 1
		p.takeNext(&conflict.Rule{Order: conflict.EarliestWins})
	case PoliciesUnsettled, PoliciesAtReady, PoliciesAtRestart:
		p.policiesChange(f, rng)
	case RebuildFromStable:
		p.trouble, p.steps = onlyStops, 300
		p.weights = defaultWeights
		p.weights[actHeartbeat] += 2
		p.full, p.truncates = [2]bool{}, false
	case PruneOutOfOrder, LearnAtReceipt:
		p.weights[actHeartbeat] += 5
		p.full = [2]bool{}
	case PruneSelfEarly: // matters to a row that a local transaction makes while it's being applied unlocked
		p.missRows(rng)
		p.rounds, p.steps, p.prefilled = 3, 60+rng.IntN(120), p.keys
		p.weights[actTrouble], p.weights[actLocal], p.weights[actHeartbeat] = 0, 1, 3
		p.full = [2]bool{}
	case NoFloor, NoSecondBarrier, DecideFresh:
		p.missRows(rng)
		p.rounds, p.steps, p.prefilled, p.regions = 3, 60+rng.IntN(120), p.keys, 2
		p.weights[actTrouble], p.weights[actLocal], p.weights[actHeartbeat] = 0, 1, 0
	case NoClaim:
		p.missRows(rng)
		p.rounds, p.steps, p.prefilled, p.regions = 3, 60+rng.IntN(120), p.keys, 2
		p.weights[actTrouble], p.weights[actLocal], p.weights[actHeartbeat] = 0, 2, 0
		p.truncates = false
		p.take(&conflict.Rule{Deletes: conflict.DeleteWins})
	case NoRecheck, NoConfirm:
		p.constrain(constraints{uniques: 1, values: 2})
		p.keys, p.tables, p.truncates = 2+rng.IntN(2), 1, false
		if f == NoConfirm {
			p.missRows(rng)
			p.keys, p.rounds, p.prefilled, p.regions, p.large = 2+rng.IntN(2), 3, 0, 2, 1
			p.lingers, p.split = false, false
			p.weights[actTrouble], p.weights[actHeartbeat] = 0, 0
		}
	case NoSettledTruncate, NoTruncateRecheck:
		p.constrain(constraints{uniques: rng.IntN(2), values: 2, foreign: family(), cascade: true})
		p.keys, p.truncates = 1+rng.IntN(2), true
		p.weights[actTrouble] = 0
	case NoDoubts, NoHolding:
		p.constrain(constraints{foreign: family(), cascade: true})
		p.linger(rng)
		p.split, p.lingers, p.truncates = f == NoHolding, f == NoDoubts, false
		p.regions, p.large, p.weights[actTrouble] = 2, 1, 0
	case NoMending, DropAlone, NoLost:
		c := constraints{foreign: family(), cascade: true}
		if c.children[0] = visibility.DropChild; f == NoLost {
			c.children[0], p.full[0] = visibility.KeepParent, true
		}
		p.constrain(c)
		p.keys, p.truncates = 1+rng.IntN(2), false
	case NoDangle, NoChildren:
		p.constrain(constraints{foreign: family(), cascade: true})
		p.keys = 1 + rng.IntN(2)
	case RulesDiffer:
		p.take(&conflict.Rule{Order: conflict.EarliestWins})
	case KeepCancelled:
		p.large, p.trouble, p.stride = 8, onlyCancels, 4
		p.weights[actTrouble] += 5
	case BeginAgain:
		p.large, p.trouble, p.regions, p.truncates = 8, onlyCrashes, 2, false
		p.weights = defaultWeights
		p.weights[actTrouble], p.weights[actPublish] = 3, 2
	case CountWaiting:
		p.large, p.trouble, p.keys = 8, onlyAbsence, 1+rng.IntN(3)
		p.weights = defaultWeights
		p.weights[actTrouble] = 3
	case NoTruncateHistory:
		p.truncates = true
	}
}

func (p *plan) String() string {
	return fmt.Sprintf("%d regions, %d rounds of %d steps, %d tables of %d keys, %d workers, batches of %d, %s, then %v, %s, then %+v",
		p.regions, p.rounds, p.steps, p.tables, p.keys, p.workers, p.batch, p.rule, p.next, p.constraints, p.nextPolicies)
}

// countColumn is the column that's counted.
const countColumn = 3

// makeTables makes the tables of a schedule: a key, two values, the second of which the log may leave
// out where the images aren't complete, and a number.
func (p *plan) makeTables() []*change.Table {
	var tables []*change.Table
	for i := range p.tables {
		tables = append(tables, change.NewTable(
			change.TableName{Schema: "public", Name: string(rune('a' + i))},
			append([]change.Column{{Name: "id", Type: "integer", Key: true}, {Name: "v", Type: "text"}, {Name: "big", Type: "text"}, {Name: "n", Type: "integer"}},
				p.constraints.columns()...),
			p.full[i]))
	}
	return tables
}

func keyOf(t *change.Table, id int) change.Key {
	k, err := change.KeyOf(t, change.Image{change.Text(fmt.Sprint(id))}, nil)
	if err != nil {
		panic(err)
	}
	return k
}
