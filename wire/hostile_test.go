package wire_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"bridge/change"
	"bridge/wire"
)

// TestHostileCounts: wherever a huge number stands in a record, it costs no more memory than a small
// multiple of the record's size.
func TestHostileCounts(t *testing.T) {
	ts, state, pos := sample()
	good := build(t, "prod", state, pos, ts...)
	for _, huge := range [][]byte{
		{0xff, 0xff, 0xff, 0xff, 0x0f}, {0xff, 0xff, 0x03}, {0xff, 0x7f},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
	} {
		for i := range good {
			// What follows could be the content that was announced.
			record := slices.Concat(good[:i], huge, good[i+1:], bytes.Repeat([]byte{1}, 4<<10))
			if used := allocated(func() { wire.Decode(record) }); used > 200*uint64(len(record)) {
				t.Fatalf("%x at %d: %d bytes were allocated for a record of %d", huge, i, used, len(record))
			}
		}
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDecoderForgets: a decoder that is sent ever new tables doesn't grow with them.
func TestDecoderForgets(t *testing.T) {
	d := wire.NewDecoder("")
	name := make([]byte, 1<<20)
	for i := range 40 {
		name[0] = byte(i)
		table := change.NewTable(change.TableName{Schema: "s", Name: string(name)}, []change.Column{{Name: "id", Type: "integer", Key: true}}, false)
		ts, state, pos := sample()
		tx := ts[0]
		r := image("1")
		tx.Operations = []change.Operation{{Kind: change.Insert, Table: table, Key: key(table, r), New: r}}
		state.Seq = tx.Dot.Seq
		if _, err := d.Decode(build(t, "c", state, pos, tx)); err != nil {
			t.Fatal(err)
		}
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 60<<20 { // 40 MiB of names, doubled by the keys that hold them, were seen
		t.Errorf("%d MiB are in use", m.HeapAlloc>>20)
	}
	runtime.KeepAlive(d)
}
