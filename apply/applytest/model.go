package applytest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bridge/apply"
)

// model: a random run of transactions leaves what the same writes leave in a map, and tells the same rows missing.
func model(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	s := open(t, b, 0)
	rapid.Check(t, func(rt *rapid.T) {
		b.exec(t, `DELETE FROM app.item`)
		rows := map[int][2]string{}
		for range rapid.IntRange(1, 4).Draw(rt, "transactions") {
			now := maps.Clone(rows)
			var missing []int
			var batch []apply.Write
			for i, id := range rapid.SliceOfNDistinct(rapid.IntRange(0, 12), 0, 10, rapid.ID[int]).Draw(rt, "ids") {
				w, found := draw(rt, now, id)
				batch = append(batch, w)
				if !found {
					missing = append(missing, i)
				}
			}
			s.begin(rapid.Bool().Draw(rt, "in order"))
			out, err := s.Write(t.Context(), batch)
			if err != nil {
				rt.Fatal(err)
			}
			slices.Sort(out.Missing)
			if !slices.Equal(out.Missing, missing) {
				rt.Fatalf("missing %v, want %v", out.Missing, missing)
			}
			if rapid.Bool().Draw(rt, "commit") {
				s.commit()
				rows = now
			} else {
				s.rollback()
			}
			compare(rt, b.Rows(t, all), rows)
		}
	})
}

// draw draws a write of a row and does it to the model. found is false of an update or delete of no row.
func draw(t *rapid.T, rows map[int][2]string, id int) (w apply.Write, found bool) {
	key := strconv.Itoa(id)
	name, n := "r"+key+rapid.SampledFrom([]string{"", "x", "é", `\'`, "😀"}).Draw(t, "name"), strconv.Itoa(rapid.IntRange(-1, 3).Draw(t, "n"))
	row, found := rows[id]
	switch rapid.SampledFrom([]string{"upsert", "upsert", "update", "name", "n", "delete"}).Draw(t, "kind") {
	case "upsert":
		rows[id] = [2]string{name, n}
		return item(apply.Upsert, key, name, n), true
	case "update":
		row = [2]string{name, n}
		w = item(apply.Update, key, name, n)
	case "name":
		row[0] = name
		w = item(apply.Update, key, name, "-")
	case "n":
		row[1] = "NULL"
		w = item(apply.Update, key, "-", "NULL")
	default:
		delete(rows, id)
		return item(apply.Delete, key), found
	}
	if found {
		rows[id] = row
	}
	return w, found
}

func compare(t *rapid.T, got []string, rows map[int][2]string) {
	var want []string
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		want = append(want, strings.Join([]string{strconv.Itoa(id), rows[id][0], rows[id][1]}, "|"))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the table holds %q, want %q", got, want)
	}
}
