package sim

import (
	"strings"
	"testing"
)

// TestAblations leaves out one thing at a time that the algorithm needs: some schedule must then violate
// one of the named invariants. If none does, the thing isn't needed or the simulation can't see it.
func TestAblations(t *testing.T) {
	for _, c := range []struct {
		fault   Fault
		within  int    // schedules
		violate string // the invariants that may show it, by number
	}{
		{NoBarrier, 500, "I1"},
		{NoFloor, 500, "I1"},
		{NoSecondBarrier, 500, "I1"},
		{DecideFresh, 500, "I1"},
		{NoCausality, 500, "I5"},
		{PruneEarly, 500, "I1"},
		{PruneSelfEarly, 500, "I1"},
		{PruneOutOfOrder, 500, "I1"},
		{LearnAtReceipt, 500, "I1"},
		{RebuildFromStable, 500, "I1"},
		{LocalWinsTies, 500, "I1"},
		{NoTruncateHistory, 500, "I1"},
		{KeepCancelled, 500, "I4"},
		{ApplyTwice, 500, "I3"},
		{DropRecord, 500, "I5"},
		{DropRecordLoudly, 500, "I8"},
		{NoMarker, 500, "I6"},
		{ConfirmEarly, 500, "I2"},
	} {
		t.Run(strings.ReplaceAll(string(c.fault), " ", "_"), func(t *testing.T) {
			t.Parallel()
			found := map[string]int{}
			first := 0
			for i := range 4000 {
				if _, v := Run(base+uint64(i), c.fault, nil); v != nil {
					if first == 0 {
						first = i + 1
						t.Logf("found by schedule %d: %v", first, v)
					}
					found[v.Invariant]++
					if i > 1000 {
						break
					}
				}
				if i > 1000 && first > 0 {
					break
				}
			}
			t.Logf("SUM %s first %d %v", c.fault, first, found)
		})
	}
}
