package visibility

import (
	"fmt"
	"slices"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// parkedLot is what the naive model keeps of a parked row.
type parkedLot struct {
	row      Parked
	marks    Marks
	blockers []change.Key
	tables   []change.TableName
}

// naive is a Parking without indexes.
type naive map[change.Key]parkedLot

func (n naive) keys(f func(change.Key, parkedLot) bool) (keys []change.Key) {
	for k, l := range n {
		if f(k, l) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

func (n naive) with(v Value) []change.Key {
	return n.keys(func(_ change.Key, l parkedLot) bool { return slices.Contains(slices.Collect(l.marks.all), v) })
}

func (n naive) concerned(key change.Key) []change.Key {
	return n.keys(func(k change.Key, l parkedLot) bool {
		ofTable := key.Row == "" && (k.Table == key.Table || slices.ContainsFunc(l.blockers, func(b change.Key) bool { return b.Table == key.Table }))
		return k == key || ofTable || slices.Contains(l.blockers, key) || slices.Contains(l.tables, key.Table)
	})
}

// TestParkingIndexes: rows are put, put again with other values, and removed; the indexes say what looking through all would.
func TestParkingIndexes(t *testing.T) {
	shapes := []*change.Table{teamShape, personShape}
	rapid.Check(t, func(t *rapid.T) {
		c := catalogOf(Park, Park, ParkChild, rapid.Bool().Draw(t, "nulls"))
		p, model := NewParking(), naive{}
		var values []Value
		few := func(name string) string { return rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, name) }
		row := func() *Row {
			id := fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "id"))
			if rapid.Bool().Draw(t, "team") {
				return rowOf(teamShape, id, few("leader"), "t", few("mail"))
			}
			return rowOf(personShape, id, few("team"), few("mentor"), few("mail"), few("nick"))
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			r := row()
			if rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				p.Remove(r.Key)
				delete(model, r.Key)
				continue
			}
			l := parkedLot{row: Parked{Row: *r}}
			l.marks, _ = mark(c[r.Key.Table], r)
			values = slices.AppendSeq(values, l.marks.all)
			for range rapid.IntRange(0, 2).Draw(t, "blockers") {
				l.blockers = append(l.blockers, row().Key)
			}
			if rapid.IntRange(0, 3).Draw(t, "wide") == 0 {
				l.tables = append(l.tables, rapid.SampledFrom(shapes).Draw(t, "table").TableName)
			}
			p.Put(l.row, l.marks, l.blockers, l.tables)
			model[r.Key] = l
		}
		if got, want := p.Keys(), model.keys(func(change.Key, parkedLot) bool { return true }); !slices.Equal(got, want) || p.Len() != len(want) {
			t.Fatalf("%d rows %v, want %v", p.Len(), got, want)
		}
		for _, v := range values {
			if got, want := p.With(v), model.with(v); !slices.Equal(got, want) {
				t.Fatalf("with %v: %v, want %v", v, got, want)
			}
		}
		asked := []change.Key{{Table: teamShape.TableName}, {Table: personShape.TableName}}
		for range 10 {
			asked = append(asked, row().Key)
		}
		for _, key := range asked {
			if got, want := p.Concerned(key), model.concerned(key); !slices.Equal(got, want) {
				t.Fatalf("concerned by %s: %v, want %v", key, got, want)
			}
			want, isThere := model[key]
			if got := p.Get(key); (got != nil) != isThere || isThere && !slices.Equal(got.Image, want.row.Image) {
				t.Fatalf("%s is %v, want %v", key, got, want)
			}
			if got := p.MarksOf(key); !got.Equal(&want.marks) {
				t.Fatalf("%s has marks %v, want %v", key, got, want.marks)
			}
		}
		for _, key := range p.Keys() {
			p.Remove(key)
		}
		if n := len(p.rows) + len(p.held) + len(p.watched) + len(p.wide); n != 0 {
			t.Fatalf("%d entries are left of nothing", n)
		}
	})
}
