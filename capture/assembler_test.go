package capture

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bridge/change"
	"bridge/loopguard"
)

// TestWhatATransactionIs: its first row or mark decides, and what doesn't go with it is refused.
func TestWhatATransactionIs(t *testing.T) {
	marker := func(origin change.Origin, seq uint64, time change.Timestamp) func(*Assembler) error {
		return func(a *Assembler) error { return a.Mark(loopguard.Marker{Origin: origin, Seq: seq, Time: time}) }
	}
	data := func(a *Assembler) error {
		skip, err := a.Data()
		if !skip && err == nil {
			a.Room(1)
			a.Add(change.Operation{})
		}
		return err
	}
	barrier := func(a *Assembler) error { return a.Barrier(loopguard.Barrier{Token: 7}, "row of bridge.barrier") }
	type steps []func(*Assembler) error
	for name, tc := range map[string]struct {
		steps   steps
		want    Event
		refused string // what the last step says
	}{
		"nothing":              {nil, Event{Kind: Empty}, ""},
		"rows":                 {steps{data, data}, Event{Kind: Local, First: true, Last: true, Operations: make([]change.Operation, 2)}, ""},
		"an echo":              {steps{marker("b/1", 7, 9), data}, Event{Kind: Echo, Marker: loopguard.Marker{Origin: "b/1", Seq: 7, Time: 9}}, ""},
		"of several":           {steps{marker("b/1", 7, 9), marker("b/1", 8, 5), data, marker("b/1", 3, 4)}, Event{Kind: Echo, Marker: loopguard.Marker{Origin: "b/1", Seq: 8, Time: 9}}, ""},
		"a barrier":            {steps{barrier}, Event{Kind: Barrier, Barrier: loopguard.Barrier{Token: 7}}, ""},
		"a marker after rows":  {steps{data, marker("b/1", 7, 9)}, Event{}, "bridge.progress was written in the middle"},
		"and after a barrier":  {steps{barrier, marker("b/1", 7, 9)}, Event{}, "bridge.progress was written in the middle"},
		"two origins":          {steps{marker("b/1", 7, 9), marker("c/1", 7, 9)}, Event{}, "markers of b/1 and c/1"},
		"a barrier after rows": {steps{data, barrier}, Event{}, "a barrier (a row of bridge.barrier) came in the middle"},
		"in an echo":           {steps{marker("b/1", 7, 9), barrier}, Event{}, "a barrier (a row of bridge.barrier) came in the middle"},
		"and twice":            {steps{barrier, barrier}, Event{}, "a barrier (a row of bridge.barrier) came in the middle"},
		"rows after a barrier": {steps{barrier, data}, Event{}, "with a barrier (a row of bridge.barrier) changes rows"},
	} {
		t.Run(name, func(t *testing.T) {
			var a Assembler
			a.Begin(99, 99) // that isn't finished
			if err := data(&a); err != nil {
				t.Fatal(err)
			}
			a.Begin(3, 5)
			for i, step := range tc.steps {
				err := step(&a)
				if refused := tc.refused != "" && i == len(tc.steps)-1; !refused && err != nil {
					t.Fatalf("step %d: %v", i, err)
				} else if refused {
					if !errors.Is(err, ErrLog) || !strings.Contains(err.Error(), tc.refused) || !strings.Contains(err.Error(), "only bridge may write") {
						t.Errorf("%v, want %q", err, tc.refused)
					}
					return
				}
			}
			if a.Kind() != tc.want.Kind {
				t.Errorf("kind %d before the end, want %d", a.Kind(), tc.want.Kind)
			}
			tc.want.Xid, tc.want.CommitTime, tc.want.Position = 3, 5, change.Position{Offset: 11}
			if got := a.Finish(change.Position{Offset: 11}); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// TestPieces: the pieces of a transaction have its operations, each once and in order, none is empty, and none
// holds more than its limit and the rows that filled it. Only the last has the position.
func TestPieces(t *testing.T) {
	names := make([]string, 5*PieceOperations)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	rapid.Check(t, func(t *rapid.T) {
		var a Assembler
		for xid := range rapid.Uint32Range(1, 2).Draw(t, "transactions") {
			a.Begin(xid, change.Timestamp(10*xid))
			var pieces []Event
			var sizes []int // of the rows, in the log
			added := 0
			for range rapid.IntRange(1, 5).Draw(t, "messages") {
				if skip, err := a.Data(); skip || err != nil {
					t.Fatal(skip, err)
				}
				rows := rapid.SampledFrom([]int{1, 2, 1000, PieceOperations - 1, PieceOperations}).Draw(t, "rows")
				size := rapid.SampledFrom([]int{1, 1000, PieceBytes / 2, PieceBytes, 2 * PieceBytes}).Draw(t, "bytes")
				a.Room(size)
				if e, ok := a.Take(); ok {
					pieces = append(pieces, e)
				}
				for range rows {
					a.Add(change.Operation{Key: change.Key{Row: names[added]}})
					sizes = append(sizes, size/rows)
					added++
				}
				if _, ok := a.Take(); ok {
					t.Fatal("a piece is ready that may be the last one")
				}
			}
			if a.Pieces() != len(pieces) {
				t.Fatalf("%d pieces, %d were given out", a.Pieces(), len(pieces))
			}
			end := change.Position{Offset: uint64(100 * xid)}
			pieces = append(pieces, a.Finish(end))
			n := 0
			for i, e := range pieces {
				last := i == len(pieces)-1
				if e.Kind != Local || e.Xid != xid || e.CommitTime != change.Timestamp(10*xid) || e.First != (i == 0) || e.Last != last {
					t.Fatalf("piece %d of %d: %d, transaction %d, first %v, last %v", i, len(pieces), e.Kind, e.Xid, e.First, e.Last)
				}
				if want := (change.Position{}); last && e.Position != end || !last && e.Position != want {
					t.Fatalf("piece %d of %d is at %s", i, len(pieces), e.Position)
				}
				bytes := 0
				for _, o := range e.Operations {
					if o.Key.Row != names[n] {
						t.Fatalf("operation %d is %s", n, o.Key.Row)
					}
					bytes += sizes[n]
					n++
				}
				if ops := len(e.Operations); ops == 0 || ops >= 2*PieceOperations || bytes >= 3*PieceBytes {
					t.Fatalf("piece %d has %d operations of %d bytes", i, ops, bytes)
				}
			}
			if n != added {
				t.Fatalf("%d operations of %d came", n, added)
			}
		}
	})
}

// TestImages: each is absent throughout, and nothing written to one shows in another.
func TestImages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Assembler
		var images []change.Image
		for i, n := range rapid.SliceOfN(rapid.IntRange(0, 2*slab), 1, 20).Draw(t, "columns") {
			if rapid.Bool().Draw(t, "another transaction") {
				a.Begin(0, 0)
			}
			row := a.Image(n)
			if len(row) != n || slices.ContainsFunc(row, func(v change.Value) bool { return !v.IsAbsent() }) {
				t.Fatalf("an image of %d columns: %v", n, row)
			}
			for c := range row {
				row[c] = change.Text(fmt.Sprint(i))
			}
			images = append(images, row)
			_ = append(row, change.Null) // has no room behind it
		}
		for i, row := range images {
			for _, v := range row {
				if text, _ := v.Text(); text != fmt.Sprint(i) {
					t.Fatalf("image %d has %q", i, text)
				}
			}
		}
	})
}

// TestMarkerOf: the columns may be in any order, and a row that isn't bridge's is told apart from damage.
func TestMarkerOf(t *testing.T) {
	row := change.Image{change.Text("70"), change.Text("b/1"), change.Null, change.Text("2"), change.Text("7"), change.Text("1000")}
	m, err := MarkerOf(row, []int{1, 3, 4, 5, 0})
	if want := (loopguard.Marker{Origin: "b/1", Worker: 2, Seq: 7, Time: 1000, Offset: 70}); err != nil || m != want {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := MarkerOf(row, []int{1, 3, 2, 5, 0}); !errors.Is(err, ErrLog) || !strings.Contains(err.Error(), "only bridge may write it") {
		t.Errorf("without a sequence number: %v", err)
	}
	if err := MarkerRemoved("TRUNCATE"); !errors.Is(err, ErrLog) || !strings.Contains(err.Error(), "TRUNCATE of bridge.progress") {
		t.Error(err)
	}
}

// TestLogError: it says where, and is what it wraps.
func TestLogError(t *testing.T) {
	err := error(&LogError{Position: "0/1000", Err: BadLog("odd")})
	if err.Error() != "log position 0/1000: log can't be captured: odd" || !errors.Is(err, ErrLog) {
		t.Error(err)
	}
	err = &LogError{Position: "binlog.000001:4", Transaction: "0-1-2", Err: BadLog("odd")}
	if err.Error() != "log position binlog.000001:4, transaction 0-1-2: log can't be captured: odd" {
		t.Error(err)
	}
}
