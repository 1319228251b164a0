package setup

import (
	"fmt"
	"maps"
	"slices"

	"bridge/cmd/bridge/internal/settings"
	"bridge/config"
	"bridge/internal/preflight"
)

// dropNotes say what the policy drop needs.
func dropNotes(c *config.Config) (notes []preflight.Finding) {
	for stream, t := range c.Conflicts.Tables {
		for _, key := range slices.Sorted(maps.Keys(t.ForeignKeys)) {
			if t.ForeignKeys[key] == config.Drop {
				notes = append(notes, preflight.Finding{Level: preflight.Note, Object: stream, Text: fmt.Sprintf(
					"rows that lack a parent by the foreign key (%s) are dropped by the bridge of region %s: it must have the key, too, and while it's away they wait in bridge.parked", key, settings.DroppingRegion(c))})
			}
		}
	}
	return notes
}
