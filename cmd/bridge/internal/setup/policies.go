package setup

import (
	"fmt"
	"maps"
	"slices"

	"bridge/cmd/bridge/internal/settings"
	"bridge/config"
	"bridge/internal/preflight"
)

// mendNotes say what the policies drop and keep_parent need, also those of conflicts.next.
func mendNotes(c *config.Config) []preflight.Finding {
	notes := mendNotesOf(c)
	if next := c.WithNext(); next != nil {
		notes = append(notes, slices.DeleteFunc(mendNotesOf(next), func(f preflight.Finding) bool { return slices.Contains(notes, f) })...)
	}
	return notes
}

func mendNotesOf(c *config.Config) (notes []preflight.Finding) {
	texts := map[string]string{
		config.Drop:       "rows that lack a parent by the foreign key (%s) are dropped by the bridge of region %s: it must have the key, too, and while it's away they wait in bridge.parked",
		config.KeepParent: "parents that rows lack by the foreign key (%s) are inserted again by the bridge of region %s: it must have the key, too, and while it's away the rows wait in bridge.parked",
	}
	for stream, t := range c.Conflicts.Tables {
		for _, key := range slices.Sorted(maps.Keys(t.ForeignKeys)) {
			if text := texts[t.ForeignKeys[key]]; text != "" {
				notes = append(notes, preflight.Finding{Level: preflight.Note, Object: stream, Text: fmt.Sprintf(text, key, settings.MendingRegion(c))})
			}
		}
	}
	return notes
}
