// Package settings says what a configuration means in the terms of those who work by it: names, rules, policies, merges. It's pure.
package settings

import (
	"maps"
	"slices"

	"bridge/change"
	"bridge/config"
)

// Regions are the cluster's members, sorted.
func Regions(c *config.Config) []string { return slices.Sorted(maps.Keys(c.Regions)) }

// Selected chooses the replicated tables, by their own names.
func Selected(c *config.Config) func(change.TableName) bool {
	return func(t change.TableName) bool { return c.Replicates(t.Schema, t.Name) }
}
