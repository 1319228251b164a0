package preflight_test

import (
	"strings"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/internal/postgres/preflight"
)

func public(name string) change.TableName { return change.TableName{Schema: "public", Name: name} }

// TestConflictRules: what a table's rule can't work with is reported, with a fix; what it can isn't.
func TestConflictRules(t *testing.T) {
	b := setup(t, 15)
	b.admin(`CREATE TABLE public.plain (id int PRIMARY KEY, a text);
		CREATE TABLE public.thin (id int PRIMARY KEY, a text);
		CREATE TABLE public.wrong (id int PRIMARY KEY, n int, f float8, doc jsonb, t text, arr text[], d numeric(9,2), v varchar(9));
		CREATE TABLE public.good (LIKE public.wrong INCLUDING ALL);
		CREATE TABLE public.homes (id int, country char(2), PRIMARY KEY (id, country));
		ALTER TABLE public.wrong REPLICA IDENTITY FULL; ALTER TABLE public.good REPLICA IDENTITY FULL; ALTER TABLE public.homes REPLICA IDENTITY FULL`)
	b.grant()
	merge := func(m conflict.Merge) conflict.Column { return conflict.Column{Merge: m} }
	b.settings.Rules = &conflict.Rules{Default: conflict.LastWriteWins, Tables: map[change.TableName]*conflict.Rule{
		public("plain"): conflict.LastWriteWins,
		public("thin"):  {Order: conflict.EarliestWins},
		public("wrong"): {Columns: map[string]conflict.Column{"f": merge(conflict.Counter), "t": merge(conflict.Counter), "n": merge(conflict.Map), "doc": merge(conflict.Counter),
			"d": merge(conflict.Append), "id": merge(conflict.Counter), "gone": merge(conflict.Max)}, Groups: [][]string{{"n", "away"}}},
		public("good"): {Columns: map[string]conflict.Column{"n": merge(conflict.Counter), "d": merge(conflict.Counter), "doc": merge(conflict.Map), "t": merge(conflict.Append),
			"arr": merge(conflict.Set), "f": merge(conflict.Max), "v": {Merge: conflict.Set, Separator: ";"}}},
		public("homes"):                  {Order: conflict.ByHome, Home: &conflict.Home{Column: "land"}},
		public("nowhere"):                {Order: conflict.EarliestWins},
		{Schema: "private", Name: "own"}: {Order: conflict.EarliestWins}, // a table that isn't selected
	}}
	conn := b.connect()
	report := b.check(conn)
	for _, want := range []struct{ text, fix string }{
		{`public.thin: its conflict rule (first_write_wins) needs whole rows in the log`, `ALTER TABLE "public"."thin" REPLICA IDENTITY FULL;`},
		{`public.wrong: column "f" is of type double precision: a counter must be an integer or a decimal`, "choose another merge"},
		{`public.wrong: column "t" is of type text: a counter must be`, "choose another merge"},
		{`public.wrong: column "n" is of type integer: a map must be JSON`, "choose another merge"},
		{`public.wrong: column "doc" is of type jsonb: a counter must be`, "choose another merge"},
		{`public.wrong: column "d" is of type numeric: only text and lists can be appended to`, "choose another merge"},
		{`public.wrong: column "id" is part of the key`, "take it out of conflicts.tables"},
		{`public.wrong: has no column "gone", which its conflict rule merges`, "correct the names"},
		{`public.wrong: has no column "away", which its conflict rule has in a group`, "correct the names"},
		{`public.homes: has no column "land", which tells its rows' home region`, "correct the names"},
		{`public.nowhere: has a conflict rule, and isn't a replicated table`, "tables.include"},
		{`private.own: has a conflict rule, and isn't a replicated table`, "tables.include"},
	} {
		got := find(report, preflight.Error, want.text)
		if got == nil {
			t.Errorf("not reported: %s\n%s", want.text, list(report))
		} else if !strings.Contains(got.Fix, want.fix) {
			t.Errorf("%s: the fix is %q, want %q", want.text, got.Fix, want.fix)
		}
	}
	for _, table := range []string{"public.plain", "public.good"} {
		if strings.Contains(list(report), string(preflight.Error)+": "+table+":") {
			t.Errorf("reported too much of %s:\n%s", table, list(report))
		}
	}
	b.admin(`ALTER TABLE "public"."thin" REPLICA IDENTITY FULL;`)
	if find(b.check(conn), preflight.Error, "public.thin: its conflict rule") != nil {
		t.Error("the fix mends nothing")
	}
	b.settings.Rules = conflict.All(&conflict.Rule{Order: conflict.EarliestWins})
	if find(b.check(conn), preflight.Error, "public.plain: its conflict rule") == nil {
		t.Error("the default rule isn't compared with tables that have none of their own")
	}
}
