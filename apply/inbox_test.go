package apply

import (
	"errors"
	"slices"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

func piece(seq uint64, n uint32, last bool) *change.Transaction {
	return &change.Transaction{Tag: change.Tag{Dot: change.Dot{Origin: "b/1", Seq: seq}}, Piece: n, Last: last}
}

func TestInbox(t *testing.T) {
	const take, skip, gap = "take", "skip", "gap"
	for _, tc := range []struct {
		name string
		in   []*change.Transaction
		want []string
	}{
		{"in order", []*change.Transaction{piece(5, 0, true), piece(6, 0, true)}, []string{take, take}},
		{"repeated", []*change.Transaction{piece(5, 0, true), piece(5, 0, true), piece(4, 0, true), piece(6, 0, true)}, []string{take, skip, skip, take}},
		{"a hole", []*change.Transaction{piece(6, 0, true)}, []string{gap}},
		{"a hole before pieces", []*change.Transaction{piece(6, 1, true)}, []string{gap}},
		{"pieces", []*change.Transaction{piece(5, 0, false), piece(5, 1, false), piece(5, 2, true), piece(6, 0, true)}, []string{take, take, take, take}},
		{"pieces repeated", []*change.Transaction{piece(5, 0, false), piece(5, 1, false), piece(5, 1, false), piece(5, 2, true), piece(5, 2, true)},
			[]string{take, take, skip, take, skip}},
		{"a piece is missing", []*change.Transaction{piece(5, 0, false), piece(5, 2, true)}, []string{take, gap}},
		{"the first piece is missing", []*change.Transaction{piece(5, 1, true)}, []string{gap}},
		{"the transaction begins again", []*change.Transaction{piece(5, 0, false), piece(5, 1, false), piece(5, 0, false), piece(5, 1, true)},
			[]string{take, take, take, take}},
		{"it begins again with a hole", []*change.Transaction{piece(5, 0, false), piece(5, 1, false), piece(5, 0, false), piece(5, 2, true)},
			[]string{take, take, take, gap}},
		{"it ends in the middle", []*change.Transaction{piece(5, 0, false), piece(6, 0, true)}, []string{take, gap}},
	} {
		inbox := NewInbox("b/1", 4)
		for i, tx := range tc.in {
			fresh, err := inbox.Take(tx, int64(i))
			got := skip
			var g *GapError
			switch {
			case errors.As(err, &g):
				got = gap
			case err != nil:
				got = err.Error()
			case fresh:
				got = take
			}
			if got != tc.want[i] {
				t.Errorf("%s: record %d: %s, want %s (%v)", tc.name, i, got, tc.want[i], err)
			}
		}
	}
}

func TestInboxRefusesAnotherOriginAndAnUnfoundedHeartbeat(t *testing.T) {
	inbox := NewInbox("a/1", 4)
	if _, err := inbox.Take(piece(5, 0, true), 7); err == nil || inbox.Seq() != 4 {
		t.Errorf("another origin's transaction: %v, at %d", err, inbox.Seq())
	}
	if err := inbox.At(4, 7); err != nil {
		t.Error(err)
	}
	var g *GapError
	if err := inbox.At(6, 7); !errors.As(err, &g) || g.Want != 5 || g.Got != 6 {
		t.Errorf("a heartbeat that tells of more: %v", err)
	}
}

// topic is what writers, one after the other, may leave in their topic: calls of Append whose suffixes may come
// twice, and transactions begun again by a new writer.
func topic(t *rapid.T, first uint64) (records []*change.Transaction, last uint64) {
	seq := first
	var writers [][]*change.Transaction
	var writes []*change.Transaction
	for range rapid.IntRange(1, 5).Draw(t, "transactions") {
		n := rapid.IntRange(1, 4).Draw(t, "pieces")
		if n > 1 && rapid.IntRange(0, 2).Draw(t, "dies") == 0 { // the writer dies after some pieces, the next cuts them otherwise
			for i := range rapid.IntRange(1, n-1).Draw(t, "left") {
				writes = append(writes, piece(seq, uint32(i), false))
			}
			writers, writes = append(writers, writes), nil
		}
		for i := range n {
			writes = append(writes, piece(seq, uint32(i), i == n-1))
		}
		seq++
	}
	for _, writes := range append(writers, writes) {
		for len(writes) > 0 {
			call := writes[:rapid.IntRange(1, len(writes)).Draw(t, "call")]
			writes = writes[len(call):]
			records = append(records, call...)
			for range rapid.IntRange(0, 2).Draw(t, "retries") {
				records = append(records, call[rapid.IntRange(0, len(call)).Draw(t, "again from"):]...)
			}
		}
	}
	return records, seq - 1
}

// read takes records and returns the transactions that came whole, by their pieces.
func read(inbox *Inbox, records []*change.Transaction) (whole []uint64, pieces [][]uint32, err error) {
	var open []uint32
	for i, tx := range records {
		fresh, err := inbox.Take(tx, int64(i))
		if err != nil {
			return whole, pieces, err
		}
		if !fresh {
			continue
		}
		if tx.Piece == 0 {
			open = nil
		}
		open = append(open, tx.Piece)
		if tx.Last {
			whole, pieces, open = append(whole, tx.Dot.Seq), append(pieces, open), nil
		}
	}
	return whole, pieces, nil
}

// I3: each transaction once, whole and in order, whatever is repeated.
func TestInboxTakesEachOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Range(1, 3).Draw(t, "first")
		records, last := topic(t, first)
		inbox := NewInbox("b/1", first-1)
		whole, pieces, err := read(inbox, records)
		if err != nil {
			t.Fatal(err)
		}
		for i, seq := range whole {
			if seq != first+uint64(i) {
				t.Fatalf("took %v", whole)
			}
			for n, p := range pieces[i] {
				if p != uint32(n) {
					t.Fatalf("transaction %d came as pieces %v", seq, pieces[i])
				}
			}
		}
		if len(whole) != int(last-first+1) || inbox.Seq() != last {
			t.Fatalf("took %v, up to %d; want %d to %d", whole, inbox.Seq(), first, last)
		}
	})
}

// I8: a record that is nowhere in the topic is an error, or nothing after it is taken.
func TestInboxNoticesEveryHole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records, last := topic(t, 1)
		lost := *rapid.SampledFrom(records).Draw(t, "lost")
		records = slices.DeleteFunc(records, func(tx *change.Transaction) bool {
			return tx.Dot == lost.Dot && tx.Piece == lost.Piece
		})
		whole, _, err := read(NewInbox("b/1", 0), records)
		if len(whole) >= int(lost.Dot.Seq) {
			t.Fatalf("took %v, without piece %d of %d", whole, lost.Piece, lost.Dot.Seq)
		}
		ends := lost.Dot.Seq == last && !slices.ContainsFunc(records, func(tx *change.Transaction) bool {
			return tx.Dot == lost.Dot && tx.Piece > lost.Piece
		})
		if err == nil && !ends {
			t.Fatalf("took %v without an error", whole)
		}
	})
}
