package settings

import (
	"testing"

	"bridge/change"
	"bridge/config"
)

// TestRulesGoByStreamNames: what decides rows knows tables and columns by their names between the regions, which history
// has; what's compared with the catalog knows them by the region's own.
func TestRulesGoByStreamNames(t *testing.T) {
	c := config.Default()
	c.Conflicts.Default = config.LastWriteWins
	c.Tables.Rename = map[string]config.Rename{"shop.konto": {To: "public.accounts", Columns: map[string]string{"stand": "balance"}}}
	c.Tables.Schemas = map[string]string{"shop": "public"}
	counters := func(column string) config.TableConflicts {
		return config.TableConflicts{Columns: map[string]config.ColumnRule{column: {Merge: "counter"}}, Groups: map[string][]string{"all": {"a", "b"}}}
	}
	c.Conflicts.Tables = map[string]config.TableConflicts{"public.accounts": counters("balance"), "public.stock": counters("qty")}
	streams, err := Rules(c)
	if err != nil {
		t.Fatal(err)
	}
	local, err := LocalRules(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ schema, table, column, localSchema, localTable, localColumn string }{
		{"public", "accounts", "balance", "shop", "konto", "stand"},
		{"public", "stock", "qty", "shop", "stock", "qty"},
	} {
		here, there := streams.Of(change.TableName{Schema: tc.schema, Name: tc.table}), local.Of(change.TableName{Schema: tc.localSchema, Name: tc.localTable})
		if here.Columns[tc.column].Merge.String() != "counter" || there.Columns[tc.localColumn].Merge.String() != "counter" || len(here.Groups) != 1 || len(there.Groups) != 1 {
			t.Errorf("table %s: %+v, and as %s here: %+v", tc.table, here.Columns, tc.localTable, there.Columns)
		}
	}
	if streams.Fingerprint != local.Fingerprint || streams.Fingerprint == "" {
		t.Errorf("fingerprints %q and %q", streams.Fingerprint, local.Fingerprint)
	}
}

// TestFingerprint: it depends on what is said, not on what could be.
func TestFingerprint(t *testing.T) {
	of := func(tables map[string]config.TableConflicts) string {
		return fingerprintOf(&config.Conflicts{Default: config.LastWriteWins, Tables: tables})
	}
	if of(nil) != "" {
		t.Error("the default has a fingerprint")
	}
	counter := of(map[string]config.TableConflicts{"public.t": {Columns: map[string]config.ColumnRule{"n": {Merge: "counter"}}}})
	columns := of(map[string]config.TableConflicts{"public.t": {Columns: map[string]config.ColumnRule{}}})
	rows := of(map[string]config.TableConflicts{"public.t": {}})
	if counter == columns || columns == rows || counter == rows {
		t.Errorf("different rules, and fingerprints %s, %s, %s", counter, columns, rows)
	}
	// Records in topics have it: it must stay what it is when settings are added.
	if want := "839e68d497040d57"; counter != want {
		t.Errorf("a counter's is %s, want %s", counter, want)
	}
}
