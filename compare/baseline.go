package compare

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strings"

	"bridge/change"
	"bridge/wire"
)

// Fingerprint is equal for tables that are defined alike: columns with their types in any order, and the key.
func (t *Table) Fingerprint() uint64 {
	h := fnv.New64a()
	put := func(s string) { io.WriteString(h, s); h.Write([]byte{0}) } //nolint:errcheck // a hash doesn't fail
	for _, c := range slices.SortedFunc(slices.Values(t.Columns), func(a, b Column) int { return strings.Compare(a.Name, b.Name) }) {
		put(c.Name)
		put(c.describe())
	}
	put("") // no column has this name
	for _, k := range slices.Sorted(slices.Values(t.Key)) {
		put(k)
	}
	return h.Sum64()
}

// BaselineDifference is a table that two regions don't begin with alike.
type BaselineDifference struct {
	Table change.TableName
	Text  string // one line
}

// BaselineDifferences are the tables that regions a and b don't begin with alike, by name.
func BaselineDifferences(nameA string, a wire.Baseline, nameB string, b wire.Baseline) (out []BaselineDifference) {
	inA, inB := byName(a), byName(b)
	all := maps.Clone(inA)
	maps.Copy(all, inB)
	for _, name := range slices.SortedFunc(maps.Keys(all), compareNames) {
		ta, hasA := inA[name]
		tb, hasB := inB[name]
		var text string
		switch {
		case !hasA:
			text = fmt.Sprintf("isn't replicated by region %s, but by %s", nameA, nameB)
		case !hasB:
			text = fmt.Sprintf("isn't replicated by region %s, but by %s", nameB, nameA)
		case ta.Definition != tb.Definition:
			text = fmt.Sprintf("isn't defined alike in %s and %s", nameA, nameB)
		case ta.Rows != tb.Rows:
			text = fmt.Sprintf("has %d rows in %s and %d in %s", ta.Rows, nameA, tb.Rows, nameB)
		case ta.Content != tb.Content:
			text = fmt.Sprintf("has %d rows in both %s and %s, but not the same ones", ta.Rows, nameA, nameB)
		default:
			continue
		}
		out = append(out, BaselineDifference{name, text})
	}
	return out
}

func byName(b wire.Baseline) map[change.TableName]wire.TableBaseline {
	out := make(map[change.TableName]wire.TableBaseline, len(b))
	for _, t := range b {
		out[t.TableName] = t
	}
	return out
}
