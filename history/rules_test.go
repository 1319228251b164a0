package history

import (
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// A region that is rid of other rules' operations isn't given any by a restart, whichever cut it resumes.
func TestRidHoldsAfterARestart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := []change.Origin{"eu/1", "us/1"}
		h := New("eu/1", members, 0)
		var written []*change.Transaction
		cuts := []Cut{h.Cut()}
		seqs := map[change.Origin]uint64{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			o := rapid.SampledFrom(members).Draw(t, "origin")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				h.Learn("us/1", change.NewVector(change.Seen{Origin: "eu/1", Seq: seqs["eu/1"]}, change.Seen{Origin: "us/1", Seq: seqs["us/1"]}))
				h.Prune()
			case 1:
				cuts = append(cuts, h.Cut())
			default:
				seqs[o]++
				tag := change.Tag{Dot: change.Dot{Origin: o, Seq: seqs[o]}, Time: change.Timestamp(rapid.IntRange(1, 9).Draw(t, "time")), Rules: rapid.SampledFrom([]string{"old", "new"}).Draw(t, "rules")}
				tx := &change.Transaction{Tag: tag, Last: true, Operations: []change.Operation{{Key: change.Key{Row: "1"}, Kind: change.Delete}}}
				written = append(written, tx)
				if err := h.AddTransaction(tx, 0); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, c := range cuts {
			again := New("eu/1", members, 0)
			again.Resume(c)
			for _, tx := range written {
				if err := again.AddTransaction(tx, 0); err != nil {
					t.Fatal(err)
				}
			}
			if left := again.Others("new"); h.Rid(c, "new") && left > 0 {
				t.Fatalf("rid of old rules, but a restart with cut %d of %d brings back %d operations", i, len(cuts), left)
			}
		}
	})
}
