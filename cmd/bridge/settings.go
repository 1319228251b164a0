package main

import (
	"maps"
	"slices"

	"bridge/change"
	"bridge/config"
)

// regionNames are the cluster's members, sorted.
func regionNames(c *config.Config) []string { return slices.Sorted(maps.Keys(c.Regions)) }

// selected chooses the replicated tables, by their own names.
func selected(c *config.Config) func(change.TableName) bool {
	return func(t change.TableName) bool { return c.Replicates(t.Schema, t.Name) }
}
