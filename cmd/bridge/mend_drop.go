package main

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"bridge/config"
	"bridge/internal/preflight"
	"bridge/mend"
	"bridge/visibility"
)

// dropperOf is what gives up rows that lack a parent, in the one region that does it; nil in the others, and where no policy asks for it.
func dropperOf(c *config.Config, policies visibility.Policies, log *slog.Logger) *mend.Dropper {
	if c.Region != droppingRegion(c) || !policies.Drop() {
		return nil
	}
	return mend.NewDropper(databaseOf(c).cases, policies, log)
}

// droppingRegion is the first by name, as of merges: all regions must know it alike.
func droppingRegion(c *config.Config) string { return regionNames(c)[0] }

// dropNotes say what the policy drop needs.
func dropNotes(c *config.Config) (notes []preflight.Finding) {
	for stream, t := range c.Conflicts.Tables {
		for _, key := range slices.Sorted(maps.Keys(t.ForeignKeys)) {
			if t.ForeignKeys[key] == config.Drop {
				notes = append(notes, preflight.Finding{Level: preflight.Note, Object: stream, Text: fmt.Sprintf(
					"rows that lack a parent by the foreign key (%s) are dropped by the bridge of region %s: it must have the key, too, and while it's away they wait in bridge.parked", key, droppingRegion(c))})
			}
		}
	}
	return notes
}
