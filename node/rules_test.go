package node

import (
	"strings"
	"testing"

	"bridge/change"
	"bridge/loopguard"
	"bridge/wire"
)

// under is a heartbeat of a region that decides by rules.
func under(rules string, seq, position uint64) []byte {
	b := wire.NewBuilder("c", eu)
	b.UnderRules(rules)
	return b.Heartbeat(loopguard.State{Seq: seq, Last: 1}, change.Position{Offset: position}, 0)
}

// TestChangedRulesAreRefused (I1): while some region hasn't seen all that was decided under the rules before, other regions
// may still decide by them. What counts is the last record, also when what was cut off came late.
func TestChangedRulesAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name     string
		records  [][]byte
		rules    string
		unstable int
		ok       bool
	}{
		{"as before", [][]byte{under("x", 5, 50)}, "x", 3, true},
		{"others, and all is known to all", [][]byte{under("x", 5, 50)}, "y", 0, true},
		{"others", [][]byte{under("x", 5, 50)}, "y", 3, false},
		{"from the default", [][]byte{under("", 5, 50)}, "y", 1, false},
		{"to the default", [][]byte{under("x", 5, 50)}, "", 1, false},
		{"nothing was published", [][]byte{under("x", 0, 50)}, "y", 3, true}, // what's unstable is others'
		{"no topic yet", nil, "y", 3, true},
		{"changed in the topic", [][]byte{under("x", 5, 50), under("y", 6, 60)}, "y", 3, true},
		{"changed without a transaction between", [][]byte{under("x", 5, 50), under("y", 5, 60)}, "y", 3, true},
		{"changed, and back", [][]byte{under("x", 5, 50), under("y", 6, 60)}, "x", 3, false},
		{"the old ones' came late", [][]byte{under("y", 6, 60), under("x", 5, 50)}, "y", 3, true},
	} {
		end, err := readTail(t.Context(), &topic{records: tc.records}, "c", eu, false)
		if err != nil {
			t.Fatal(err)
		}
		err = end.checkRules(tc.rules, tc.unstable)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "operations that not every region has seen") || !strings.Contains(err.Error(), `"Changing conflict rules" in docs/operations.md`)) {
			t.Errorf("%s: the operator isn't told what to do: %v", tc.name, err)
		}
	}
}
