package conflict_test

import (
	"math/rand/v2"
	"testing"

	"bridge/conflict"
)

// becoming is a mesh whose rules change; nil where they can't in one step.
func becoming(seed uint64, now, next *conflict.Rule, fault string) *mesh {
	to := conflict.All(next)
	to.Fingerprint = "next"
	rules, err := conflict.All(now).Becoming(to)
	if err != nil {
		return nil
	}
	m := newMesh(rand.New(rand.NewPCG(seed, 8)), now, fault)
	m.rules, m.next = rules, to.Fingerprint
	for i, s := range m.sites {
		s.withholds = i%2 == 1 && now.NeedsImages() && next.NeedsImages()
	}
	return m
}

// changes calls f for each pair of rules.
func changes(f func(name string, now, next *conflict.Rule)) {
	rules := ruleSet()
	rules["assigned"] = &conflict.Rule{Columns: map[string]conflict.Column{"n": {Merge: conflict.Text}}, Groups: [][]string{{"street", "low"}}}
	rules["other words"] = &conflict.Rule{Columns: map[string]conflict.Column{"n": {Merge: conflict.Max}}}
	for from, now := range rules {
		for to, next := range rules {
			if from != to {
				f(from+" to "+to, now, next)
			}
		}
	}
}

// TestChangingRulesConverge is I1 while rules change, each region at another time: whichever rule a region writes under.
func TestChangingRulesConverge(t *testing.T) {
	const schedules = 25
	changed, refused := 0, 0
	changes(func(name string, now, next *conflict.Rule) {
		for seed := range uint64(schedules) {
			m := becoming(seed, now, next, "")
			if m == nil {
				refused++
				return
			}
			m.run(5 + m.rng.IntN(60))
			if d := m.diverged(); d != "" {
				t.Errorf("%s, seed %d: %s", name, seed, d)
				return
			}
		}
		changed++
	})
	if changed < 100 || refused == 0 {
		t.Errorf("%d changes of rules were tried, %d refused", changed, refused)
	}
}

// The property has teeth: a region that decides by the rules that it writes under itself diverges, and one that reads all
// operations by the rule that decides.
func TestChangingRulesConvergeNotWhenBroken(t *testing.T) {
	for _, fault := range []string{"here", "alike"} {
		found := 0
		changes(func(name string, now, next *conflict.Rule) {
			for seed := range uint64(200) {
				if found > 0 {
					return
				}
				if m := becoming(seed, now, next, fault); m != nil {
					if m.run(5 + m.rng.IntN(60)); m.diverged() != "" {
						found++
						t.Logf("%s makes a difference: %s, seed %d", fault, name, seed)
						return
					}
				}
			}
		})
		if found == 0 {
			t.Errorf("%s makes no difference", fault)
		}
	}
}
