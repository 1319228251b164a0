package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
)

// Vector is what a transaction of self had seen of the other origins: the last transaction of each.
func Vector(v change.Vector, self change.Origin) map[string]uint64 {
	out := make(map[string]uint64, len(v))
	for _, e := range v {
		if e.Origin != self {
			out[string(e.Origin)] = e.Seq
		}
	}
	return out
}

// VectorText is the same for people.
func VectorText(saw map[string]uint64) string {
	var parts []string
	for _, origin := range slices.Sorted(maps.Keys(saw)) {
		parts = append(parts, fmt.Sprintf("%s:%d", origin, saw[origin]))
	}
	if parts == nil {
		return "nothing of others"
	}
	return strings.Join(parts, " ")
}
