package capture

import (
	"fmt"
	"slices"
	"testing"

	"bridge/change"
	"bridge/naming"
	"bridge/value"
)

// TestOutward: tables go out under the names between the regions; withheld is what a policy changes and, among engines, what
// has one way of being written here and several elsewhere; never a key.
func TestOutward(t *testing.T) {
	name := change.TableName{Schema: "public", Name: "t"}
	local := change.NewTable(name, []change.Column{
		{Name: "id", Type: "uuid", Key: true}, {Name: "price", Type: "numeric"}, {Name: "other", Type: "uuid"}, {Name: "note", Type: "text"}, {Name: "tags", Type: "text[]"},
	}, true).On("postgres")
	names, err := naming.New(naming.Rules{Tables: []naming.Table{{Local: name, Stream: change.TableName{Schema: "shop", Name: "s"}, Columns: map[string]string{"note": "remark"}}}})
	if err != nil {
		t.Fatal(err)
	}
	clamp := func(table change.TableName, column string) value.Policy {
		if table == name && (column == "price" || column == "id") {
			return value.ClampValue
		}
		return value.RefuseValue
	}
	for _, tc := range []struct {
		outward Outward
		table   string
		held    []int
		altered string
	}{
		{Outward{}, "public.t note", nil, "[]"},
		{Outward{Names: names}, "shop.s remark", nil, "[]"},
		{Outward{Policy: clamp}, "public.t note", []int{1}, "[price]"},
		{Outward{Names: names, Policy: clamp, Others: []value.Engine{value.Postgres}}, "shop.s remark", []int{1, 2, 4}, "[price]"},
	} {
		stream, held, err := tc.outward.Table(local)
		if err != nil {
			t.Fatal(err)
		}
		if got := stream.String() + " " + stream.Columns[3].Name; got != tc.table || stream.Engine != "postgres" || !stream.Full {
			t.Errorf("%+v: the table is %s, %+v", tc.outward, got, stream)
		}
		if altered := fmt.Sprint(tc.outward.Altered(local)); !slices.Equal(held, tc.held) || altered != tc.altered {
			t.Errorf("%+v: withheld %v, altered %s", tc.outward, held, altered)
		}
	}
}

func TestWithhold(t *testing.T) {
	x, y := change.Text("x"), change.Text("y")
	old := change.Image{x, x, change.Null, change.Absent, x}
	row := change.Image{x, x, change.Null, y, y}
	Withhold([]int{1, 2, 3, 4}, old, row)
	if want := (change.Image{x, change.Absent, change.Absent, y, y}); !slices.Equal(row, want) {
		t.Errorf("got %v", row)
	}
}
