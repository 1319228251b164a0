package visibility

import (
	"strings"
	"testing"

	"bridge/change"
)

// TestCheckRefusesWhatIsntBuilt: a policy that nothing keeps must not be taken for one that is.
func TestCheckRefusesWhatIsntBuilt(t *testing.T) {
	for _, built := range []ForeignPolicy{ParkChild, NullChild, DropChild} {
		p := Policies{{Schema: "public", Name: "b"}: {Unique: map[string]UniquePolicy{"x": {Rename, "x"}, "y": {Null, "y"}, "z": {}}, Foreign: map[string]ForeignPolicy{"a": built}}}
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", built, err)
		}
	}
	for _, refused := range []ForeignPolicy{KeepParent} {
		p := Policies{}
		for _, name := range []string{"c", "b", "d"} {
			p[change.TableName{Schema: "public", Name: name}] = TablePolicies{Foreign: map[string]ForeignPolicy{"z": refused, "m, n": refused, "a": NullChild}}
		}
		err := p.Check()
		if want := "table public.b, foreign key (m, n): the policy " + refused.String() + " isn't built yet"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
