package settings

import (
	"reflect"
	"testing"

	"bridge/change"
	"bridge/config"
	"bridge/visibility"
)

// TestPoliciesOf: the configuration's words become policies by the tables' names between the regions, and part of the fingerprint.
func TestPoliciesOf(t *testing.T) {
	c := config.Default()
	c.Conflicts.Default = config.LastWriteWins
	table := config.TableConflicts{
		Unique:      map[string]config.UniquePolicy{"a": {Null: "a"}, "b, c": {Rename: "c"}, "d": {}},
		ForeignKeys: map[string]string{"e": config.SetNull, "f, g": config.Park, "h": config.Drop, "i": config.KeepParent},
	}
	c.Conflicts.Tables = map[string]config.TableConflicts{"public.t": table, "public.plain": {}}
	got := Policies(c)
	want := visibility.Policies{change.TableName{Schema: "public", Name: "t"}: {
		Unique:  map[string]visibility.UniquePolicy{"a": {Loser: visibility.Null, Column: "a"}, "b, c": {Loser: visibility.Rename, Column: "c"}, "d": {}},
		Foreign: map[string]visibility.ForeignPolicy{"e": visibility.NullChild, "f, g": visibility.ParkChild, "h": visibility.DropChild, "i": visibility.KeepParent},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	fingerprints := map[string]string{}
	add := func(name string, table config.TableConflicts) {
		f := fingerprintOf(&config.Conflicts{Default: config.LastWriteWins, Tables: map[string]config.TableConflicts{"public.t": table}})
		if other, twice := fingerprints[f]; twice {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		fingerprints[f] = name
	}
	add("nothing", config.TableConflicts{})
	add("everything", table)
	add("null", config.TableConflicts{Unique: map[string]config.UniquePolicy{"a": {Null: "a"}}})
	add("rename", config.TableConflicts{Unique: map[string]config.UniquePolicy{"a": {Rename: "a"}}})
	add("set_null", config.TableConflicts{ForeignKeys: map[string]string{"a": config.SetNull}})
	add("another key's", config.TableConflicts{ForeignKeys: map[string]string{"b": config.SetNull}})
	add("drop", config.TableConflicts{ForeignKeys: map[string]string{"a": config.Drop}})
	add("keep_parent", config.TableConflicts{ForeignKeys: map[string]string{"a": config.KeepParent}})
}
