package spool

import (
	"bytes"
	"io"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// TestSpool appends to several spills at random and reads each back, with memory limits that make all,
// some or none of it go to files.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int64{0, firstChunk, chunkSize, 3 * chunkSize, 1 << 40}).Draw(t, "limit")
		s := New(dir, limit)
		spills := []*Spill{{}, {}, {}}
		wants := make([][][]byte, len(spills))
		sizes := make([]int64, len(spills))
		for range rapid.IntRange(0, 60).Draw(t, "records") {
			i := rapid.IntRange(0, len(spills)-1).Draw(t, "spill")
			head := rapid.SliceOfN(rapid.Byte(), 0, 13).Draw(t, "head")
			size := rapid.SampledFrom([]int{0, 1, 1000, firstChunk - lengthBytes, chunkSize - lengthBytes, chunkSize, 2 * chunkSize}).Draw(t, "size")
			body := bytes.Repeat([]byte{byte(len(wants[i]))}, size)
			wants[i] = append(wants[i], append(bytes.Clone(head), body...))
			sizes[i] += int64(lengthBytes + len(head) + len(body))
			if err := s.Append(spills[i], head, body); err != nil {
				t.Fatal(err)
			}
			clear(head) // they were copied
			clear(body)
			if s.Held() > limit {
				t.Fatalf("%d bytes in memory, limit %d", s.Held(), limit)
			}
		}
		for i, sp := range spills {
			if sp.Size() != sizes[i] {
				t.Fatalf("spill %d has %d bytes, want %d", i, sp.Size(), sizes[i])
			}
			for range 2 { // reading leaves it as it is
				read(t, sp, wants[i])
			}
			if err := s.Release(sp); err != nil {
				t.Fatal(err)
			}
			if sp.Size() != 0 {
				t.Fatalf("released, spill %d has %d bytes", i, sp.Size())
			}
		}
		if s.Held() != 0 || len(s.open) != 0 {
			t.Fatalf("afterwards %d bytes of %d spills are held", s.Held(), len(s.open))
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func read(t *rapid.T, sp *Spill, wants [][]byte) {
	r := sp.Reader()
	for n, want := range wants {
		if got, err := r.Next(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("record %d is %d bytes, want %d, %v", n, len(got), len(want), err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatalf("after the last: %v", err)
	}
}

// TestClose: whatever is left is freed, in memory or in a file.
func TestClose(t *testing.T) {
	s := New(t.TempDir(), 2*firstChunk)
	spills := []*Spill{{}, {}, {}}
	for _, sp := range spills {
		if err := s.Append(sp, nil, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	var file *os.File
	for _, sp := range spills {
		if sp.file != nil {
			file = sp.file
		}
	}
	if file == nil || s.Held() != 2*firstChunk {
		t.Fatalf("%d bytes are held, file %v", s.Held(), file)
	}
	if err := s.Close(); err != nil || s.Held() != 0 {
		t.Errorf("%d bytes are held, %v", s.Held(), err)
	}
	if _, err := file.Stat(); err == nil {
		t.Error("the file is open")
	}
}

// TestSmallSpills: many small transactions don't take a chunk's memory each.
func TestSmallSpills(t *testing.T) {
	s := New("missing", 1<<40)
	for range 100 {
		if err := s.Append(&Spill{}, []byte{1}, make([]byte, 200)); err != nil {
			t.Fatal(err)
		}
	}
	if s.Held() > 100*firstChunk {
		t.Errorf("%d bytes are held", s.Held())
	}
}

// TestCutFile: a file that lost its end is an error, not the end.
func TestCutFile(t *testing.T) {
	for _, cut := range []int64{1, 99, 100, 102} {
		s, sp := New(t.TempDir(), 0), &Spill{}
		for range 2 {
			if err := s.Append(sp, nil, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		if err := sp.file.Truncate(sp.size - cut); err != nil {
			t.Fatal(err)
		}
		r := sp.Reader()
		if got, err := r.Next(); err != nil || len(got) != 100 {
			t.Errorf("less %d bytes, the first: %d, %v", cut, len(got), err)
		}
		if _, err := r.Next(); err == nil || err == io.EOF {
			t.Errorf("less %d bytes, the second: %v", cut, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMissingDirectory(t *testing.T) {
	dir := t.TempDir() + "/missing"
	if err := New(dir, 0).Append(&Spill{}, nil, []byte("x")); err == nil || !bytes.Contains([]byte(err.Error()), []byte(dir)) {
		t.Error(err)
	}
}
