package postgres

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/jackc/pglogrepl"
	"pgregory.net/rapid"
)

// TestSpool appends to several spills at random and reads each back, with memory limits that make all,
// some or none of it go to files.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int64{0, chunkSize, 3 * chunkSize, 1 << 40}).Draw(t, "limit")
		s := newSpool(dir, limit)
		spills := []*spill{{}, {}, {}}
		wants := make([][]record, len(spills))
		for range rapid.IntRange(0, 60).Draw(t, "records") {
			i := rapid.IntRange(0, len(spills)-1).Draw(t, "spill")
			size := rapid.SampledFrom([]int{0, 1, 1000, chunkSize - recordHeader, chunkSize, 2 * chunkSize}).Draw(t, "size")
			rec := record{
				xid: rapid.Uint32().Draw(t, "xid"), at: pglogrepl.LSN(rapid.Uint64().Draw(t, "at")),
				tag: rapid.Byte().Draw(t, "tag"), body: bytes.Repeat([]byte{byte(len(wants[i]))}, size),
			}
			wants[i] = append(wants[i], rec)
			if err := s.append(spills[i], rec); err != nil {
				t.Fatal(err)
			}
			if s.used > limit {
				t.Fatalf("%d bytes in memory, limit %d", s.used, limit)
			}
		}
		for i, sp := range spills {
			r := sp.reader()
			for n, want := range wants[i] {
				got, err := r.next()
				if err != nil || got.xid != want.xid || got.at != want.at || got.tag != want.tag || !bytes.Equal(got.body, want.body) {
					t.Fatalf("record %d of spill %d is %d bytes of %d at %s, want %d of %d at %s, %v", n, i, len(got.body), got.xid, got.at, len(want.body), want.xid, want.at, err)
				}
			}
			if _, err := r.next(); err != io.EOF {
				t.Fatalf("after the last: %v", err)
			}
			if err := s.release(sp); err != nil {
				t.Fatal(err)
			}
		}
		if s.used != 0 || len(s.open) != 0 {
			t.Fatalf("afterwards %d bytes of %d spills are held", s.used, len(s.open))
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}
