package apply

import (
	"testing"

	"bridge/change"
)

// TestReportGoesOn: counts go on from loop to loop. How far an origin was applied doesn't: the database tells, and one
// that crashed may have lost commits.
func TestReportGoesOn(t *testing.T) {
	r := NewReport()
	b := NewBatch(&change.Transaction{Tag: change.Tag{Dot: change.Dot{Origin: "us/1", Seq: 5}}, Last: true}, 1)
	r.committed(b)
	if c, o := r.Counts(), r.Applied("us/1"); c.Batches != 1 || c.Transactions != 1 || o != 5 {
		t.Fatalf("after the first loop: %+v, %d", c, o)
	}
	r.begin()
	if c, o := r.Counts(), r.Applied("us/1"); c.Batches != 1 || c.Transactions != 1 || o != 0 {
		t.Errorf("when the second begins: %+v, %d", c, o)
	}
}
