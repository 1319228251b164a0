package node

import (
	"testing"

	"bridge/change"
	"bridge/history"
)

// TestResumedTransactionHasNoMark: the transaction with which a session goes on may have begun in an earlier record
// than this session's, so it's to be read from the mark before.
func TestResumedTransactionHasNoMark(t *testing.T) {
	m := newMarks(Horizon{Offsets: map[change.Origin]int64{eu: 10}}, change.Dot{Origin: eu, Seq: 1000})
	for _, b := range []struct {
		seq    uint64
		offset int64
	}{{1000, 50}, {1001, 51}, {1050, 53}, {1101, 57}} {
		m.began(&change.Tag{Dot: change.Dot{Origin: eu, Seq: b.seq}}, b.offset)
	}
	for seq, want := range map[uint64]int64{999: 10, 1000: 10, 1001: 51, 1050: 51, 1101: 57} {
		if got := m.from(change.Dot{Origin: eu, Seq: seq}); got != want {
			t.Errorf("%d is read from offset %d on, want %d", seq, got, want)
		}
	}
	h, ok := m.horizon(history.Cut{Since: change.Version{Time: 1}, Known: change.NewVector(change.Seen{Origin: eu, Seq: 999})})
	if !ok || h.Offsets[eu] != 10 {
		t.Errorf("a restart that needs it reads from %v on", h.Offsets)
	}
}
