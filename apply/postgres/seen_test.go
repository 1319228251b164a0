package postgres

import "testing"

// TestSnapshotShowsWhatCaptureHasRead: a commit is in the log, and read, before its transaction is out of others' snapshots.
func TestSnapshotShowsWhatCaptureHasRead(t *testing.T) {
	f := &Fence{cert: newCertificate()}
	f.cert.know(10)
	for _, c := range []struct {
		name string
		at   snapshot
		want bool
	}{
		{"read, and still running", snapshot{12, []uint64{10}}, false},
		{"another one is running, which wasn't read", snapshot{12, []uint64{11}}, true},
		{"finished", snapshot{12, nil}, true},
	} {
		if got := f.shows(c.at); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
	f.cert.resolve(snapshot{12, []uint64{10}})
	if f.shows(snapshot{13, []uint64{10}}) {
		t.Error("after a barrier which it outlives: shown while it's running")
	}
	f.cert.resolve(snapshot{13, nil})
	if !f.shows(snapshot{14, []uint64{13}}) {
		t.Error("not shown when all that was read has finished")
	}
}
