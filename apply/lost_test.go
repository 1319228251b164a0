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
		lost, _ := l.count(&conflict.Record{Key: key, Rule: conflict.LastWriteWins, Incoming: tx.Dot, Versions: ops, Outcome: conflict.LastWriteWins.Decide(ops, &e)})
		return lost
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

// What one region merges in afterwards isn't lost, unless something else of the update is, or it turns out later that there's no row.
func TestDeferredUpdates(t *testing.T) {
	rule := &conflict.Rule{Columns: map[string]conflict.Column{"a": {Merge: conflict.Text}}}
	l := newLosses()
	var ops history.Row
	for _, step := range []struct {
		origin         string
		time           change.Timestamp
		op             change.Operation
		lost, deferred uint64
	}{
		{"a", 10, changed("1", "a", "y"), 0, 0},
		{"b", 20, changed("1", "b", "y"), 0, 1},  // a's text is to be merged in
		{"c", 30, changed("1", "c", "z"), 0, 1},  // b's, too
		{"d", 40, changed("1", "d", "zz"), 1, 0}, // c's other column is lost
		{"e", 50, del("1"), 3, 0},                // a, b and d
	} {
		tx := txOf(step.origin, 1, step.time, step.op)
		e := history.EntryOf(&tx.Tag, &tx.Operations[0], 0, 0)
		ops = ops.Insert(e)
		lost, deferred := l.count(&conflict.Record{Key: step.op.Key, Rule: rule, Incoming: tx.Dot, Versions: ops, Outcome: rule.Decide(ops, &e)})
		if lost != step.lost || deferred != step.deferred {
			t.Errorf("%s arrives: %d lost, %d deferred, want %d and %d", step.origin, lost, deferred, step.lost, step.deferred)
		}
	}
}

// changed is an update of a row that was "x" and "y".
func changed(id, a, t string) change.Operation {
	o := upd(id, a, t)
	o.Old = ins(id, "x", "y").New
	return o
}
