package sim

import (
	"slices"
	"strings"
	"testing"
)

// TestAblations leaves out one thing at a time that the algorithm needs (DESIGN.md §3 and the package comments
// of apply and history): some schedule must then violate one of the named invariants. If none does, the thing
// isn't needed, or the simulation can't see it. DecideFresh and PruneSelfEarly aren't here: 10,000 schedules
// without them are sound since rows that should be there are locked before they're decided (apply's claim);
// both showed before. Nor is TurnLate, which a schedule showed once (seed 1001893 at 83d6577), and 10,000 of its own didn't. The shipped code
// keeps to the stricter way.
func TestAblations(t *testing.T) {
	const within = 10_000 // schedules; most are found by the first hundred
	for fault, violates := range map[Fault][]string{
		NoBarrier:         {"I1"},
		NoFloor:           {"I1"},
		NoSecondBarrier:   {"I1"},
		NoCausality:       {"I1", "I5"},
		PruneEarly:        {"I1", "I2"},
		PruneOutOfOrder:   {"I1"},
		LearnAtReceipt:    {"I1"},
		RebuildFromStable: {"I1"},
		LocalWinsTies:     {"I1"},
		NoTruncateHistory: {"I1"},
		KeepCancelled:     {"I1", "I4"},
		ApplyTwice:        {"I3", "I4"},
		BeginAgain:        {"I4", "I8"},
		DropRecord:        {"I1", "I2", "I5", "I7"},
		DropRecordLoudly:  {"I8"},
		NoMarker:          {"I6"},
		ConfirmEarly:      {"I2"},
		NoClaim:           {"I1"},
		CountWaiting:      {"I1", "I5"},
		RulesDiffer:       {"I1"},
		RulesByRegion:     {"I1", "I8"},
		TurnUnlogged:      {"I1", "I3"},
		PoliciesUnsettled: {"I1"},
		PoliciesAtReady:   {"I1"},
		PoliciesAtRestart: {"I1"},
		NoRecheck:         {"I1", "I2"},
		NoDangle:          {"I1"},
		NoChildren:        {"I1"},
		NoMending:         {"I2", "I9"},
		DropAlone:         {"I1"},
		NoLost:            {"I2"},
		NoHolding:         {"I1"},
		NoDoubts:          {"I1"},
		NoConfirm:         {"I1"},
		NoSettledTruncate: {"I1", "I2"},
		NoTruncateRecheck: {"I1", "I2"},
	} {
		t.Run(strings.ReplaceAll(string(fault), " ", "_"), func(t *testing.T) {
			t.Parallel()
			for i := range uint64(within) {
				_, v := Run(base+i, fault, nil)
				if v == nil {
					continue
				}
				t.Logf("found by schedule %d: %v", i+1, v)
				if invariant, _, _ := strings.Cut(v.Invariant, " "); !slices.Contains(violates, invariant) {
					t.Errorf("violates %s, want %v", v.Invariant, violates)
				}
				return
			}
			t.Errorf("%d schedules without it satisfy all invariants", within)
		})
	}
}
