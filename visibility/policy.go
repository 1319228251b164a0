package visibility

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"bridge/change"
)

// Drop reports whether one of the table's foreign keys has the policy [DropChild].
func (p TablePolicies) Drop() bool {
	for _, policy := range p.Foreign {
		if policy == DropChild {
			return true
		}
	}
	return false
}

// Drop reports whether a foreign key of any table has the policy [DropChild].
func (p Policies) Drop() bool {
	for _, table := range p {
		if table.Drop() {
			return true
		}
	}
	return false
}

// Check says which policy can't be kept, the first of them by table and columns.
func (p Policies) Check() error {
	for _, table := range slices.SortedFunc(maps.Keys(p), compareNames) {
		foreign := p[table].Foreign
		for _, columns := range slices.Sorted(maps.Keys(foreign)) {
			switch foreign[columns] {
			case KeepParent:
				return fmt.Errorf("table %s, foreign key (%s): the policy %s isn't built yet; choose %s, %s or %s", table, columns, foreign[columns], ParkChild, NullChild, DropChild)
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
