package conflict_test

import (
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// TestAwaited: something is to be done only where a change of such a column was lost.
func TestAwaited(t *testing.T) {
	rule := &conflict.Rule{Columns: map[string]conflict.Column{"x": {Merge: conflict.Manual}, "log": {Merge: conflict.Text}}}
	row := func(x, log string) change.Image {
		image := make(change.Image, len(cart.Columns))
		for c := range image {
			image[c] = change.Text("1")
		}
		image[1], image[7] = change.Text(x), change.Text(log)
		return image
	}
	for _, tc := range []struct {
		name          string
		first, second change.Image // concurrent; the second is later
		want          conflict.Awaited
	}{
		{"nothing of the kind", row("o", "o"), row("n", "n"), conflict.NothingAwaited},
		{"text", row("o", "m"), row("o", "n"), conflict.MergeAwaited},
		{"manual", row("m", "o"), row("n", "o"), conflict.PersonAwaited},
		{"both", row("m", "m"), row("n", "n"), conflict.BothAwaited},
		{"alike", row("n", "n"), row("n", "n"), conflict.NothingAwaited},
	} {
		op := func(origin change.Origin, at change.Timestamp, image change.Image) history.Entry {
			return history.Entry{Tag: &change.Tag{Dot: change.Dot{Origin: origin, Seq: 1}, Time: at}, Kind: change.Update, Table: cart, Old: row("o", "o"), Image: image}
		}
		ops := history.Row{op("a/1", 1, tc.first), op("b/1", 2, tc.second)}
		r := conflict.Record{Rule: rule, Versions: ops, Arrived: ops[1:], Met: rule.Decide(ops[:1], &ops[0]), Outcome: rule.Decide(ops, &ops[1])}
		if got := r.Awaited(); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
