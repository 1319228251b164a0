package node

import (
	"strings"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/wire"
)

// under is a heartbeat of a region that decides by rules.
func under(rules string, seq, position uint64) []byte {
	return wire.Heartbeat("c", eu, loopguard.State{Seq: seq, Last: 1, Rules: rules}, change.Position{Offset: position}, 0)
}

// TestChangedRulesAreRefused (I1): while some region hasn't seen all that was decided under the rules before, other regions
// may still decide by them. What counts is the last record, also when what was cut off came late.
func TestChangedRulesAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name       string
		records    [][]byte
		rules      *conflict.Rules
		operations string // the rules of those that not every region has seen
		under      string // the rules that the region goes on under; "-" is a refusal
	}{
		{"as before", [][]byte{under("x", 5, 50)}, only("x"), "x", "x"},
		{"others, and all is known to all", [][]byte{under("x", 5, 50)}, only("y"), "", "y"},
		{"others", [][]byte{under("x", 5, 50)}, only("y"), "x", "-"},
		{"others, announced", [][]byte{under("x", 5, 50)}, becoming("x", "y"), "x", "x"},
		{"gone over", [][]byte{under("x", 5, 50), under("y", 6, 60)}, becoming("x", "y"), "xy", "y"},
		{"gone over, and the old ones given up early", [][]byte{under("y", 6, 60)}, only("y"), "xy", "-"},
		{"gone over, and all of the old ones known to all", [][]byte{under("y", 6, 60)}, only("y"), "y", "y"},
		{"gone over, and back", [][]byte{under("y", 6, 60)}, only("x"), "xy", "-"},
		{"others announced than gone over to", [][]byte{under("y", 6, 60)}, becoming("x", "z"), "y", "-"},
		{"from the default", [][]byte{under("", 5, 50)}, only("y"), "-", "-"},
		{"to the default", [][]byte{under("x", 5, 50)}, only(""), "x", "-"},
		{"nothing was published", [][]byte{under("", 0, 50)}, only("y"), "x", "y"}, // what's unstable is others'
		{"no topic yet", nil, only("y"), "x", "y"},
		{"changed without a transaction between", [][]byte{under("x", 5, 50), under("y", 5, 60)}, only("y"), "y", "y"},
		{"the old ones' came late", [][]byte{under("y", 6, 60), under("x", 5, 50)}, only("y"), "y", "y"},
	} {
		end, err := readTail(t.Context(), &topic{records: tc.records}, "c", eu, false)
		if err != nil {
			t.Fatal(err)
		}
		h := history.New(eu, []change.Origin{eu, "us/1"}, 0)
		for i, rules := range tc.operations {
			tag := &change.Tag{Dot: change.Dot{Origin: eu, Seq: uint64(i + 1)}, Time: change.Timestamp(i), Rules: strings.Trim(string(rules), "-")}
			if err := h.Add(tag, []change.Operation{{Key: change.Key{Row: "1"}, Kind: change.Delete}}, 0, 1); err != nil {
				t.Fatal(err)
			}
		}
		err = end.under(tc.rules, h)
		if (err != nil) != (tc.under == "-") || err == nil && end.state.Rules != tc.under {
			t.Errorf("%s: under %q: %v", tc.name, end.state.Rules, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "operations that not every region has seen") || !strings.Contains(err.Error(), `"Changing conflict rules" in docs/operations.md`)) {
			t.Errorf("%s: the operator isn't told what to do: %v", tc.name, err)
		}
	}
}

// only are rules by their fingerprint.
func only(fingerprint string) *conflict.Rules {
	r := conflict.All(conflict.LastWriteWins)
	r.Fingerprint = fingerprint
	return r
}

func becoming(now, next string) *conflict.Rules {
	r, err := only(now).Becoming(only(next))
	if err != nil {
		panic(err)
	}
	return r
}

// TestSuccession: a region goes over to other rules when it has applied what each other one had published before it
// announced them, and is done when all have gone over and nothing of the old rules can compete any more.
func TestSuccession(t *testing.T) {
	s := newSuccession("y", []change.Origin{"ap/1", "us/1"})
	head := func(seq uint64, rules string, next ...string) *wire.Header {
		h := &wire.Header{State: loopguard.State{Seq: seq, Rules: rules}, Announces: len(next) > 0}
		if h.Announces {
			h.Next = next[0]
		}
		return h
	}
	seen := change.Vector{}.With("ap/1", 9).With("us/1", 4)
	due := func(want bool, after string) {
		t.Helper()
		if s.isDue(seen) != want {
			t.Errorf("after %s: due is %t", after, !want)
		}
	}
	due(false, "nothing")
	s.heard("ap/1", head(9, "x", "y"))
	s.heard("us/1", head(3, "x"))
	s.heard("us/1", head(4, "x", "z"))
	due(false, "one of two, and one of others")
	s.heard("us/1", head(5, "x", "y"))
	due(false, "both, of which not all is applied")
	seen = seen.With("us/1", 5)
	due(true, "all")
	s.heard("us/1", head(8, "y")) // gone over, and the old ones given up by now
	due(true, "that, and a later record")
	h := history.NewLocked(history.New(eu, []change.Origin{eu, "us/1", "ap/1"}, 0))
	saved := history.Cut{Since: change.Version{Time: 1}}
	if st := s.status(eu, loopguard.State{Vector: seen, Rules: "x"}, h, &saved); st.Done() || len(st.Awaited) > 0 || strings.Join(st.Unturned, " ") != "ap eu us" {
		t.Errorf("%+v", st)
	}
	s.heard("ap/1", head(9, "y", "y"))
	h.Do(func(h *history.History) {
		if err := h.Add(&change.Tag{Dot: change.Dot{Origin: eu, Seq: 1}, Rules: "x"}, []change.Operation{{Key: change.Key{Row: "1"}, Kind: change.Delete}}, 0, 1); err != nil {
			t.Fatal(err)
		}
	})
	if st := s.status(eu, loopguard.State{Vector: seen.With("us/1", 8), Rules: "y"}, h, &saved); st.Done() || st.Remaining != 1 || len(st.Unturned) > 0 {
		t.Errorf("%+v", st)
	}
	h.Do(func(h *history.History) {
		h.Learn("us/1", change.Vector{}.With(eu, 1))
		h.Learn("ap/1", change.Vector{}.With(eu, 1))
		h.Prune()
	})
	saved.Since = change.Version{}
	if st := s.status(eu, loopguard.State{Vector: seen.With("us/1", 8), Rules: "y"}, h, &saved); st.Done() || st.Remaining != 0 {
		t.Errorf("a restart would need what is forgotten here: %+v", st)
	}
	saved.Since = change.Version{Time: 1}
	if st := s.status(eu, loopguard.State{Vector: seen.With("us/1", 8), Rules: "y"}, h, &saved); st.Done() {
		t.Errorf("a restart would add again what came after the horizon was saved: %+v", st)
	}
	saved.Known = change.Vector{}.With(eu, 1)
	if st := s.status(eu, loopguard.State{Vector: seen.With("us/1", 8), Rules: "y"}, h, &saved); !st.Done() {
		t.Errorf("%+v", st)
	}
	if (*succession)(nil).status(eu, loopguard.State{}, h, nil) != nil {
		t.Error("rules that stay have a succession")
	}
}
