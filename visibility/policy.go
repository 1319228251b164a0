package visibility

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"bridge/change"
)

// Check says which policy can't be kept, the first of them by table and columns.
func (p Policies) Check() error {
	for _, table := range slices.SortedFunc(maps.Keys(p), compareNames) {
		foreign := p[table].Foreign
		for _, columns := range slices.Sorted(maps.Keys(foreign)) {
			switch foreign[columns] {
			case DropChild, KeepParent:
				return fmt.Errorf("table %s, foreign key (%s): the policy %s isn't built yet; choose %s or %s", table, columns, foreign[columns], ParkChild, NullChild)
			}
		}
	}
	return nil
}

func compareNames(a, b change.TableName) int {
	return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
}

// String is the policy's word in the configuration.
func (p ForeignPolicy) String() string {
	return [...]string{ParkChild: "park", NullChild: "set_null", DropChild: "drop", KeepParent: "keep_parent"}[p]
}

// String is the policy's word in the configuration.
func (l Loser) String() string { return [...]string{Park: "park", Null: "null", Rename: "rename"}[l] }
