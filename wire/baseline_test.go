package wire_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bridge/change"
	"bridge/wire"
)

var drawnBaseline = rapid.SliceOf(rapid.Custom(func(t *rapid.T) wire.TableBaseline {
	return wire.TableBaseline{
		TableName: change.TableName{Schema: rapid.String().Draw(t, "schema"), Name: rapid.String().Draw(t, "name")},
		Engine:    rapid.SampledFrom([]string{"", "postgres", "mysql"}).Draw(t, "engine"),
		Rows:      rapid.Uint64().Draw(t, "rows"), Definition: rapid.Uint64().Draw(t, "definition"), Content: rapid.Uint64().Draw(t, "content"),
		Columns: rapid.SliceOfN(drawnColumn, 1, 4).Draw(t, "columns"),
	}
}))

var drawnColumn = rapid.Custom(func(t *rapid.T) wire.ColumnBaseline {
	mark := rapid.IntRange(0, 2).Draw(t, "mark")
	return wire.ColumnBaseline{
		Name: rapid.String().Draw(t, "column"), Type: rapid.String().Draw(t, "type"),
		Key: mark == 1, Altered: mark == 2, Content: rapid.Uint64().Draw(t, "content"),
	}
})

// A baseline comes back, from Peek, too; and to a reader that doesn't look for it the record is a heartbeat
// of a region without transactions.
func TestBaselineComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawnBaseline.Draw(t, "baseline")
		record := wire.StartRecord("prod", eu, change.Position{Offset: 77}, 5, want)
		h, err := wire.Peek(record)
		if err != nil {
			t.Fatal(err)
		}
		got, told, err := h.ParseBaseline()
		if err != nil || !told || !slices.EqualFunc(got, want, func(a, b wire.TableBaseline) bool { return reflect.DeepEqual(a, b) }) {
			t.Fatalf("%v came back as %v, %v, %v", want, got, told, err)
		}
		rec, err := wire.Decode(record)
		if err != nil || rec.Kind != wire.HeartbeatMessage || rec.State.Seq != 0 || rec.Position.Offset != 77 || rec.Wall != 5 || rec.Origin != eu {
			t.Fatalf("%+v, %v", rec, err)
		}
	})
}

func TestOtherRecordsHaveNoBaseline(t *testing.T) {
	ts, state, pos := sample()
	for _, record := range [][]byte{build(t, "prod", state, pos, ts...), wire.Heartbeat("prod", eu, state, pos, 1)} {
		h, err := wire.Peek(record)
		if err != nil {
			t.Fatal(err)
		}
		if b, told, err := h.ParseBaseline(); told || b != nil || err != nil {
			t.Errorf("%v %v %v", b, told, err)
		}
	}
}

// Damage is told, wherever it is, and costs no memory out of proportion.
func TestDamagedBaseline(t *testing.T) {
	table := wire.TableBaseline{TableName: change.TableName{Schema: "public", Name: strings.Repeat("n", 20)}, Rows: 300, Columns: []wire.ColumnBaseline{{Name: "c", Type: "int"}}}
	good := wire.StartRecord("prod", eu, change.Position{}, 5, wire.Baseline{table, table})
	for i := range good {
		for _, c := range []byte{0, 1, 0x7f, 0x80, 0xff} {
			record := slices.Clone(good)
			record[i] = c
			used := allocated(func() {
				if h, err := wire.Peek(record); err == nil {
					h.ParseBaseline() //nolint:errcheck // it must not panic
				}
			})
			if used > 1<<20 { // a decoder that the pool didn't have counts, too
				t.Fatalf("byte %d as %x: %d bytes were allocated", i, c, used)
			}
		}
	}
}
