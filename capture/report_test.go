package capture

import (
	"testing"

	"bridge/change"
	"bridge/loopguard"
)

// TestReportGoesOn: counts go on from loop to loop, and positions are where the new loop begins.
func TestReportGoesOn(t *testing.T) {
	r := &Report{}
	r.begin(tail{loopguard.State{Seq: 6}, change.Position{Offset: 10}})
	r.captured(&Event{Kind: Local, Operations: make([]change.Operation, 3), Last: true, Position: change.Position{Offset: 20}})
	r.published(tail{loopguard.State{Seq: 7}, change.Position{Offset: 20}}, 1)
	if s := r.Status(); s.Transactions != 1 || s.Operations != 3 || s.Records != 1 || s.Captured.Offset != 20 || s.State.Seq != 7 {
		t.Fatalf("after the first loop: %+v", s)
	}
	r.begin(tail{loopguard.State{Seq: 6}, change.Position{Offset: 10}}) // the last append wasn't acknowledged
	if s := r.Status(); s.Transactions != 1 || s.Operations != 3 || s.Records != 1 ||
		s.Captured.Offset != 10 || s.Published.Offset != 10 || s.State.Seq != 6 {
		t.Errorf("when the second begins: %+v", s)
	}
}
