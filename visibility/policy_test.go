package visibility

import (
	"testing"

	"bridge/change"
)

func TestPoliciesAreMended(t *testing.T) {
	for policy, want := range map[ForeignPolicy]bool{ParkChild: false, NullChild: false, DropChild: true, KeepParent: true} {
		p := Policies{{Schema: "public", Name: "a"}: {}, {Schema: "public", Name: "b"}: {
			Unique: map[string]UniquePolicy{"x": {Rename, "x"}}, Foreign: map[string]ForeignPolicy{"a": ParkChild, "b, c": policy},
		}}
		if got := p.AreMended(); got != want {
			t.Errorf("%s: %t", policy, got)
		}
		if got := p[change.TableName{Schema: "public", Name: "a"}].AreMended(); got {
			t.Errorf("%s: of a table without any", policy)
		}
	}
}
