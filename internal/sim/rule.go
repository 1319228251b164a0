package sim

import (
	"math/rand/v2"

	"bridge/capture"
	"bridge/change"
	"bridge/conflict"
	"bridge/loopguard"
	"bridge/wire"
)

// next is the fingerprint of the rules that a schedule goes over to.
const next = "next"

// ruleSet are a schedule's rules before, during and after a change.
type ruleSet struct{ now, becoming, then *conflict.Rules }

func (p *plan) ruleSet() (s ruleSet) {
	s.now = conflict.All(p.rule)
	if p.next == nil {
		return s
	}
	s.then = conflict.All(p.next)
	s.then.Fingerprint = next
	var err error
	if s.becoming, err = s.now.Becoming(s.then); err != nil {
		panic(err)
	}
	return s
}

// turnover is how far a region is with a change of rules: what its operator has done, which the file keeps.
type turnover uint8

const (
	asBefore turnover = iota
	isReady           // restarted with the next rules beside those before
	isOver            // restarted with the next rules alone
)

// rules are what the region decides by.
func (r *region) rules() *conflict.Rules {
	w := r.world
	switch {
	case w.fault == RulesDiffer && r.index == 0:
		return conflict.All(conflict.LastWriteWins)
	case r.turnover == asBefore:
		return w.rules.now
	case r.turnover == isOver, w.fault == RulesByRegion && r.clock.State().Rules == next:
		return w.rules.then
	case w.fault == RulesByRegion:
		return w.rules.now
	}
	return w.rules.becoming
}

// changeRules does what a region and its operator can do towards the next rules.
func (r *region) changeRules() {
	w := r.world
	switch {
	case r.turnover == asBefore:
		w.trace("%s is restarted with the next rules", r)
		r.turnover = isReady
		r.stop()
	case r.turnover == isReady && r.clock.State().Rules != next:
		if !r.succession.Due(r.clock.State().Vector) {
			return
		}
		r.turnOver()
	case r.turnover == isReady && len(r.succession.Unturned(r.db.seen())) == 0 && r.history.Rid(r.history.Cut(), next):
		w.trace("%s is restarted with the next rules alone", r)
		r.turnover = isOver
		r.stop()
	}
}

// turnOver has what comes later in the log published under the next rules.
func (r *region) turnOver() {
	w := r.world
	w.trace("%s turns to the next rules", r)
	turn := loopguard.Turn{Is: true, Rules: next}
	if r.turned = true; w.fault == TurnUnlogged {
		r.clock.Turn(turn)
		return
	}
	r.db.flushed = r.db.append(logged{kind: capture.Barrier, barrier: loopguard.Barrier{Turn: turn}})
}

// follow has the region turn before it applies what was published under the next rules, and reports whether that may be applied now.
func (r *region) follow(rules string) bool {
	if rules != next || r.turned || r.clock.State().Rules == next || r.world.fault == TurnLate {
		return true
	}
	if len(r.flights) > 0 {
		return false
	}
	r.turnOver()
	return true
}

// succeed begins a process's part in a change of rules.
func (r *region) succeed() {
	var peers []change.Origin
	for _, l := range r.lanes {
		peers = append(peers, l.peer.origin)
	}
	r.succession = conflict.NewSuccession(next, peers)
	if r.turnover == isReady {
		r.builder.Announce(next)
	}
	if others := r.history.Others(r.rules().Known()...); others > 0 {
		r.world.fail("I8 loud", "%s has %d operations of rules that it doesn't know", r, others)
	}
}

// hear takes note of what a peer's record says of its rules.
func (l *lane) hear(h *wire.Header) {
	l.region.succession.Heard(l.peer.origin, h.State.Rules, h.State.Seq, h.Announces, h.Next)
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

// drawNext is the rule that a schedule goes over to; nil in most.
func drawNext(rng *rand.Rand, now *conflict.Rule) *conflict.Rule {
	rule := drawRule(rng)
	if rng.IntN(3) > 0 || rule == now {
		return nil
	}
	if _, err := conflict.All(now).Becoming(conflict.All(rule)); err != nil {
		return nil
	}
	return rule
}
