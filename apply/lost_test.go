package apply

import (
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// An operation that has lost is in each later conflict on its row, and counts once.
func TestLostUpdatesCountOnce(t *testing.T) {
	l := newLosses()
	var ops history.Row
	key := ins("1", "x", "y").Key
	arrives := func(origin string, time change.Timestamp, o change.Operation) uint64 {
		tx := txOf(origin, 1, time, o)
		e := history.EntryOf(&tx.Tag, &tx.Operations[0], 0, 0)
		ops = ops.Insert(e)
		return l.count(&conflict.Record{Key: key, Rule: conflict.LastWriteWins, Incoming: tx.Dot, Versions: ops, Outcome: conflict.LastWriteWins.Decide(ops, &e)})
	}
	for _, step := range []struct {
		origin string
		time   change.Timestamp
		op     change.Operation
		want   uint64
	}{
		{"a", 10, upd("1", "a", "y"), 0},
		{"b", 20, upd("1", "b", "y"), 1}, // a is lost
		{"c", 5, upd("1", "c", "y"), 1},  // c is, and a still
		{"d", 30, upd("1", "d", "y"), 1}, // b is
		{"e", 40, upd("1", "d", "y"), 0}, // it's as d left it
	} {
		if got := arrives(step.origin, step.time, step.op); got != step.want {
			t.Errorf("%s arrives: %d lost, want %d", step.origin, got, step.want)
		}
	}
	for dot := range uint64(3 * lossMemory) { // what was long ago is forgotten, and no more
		l.isNew(loss{dot: change.Dot{Origin: "z/1", Seq: dot}})
	}
	if n := len(l.recent) + len(l.before); n > 2*lossMemory {
		t.Errorf("%d losses are remembered", n)
	}
	if l.isNew(loss{dot: change.Dot{Origin: "z/1", Seq: 2*lossMemory + 1}}) {
		t.Error("a late loss is forgotten")
	}
}
