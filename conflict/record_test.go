package conflict

import (
	"testing"

	"bridge/change"
	"bridge/history"
)

func TestTypeOf(t *testing.T) {
	for _, tc := range []struct {
		kind            change.Kind
		present, absent Type
	}{
		{change.Insert, "insert_exists", "insert_concurrent"},
		{change.Update, "update_concurrent", "update_missing"},
		{change.Delete, "delete_concurrent", "delete_missing"},
		{change.Truncate, "truncate_concurrent", "truncate_concurrent"},
	} {
		if got := TypeOf(tc.kind, true); got != tc.present {
			t.Errorf("%v of a row: %s, want %s", tc.kind, got, tc.present)
		}
		if got := TypeOf(tc.kind, false); got != tc.absent {
			t.Errorf("%v of no row: %s, want %s", tc.kind, got, tc.absent)
		}
	}
}

func TestResult(t *testing.T) {
	const upd, del = change.Update, change.Delete
	for _, tc := range []struct {
		name            string
		here, incoming  history.Entry
		incomingMissing bool
		want            string
	}{
		{"the incoming one is later", at("a1", 1, upd, img("x", "x")), at("b1", 2, upd, img("y", "y")), false, "applied"},
		{"the incoming one is earlier", at("a1", 2, upd, img("x", "x")), at("b1", 1, upd, img("y", "y")), false, "kept"},
		{"later, and a column of the other shows", at("a1", 1, upd, img("x", "x")), at("b1", 2, upd, img("y", "-")), false, "merged"},
		{"earlier, and a column of it shows", at("a1", 2, upd, img("x", "-")), at("b1", 1, upd, img("y", "y")), false, "merged"},
		{"the incoming delete is later", at("a1", 1, upd, img("x", "x")), at("b1", 2, del, nil), false, "applied"},
		{"the incoming delete is earlier", at("a1", 2, upd, img("x", "x")), at("b1", 1, del, nil), false, "kept"},
		{"an incomplete update yields to a delete", at("a1", 1, del, nil), at("b1", 2, upd, img("y", "-")), false, "kept"},
	} {
		ops := rowOf(tc.here, tc.incoming)
		r := Record{Incoming: tc.incoming.Tag.Dot, Versions: ops, Outcome: LastWriteWins.Decide(ops, nil)}
		if got := r.Result(); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// An update of a row that isn't there, and that lacks a column, can't make the row: nothing is applied.
func TestResultOfAnUpdateThatFoundNothing(t *testing.T) {
	e := at("b1", 2, change.Update, img("y", "-"))
	r := Record{Type: UpdateMissing, Incoming: e.Tag.Dot, Versions: history.Row{e}, Outcome: Outcome{Winner: e}}
	if got := r.Result(); got != "kept" {
		t.Errorf("%q, want kept", got)
	}
}
