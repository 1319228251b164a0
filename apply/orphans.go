package apply

import (
	"slices"

	"bridge/visibility"
)

// leavesOrphans reports whether rows are parked for want of a parent of which the foreign key's policy has one region do something.
func (s *Settlement) leavesOrphans() bool {
	return slices.ContainsFunc(s.scene.All(), func(c *visibility.Candidate) bool {
		return c.Row != nil && c.Reason == visibility.ByParent && slices.ContainsFunc(c.Table.Foreign, func(f visibility.Foreign) bool {
			return f.Name == c.Constraint && f.Policy.IsMended()
		})
	})
}
