package apply

import (
	"slices"

	"bridge/visibility"
)

// leavesOrphans reports whether rows are parked that the policy of a foreign key wants dropped.
func (s *Settlement) leavesOrphans() bool {
	return slices.ContainsFunc(s.scene.All(), func(c *visibility.Candidate) bool {
		return c.Row != nil && c.Reason == visibility.ByParent && slices.ContainsFunc(c.Table.Foreign, func(f visibility.Foreign) bool {
			return f.Name == c.Constraint && f.Policy == visibility.DropChild
		})
	})
}
