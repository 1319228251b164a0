package watch

import (
	"strings"
	"testing"

	"bridge/compare"
)

// What columns can't hold is told of tables that differ: in the others nobody has such a value.
func TestComparisonText(t *testing.T) {
	limits := []string{`column "n": numeric in eu holds what decimal(10,2) in us can't: NaN`}
	var b strings.Builder
	err := writeComparison(&b, &compare.Result{Regions: []string{"eu", "us"}, Tables: []*compare.TableResult{
		{Table: "public.a", Verdict: compare.Equal, Rows: map[string]int64{"eu": 1, "us": 1}, Limits: limits},
		{Table: "public.b", Verdict: compare.Different, Rows: map[string]int64{"eu": 2, "us": 2}, Limits: limits, Key: []string{"id"},
			Different: []compare.Difference{{Key: []string{"7"}, Groups: [][]string{{"eu"}, {"us"}}}}},
	}})
	want := `public.a  1 row   equal
public.b  2 rows  1 row different
public.b
  note: column "n": numeric in eu holds what decimal(10,2) in us can't: NaN
  (id) = (7): eu | us
`
	if got := b.String(); err != nil || got != want {
		t.Errorf("got\n%s\nwant\n%s\n%v", got, want, err)
	}
}
