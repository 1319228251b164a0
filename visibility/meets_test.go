package visibility

import (
	"testing"

	"pgregory.net/rapid"

	"bridge/change"
)

// TestMeets: of the rows of a table that meets no parked row, none has a parked row's value.
func TestMeets(t *testing.T) {
	name := func(n int) change.TableName { return change.TableName{Schema: "s", Name: string(rune('a' + n))} }
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Custom(func(t *rapid.T) Value {
			kind := rapid.SampledFrom([]ValueKind{OfUnique, OfReferred}).Draw(t, "kind")
			return Value{name(rapid.IntRange(0, 2).Draw(t, "table")), kind, rapid.IntRange(0, 1).Draw(t, "index"), rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "form")}
		})
		p, parked := NewParking(), map[change.Key]Value{}
		for range rapid.IntRange(1, 20).Draw(t, "moves") {
			key := change.Key{Table: name(0), Row: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "row")}
			if rapid.Bool().Draw(t, "away") {
				p.Remove(key)
				delete(parked, key)
				continue
			}
			v := value.Draw(t, "value")
			p.Put(Parked{Row: Row{Key: key}}, Marks{Holds: []Value{v}}, nil, nil)
			parked[key] = v
		}
		for n := range 3 {
			for i := range 2 {
				shape := &change.Table{TableName: name(n)}
				columns := make([][]string, i+1)
				uniques, referred := &Table{Shape: shape, Unique: make([]Unique, i+1)}, &Table{Shape: shape, Referred: columns}
				child := &Table{Shape: &change.Table{TableName: name(3)}, Foreign: []Foreign{{Parent: name(n), Refers: i}}}
				has := func(kind ValueKind, least int) bool {
					for _, v := range parked {
						if v.Has() && v.Table == name(n) && v.Kind == kind && least <= v.Index && v.Index <= i {
							return true
						}
					}
					return false
				}
				for _, of := range []struct {
					table *Table
					want  bool
				}{{uniques, has(OfUnique, 0)}, {referred, has(OfReferred, 0)}, {child, has(OfReferred, i)}} {
					if got := p.Meets(of.table); got != of.want {
						t.Fatalf("parked are %v: meets %+v is %t", parked, of.table, got)
					}
				}
			}
		}
	})
}
