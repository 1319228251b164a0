package chronicle

import (
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// Episode is a run of a row's operations that stands for itself: see the package's comment.
type Episode struct {
	Ops  history.Row
	Rule *conflict.Rule // that decided them
	Base conflict.Base  // the row before them, as far as it's known
	// Outcome is what the rule made of them; nothing if the log lacks what the rule needs.
	Outcome conflict.Outcome
	Lacks   bool
}

// Contested reports whether some of the operations hadn't seen each other.
func (e *Episode) Contested() bool { return len(e.Ops) > 1 }

// Episodes parts a row's operations, which are in their order, and decides each part by the rule that regions do.
func Episodes(key change.Key, ops history.Row, rules *conflict.Rules) []Episode {
	var out []Episode
	var before conflict.Base
	for _, run := range runs(ops) {
		e := Episode{Ops: run, Rule: rules.For(key.Table, run), Base: baseOf(run, before)}
		e.Outcome, e.Lacks = e.decide(e.Rule)
		before = conflict.Base{Table: e.Outcome.Table, Image: e.Outcome.Image}
		out = append(out, e)
	}
	return out
}

// ownOperations counts the operations but for truncates, which are of every row.
func (e *Episode) ownOperations() (n int) {
	for i := range e.Ops {
		if e.Ops[i].Kind != change.Truncate {
			n++
		}
	}
	return n
}

// decide is what a rule makes of the episode. One operation alone is as it is, whatever the rule needs.
func (e *Episode) decide(rule *conflict.Rule) (o conflict.Outcome, lacks bool) {
	if !e.Contested() {
		return conflict.LastWriteWins.Replay(e.Ops, e.Base), false
	}
	if rule.Lacking(e.Ops) != nil {
		return conflict.Outcome{}, true
	}
	return rule.Replay(e.Ops, e.Base), false
}

// heads is how many of a run's operations are asked what was before them: nearly always the first one tells.
const heads = 64

// baseOf is the row before a run of operations. Those that had seen none of the others had all seen the same, so if one
// of them tells what was before it, that's it; else it's what came of the run before.
func baseOf(run history.Row, before conflict.Base) conflict.Base {
	for i := range run[:min(len(run), heads)] {
		first := &run[i]
		if slices.ContainsFunc(run[:i], func(e history.Entry) bool { return first.Saw(&e) }) {
			continue
		}
		switch {
		case first.Kind == change.Insert:
			return conflict.Base{Table: first.Table}
		case first.Old != nil && first.Old.Complete():
			return conflict.Base{Table: first.Table, Image: first.Old}
		}
	}
	return before
}

// runs parts a row's operations: each part had seen all of those before it.
func runs(ops history.Row) (out []history.Row) {
	unseen := firstUnseen(ops)
	end, lowest := len(ops), len(ops)
	for i := len(ops) - 1; i >= 0; i-- {
		if lowest = min(lowest, unseen[i]); lowest >= i {
			out = append(out, ops[i:end:end])
			end = i
		}
	}
	slices.Reverse(out)
	return out
}

// firstUnseen is, for each operation, the index of the first before it that it hadn't seen; its own if there's none.
func firstUnseen(ops history.Row) []int {
	out := make([]int, len(ops))
	var all change.Vector // of the operations so far
	for i := range ops {
		tag := ops[i].Tag
		if out[i] = i; !tag.Seen().Covers(all) {
			out[i] = slices.IndexFunc(ops[:i], func(e history.Entry) bool { return !ops[i].Saw(&e) })
		}
		if all.Get(tag.Dot.Origin) < tag.Dot.Seq {
			all = all.With(tag.Dot.Origin, tag.Dot.Seq)
		}
	}
	return out
}
