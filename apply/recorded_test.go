package apply

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// over is an operation whose log carries the row before it.
func over(o change.Operation, old change.Operation) change.Operation {
	o.Old = old.New
	return o
}

// What a conflict's versions come to, by their fates, and what the row became.
func TestRecorded(t *testing.T) {
	base := ins("1", "x", "y")
	counters := &conflict.Rule{Columns: map[string]conflict.Column{"a": {Merge: conflict.Counter}}}
	for _, tc := range []struct {
		name   string
		rule   *conflict.Rule
		eu, us change.Operation // us is the later one
		fates  string           // of eu, us
		exists bool
		result string
	}{
		{"rows", conflict.LastWriteWins, upd("1", "e", "y"), upd("1", "x", "u"), "lost [a t], won []", true, `{"a":"x","id":"1","t":"u"}`},
		{"rows with what was before", conflict.LastWriteWins, over(upd("1", "e", "y"), base), over(upd("1", "x", "u"), base),
			"lost [a], won []", true, `{"a":"x","id":"1","t":"u"}`},
		{"the same value twice", conflict.LastWriteWins, upd("1", "e", "y"), upd("1", "e", "y"), "kept [], won []", true, `{"a":"e","id":"1","t":"y"}`},
		{"a hole is filled", conflict.LastWriteWins, upd("1", "x", "e"), upd("1", "x", "-"), "kept [], won []", true, `{"a":"x","id":"1","t":"e"}`},
		{"a delete wins", conflict.LastWriteWins, upd("1", "e", "y"), del("1"), "lost [id a t], won []", false, ""},
		{"a delete loses", conflict.LastWriteWins, del("1"), upd("1", "e", "y"), "lost [], won []", true, `{"a":"e","id":"1","t":"y"}`},
		{"both delete", conflict.LastWriteWins, del("1"), del("1"), "kept [], won []", false, ""},
		{"a counter and another column", counters, over(upd("1", "5", "y"), ins("1", "3", "y")), over(upd("1", "4", "u"), ins("1", "3", "y")),
			"kept [], won []", true, `{"a":"6","id":"1","t":"u"}`},
		{"columns", counters, over(upd("1", "3", "e"), ins("1", "3", "y")), over(upd("1", "3", "u"), ins("1", "3", "y")),
			"lost [t], won []", true, `{"a":"3","id":"1","t":"u"}`},
	} {
		txs := []*change.Transaction{txOf("eu", 1, 10, tc.eu), txOf("us", 1, 20, tc.us)}
		var ops history.Row
		for _, tx := range txs {
			ops = ops.Insert(history.EntryOf(&tx.Tag, &tx.Operations[0], 0, 0))
		}
		r := &conflict.Record{Rule: tc.rule, Key: tc.eu.Key, Incoming: txs[1].Dot, Versions: ops, Outcome: tc.rule.Decide(ops, &ops[1])}
		versions, result := recorded(t, r)
		if got := fmt.Sprintf("%s %v, %s %v", versions[0].Fate, versions[0].Lost, versions[1].Fate, versions[1].Lost); got != tc.fates {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.fates)
		}
		image, err := json.Marshal(result.Image)
		if got := strings.TrimPrefix(string(image), "null"); err != nil || result.Exists != tc.exists || got != tc.result {
			t.Errorf("%s: result %v %s (%v), want %v %s", tc.name, result.Exists, got, err, tc.exists, tc.result)
		}
	}
}

// Of what the log told of the row before, the columns that changed are kept; of a delete all.
func TestRecordedBefore(t *testing.T) {
	base := ins("1", "x", "y")
	for _, tc := range []struct {
		op   change.Operation
		want string
	}{
		{upd("1", "e", "y"), ""},
		{over(upd("1", "e", "y"), base), `"before":{"a":"x"}`},
		{over(del("1"), base), `"before":{"a":"x","id":"1","t":"y"}`},
	} {
		tx := txOf("eu", 1, 10, tc.op)
		e := history.EntryOf(&tx.Tag, &tx.Operations[0], 0, 0)
		r := &conflict.Record{Key: tc.op.Key, Incoming: tx.Dot, Versions: history.Row{e}, Outcome: conflict.Outcome{Winner: e}}
		versions, _, err := Recorded(r)
		if err != nil || strings.Contains(string(versions), "before") != (tc.want != "") || !strings.Contains(string(versions), tc.want) {
			t.Errorf("%s (%v), want %s", versions, err, tc.want)
		}
	}
}

// An update that found no row, and couldn't make one, is lost, whatever the rule.
func TestRecordedUpdateOfNothing(t *testing.T) {
	tx := txOf("eu", 1, 10, upd("1", "e", "-"))
	e := history.EntryOf(&tx.Tag, &tx.Operations[0], 0, 0)
	versions, result := recorded(t, &conflict.Record{Key: tx.Operations[0].Key, Incoming: tx.Dot, Versions: history.Row{e}, Outcome: conflict.Outcome{Winner: e}})
	if versions[0].Fate != FateLost || len(versions[0].Lost) != 2 || result.Exists {
		t.Errorf("%+v %+v", versions, result)
	}
}

func recorded(t *testing.T, r *conflict.Record) (versions []RecordedVersion, result RecordedResult) {
	t.Helper()
	v, s, err := Recorded(r)
	if err == nil {
		err = json.Unmarshal(v, &versions)
	}
	if err == nil {
		err = json.Unmarshal(s, &result)
	}
	if err != nil {
		t.Fatal(err)
	}
	return versions, result
}
