package visibility

import (
	"cmp"

	"bridge/change"
)

// IsMended reports whether one region writes something, for all, where a child is hidden by the foreign key: see package mend.
func (p ForeignPolicy) IsMended() bool { return p == DropChild || p == KeepParent }

// AreMended reports whether one of the table's foreign keys has such a policy.
func (p TablePolicies) AreMended() bool {
	for _, policy := range p.Foreign {
		if policy.IsMended() {
			return true
		}
	}
	return false
}

// AreMended reports whether a foreign key of any table has such a policy.
func (p Policies) AreMended() bool {
	for _, table := range p {
		if table.AreMended() {
			return true
		}
	}
	return false
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
