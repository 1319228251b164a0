package chronicle_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"bridge/change"
	"bridge/chronicle"
	"bridge/conflict"
	"bridge/history"
)

// TestStory: a story ends with the row as regions have it, and what it names as the source of a value really wrote it.
func TestStory(t *testing.T) {
	for name, rule := range rules() {
		t.Run(name, func(t *testing.T) {
			fates := map[chronicle.Fate]int{}
			merged, told := 0, 0
			for seed := range uint64(150) {
				m := newMesh(rand.New(rand.NewPCG(seed, 1)), rule)
				m.run(5 + m.rng.IntN(80))
				m.settle()
				for id := range m.bases {
					ops := m.sites[0].known[itemKey(id)]
					if len(ops) == 0 {
						continue
					}
					story := chronicle.Tell(itemKey(id), ops, conflict.All(rule), nil)
					checkStory(t, seed, m, id, story)
					for _, e := range story.Events {
						fates[e.Fate]++
					}
					for _, o := range story.Columns {
						if o.Merged {
							merged++
						}
						if len(o.Events) > 0 {
							told++
						}
					}
				}
			}
			if fates[chronicle.Lost] == 0 || fates[chronicle.Superseded] == 0 || fates[chronicle.Unknown] != 0 || told == 0 || (merged == 0) == (rule.Columns["n"].Merge == conflict.Counter) {
				t.Errorf("fates %v, %d columns told, %d merged", fates, told, merged)
			}
		})
	}
}

func checkStory(t *testing.T, seed uint64, m *mesh, id int, s *chronicle.Story) {
	t.Helper()
	want := m.shown(m.sites[0], id)
	same := func(a, b change.Image) bool {
		return slices.Equal(m.rule.Canonical(items, a), m.rule.Canonical(items, b))
	}
	got := slices.Clone(s.Outcome.Image)
	for c := range got {
		if got[c].IsAbsent() && m.bases[id] != nil { // the log never told it
			got[c] = m.bases[id][c]
		}
	}
	if s.Outcome.Exists != (want != nil) || !same(got, want) {
		t.Fatalf("seed %d, row %d: the story ends with %v, regions have %v", seed, id, s.Outcome.Image, want)
	}
	for c, o := range s.Columns {
		if msg := falseOrigin(m, id, s, c, o); msg != "" {
			t.Fatalf("seed %d, row %d, column %s = %v: %s (%+v)", seed, id, o.Column, o.Value, msg, o)
		}
	}
	for i, e := range s.Events {
		switch e.Fate {
		case chronicle.Lost:
			if !slices.Contains(e.Concurrent, e.By) && !s.Events[e.By].Saw(&e.Entry) && len(e.Concurrent) == 0 {
				t.Fatalf("seed %d, row %d: event %d lost to %d and is concurrent to none", seed, id, i, e.By)
			}
		case chronicle.Superseded:
			if !s.Events[e.By].Saw(&e.Entry) {
				t.Fatalf("seed %d, row %d: event %d is superseded by %d, which hadn't seen it", seed, id, i, e.By)
			}
		}
	}
}

// falseOrigin says why an origin isn't where its value comes from.
func falseOrigin(m *mesh, id int, s *chronicle.Story, c int, o chronicle.Origin) string {
	one := func(v change.Value) change.Value {
		row := make(change.Image, len(items.Columns))
		row[c] = v
		return m.rule.Canonical(items, row)[c]
	}
	var ops history.Row
	for _, i := range o.Events {
		ops = append(ops, s.Events[i].Entry)
	}
	switch {
	case o.Before && m.bases[id] != nil && (one(m.bases[id][c]) == one(o.Value) || o.Value.IsAbsent()):
	case o.Before:
		return "is said to be from before, which isn't so"
	case len(ops) == 0:
		return "isn't told at all"
	case o.Merged:
		base := make(change.Image, len(items.Columns))
		base[c] = o.Onto
		if alone := m.rule.Replay(ops, conflict.Base{Table: items, Image: base}); one(alone.Image[c]) != one(o.Value) {
			return "the events don't make it"
		}
	case len(ops) != 1:
		return "has several sources and isn't merged"
	case one(ops[0].Image[c]) != one(o.Value):
		return "the event wrote another value"
	case ops[0].Old != nil && ops[0].Kind == change.Update && ops[0].Old[c] == ops[0].Image[c]:
		return "the event left it as it was"
	}
	return ""
}
