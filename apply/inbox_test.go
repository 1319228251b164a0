package apply

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bridge/change"
)

// piece is operations [from, to) of a transaction of b's, each known by its row.
func piece(seq uint64, from, to uint32, last bool) *change.Transaction {
	tx := txOf("b", seq, change.Timestamp(seq))
	tx.Before, tx.Last = from, last
	for i := from; i < to; i++ {
		tx.Operations = append(tx.Operations, ins(fmt.Sprintf("%d.%d", seq, i), "a", "t"))
	}
	return tx
}

// whole is a transaction of b's with so many operations.
func whole(seq uint64, operations uint32) *change.Transaction { return piece(seq, 0, operations, true) }

// window is what was taken, as people read it: "5[2,4" or, when it ends the transaction, "5[2,4]".
func window(tx *change.Transaction) string {
	s := fmt.Sprintf("%d[%d,%d", tx.Dot.Seq, tx.Before, int(tx.Before)+len(tx.Operations))
	if tx.Last {
		s += "]"
	}
	return s
}

func TestInbox(t *testing.T) {
	const skip, gap = "skip", "gap"
	type records = []*change.Transaction
	for _, tc := range []struct {
		name string
		in   records
		want []string
	}{
		{"in order", records{whole(5, 1), whole(6, 0), whole(7, 2)}, []string{"5[0,1]", "6[0,0]", "7[0,2]"}},
		{"repeated", records{whole(5, 1), whole(5, 1), whole(4, 1), whole(6, 0)}, []string{"5[0,1]", skip, skip, "6[0,0]"}},
		{"a hole", records{whole(6, 1)}, []string{gap}},
		{"a hole before pieces", records{piece(6, 1, 2, true)}, []string{gap}},
		{"pieces", records{piece(5, 0, 2, false), piece(5, 2, 3, false), piece(5, 3, 5, true), whole(6, 1)}, []string{"5[0,2", "5[2,3", "5[3,5]", "6[0,1]"}},
		{"pieces repeated", records{piece(5, 0, 2, false), piece(5, 2, 3, false), piece(5, 0, 2, false), piece(5, 2, 3, false), piece(5, 3, 5, true), piece(5, 3, 5, true)},
			[]string{"5[0,2", "5[2,3", skip, skip, "5[3,5]", skip}},
		{"an end without operations", records{piece(5, 0, 2, false), piece(5, 2, 2, true), piece(5, 2, 2, true), whole(6, 1)}, []string{"5[0,2", "5[2,2]", skip, "6[0,1]"}},
		{"cut otherwise", records{piece(5, 0, 3, false), piece(5, 0, 2, false), piece(5, 2, 4, false), piece(5, 4, 5, true)}, []string{"5[0,3", skip, "5[3,4", "5[4,5]"}},
		{"cut otherwise, the end without operations", records{piece(5, 0, 3, false), piece(5, 0, 2, false), piece(5, 2, 3, true)}, []string{"5[0,3", skip, "5[3,3]"}},
		{"whole after a piece", records{piece(5, 0, 3, false), whole(5, 9), whole(6, 1)}, []string{"5[0,3", "5[3,9]", "6[0,1]"}},
		{"a piece after whole", records{whole(5, 9), piece(5, 0, 3, false), piece(5, 3, 9, true), whole(6, 1)}, []string{"5[0,9]", skip, skip, "6[0,1]"}},
		{"a first piece comes late", records{piece(5, 0, 3, false), piece(5, 3, 6, false), piece(5, 0, 4, false), piece(5, 6, 9, false), piece(5, 9, 10, true)},
			[]string{"5[0,3", "5[3,6", skip, "5[6,9", "5[9,10]"}},
		{"a last piece comes early", records{piece(5, 0, 5, false), piece(5, 8, 12, true), piece(5, 5, 10, false), piece(5, 10, 12, true)},
			[]string{"5[0,5", skip, "5[5,10", "5[10,12]"}},
		{"it ends in the middle", records{piece(5, 0, 1, false), whole(6, 1)}, []string{"5[0,1", gap}},
		{"a piece is missing", records{piece(5, 0, 2, false), piece(5, 3, 4, true), whole(6, 1)}, []string{"5[0,2", skip, gap}},
		{"the first piece is missing", records{piece(5, 1, 2, false), piece(5, 2, 3, true), piece(6, 0, 1, false)}, []string{skip, skip, gap}},
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
			case fresh != nil:
				got = window(fresh)
			}
			if got != tc.want[i] {
				t.Errorf("%s: record %d: %s, want %s (%v)", tc.name, i, got, tc.want[i], err)
			}
		}
	}
}

// I8: the error of a transaction that isn't complete says what was expected, to a record or to a heartbeat.
func TestGapErrorTellsTheOperation(t *testing.T) {
	take := func(inbox *Inbox, tx *change.Transaction) error { _, err := inbox.Take(tx, 9); return err }
	for _, tc := range []struct {
		name string
		have uint32
		find func(inbox *Inbox) error
		want string
	}{
		{"a transaction", 0, func(in *Inbox) error { return take(in, whole(7, 1)) },
			"b/1:7 at offset 9, where seq 5 must follow: records are missing in between; restore"},
		{"an operation", 3, func(in *Inbox) error { return take(in, piece(6, 2, 3, false)) },
			"b/1:6 at offset 9, where seq 5 must follow: records are missing in between: of transaction 5 the first 3 operations came, and the next of them was expected; restore"},
		{"a transaction, by a heartbeat", 0, func(in *Inbox) error { return in.At(5, 9) },
			"b/1:5 at offset 9, where seq 5 must follow: a heartbeat tells of transactions that never came; restore"},
		{"an operation, by a heartbeat", 3, func(in *Inbox) error { return in.At(5, 9) },
			"a heartbeat tells of transactions that never came: of transaction 5 the first 3 operations came"},
	} {
		inbox := NewInbox("b/1", 4)
		if err := take(inbox, piece(5, 0, tc.have, false)); err != nil {
			t.Fatal(err)
		}
		var g *GapError
		if err := tc.find(inbox); !errors.As(err, &g) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s:\n got %v\nwant %s", tc.name, err, tc.want)
		}
	}
}

func TestInboxRefusesAnotherOriginAndAnUnfoundedHeartbeat(t *testing.T) {
	inbox := NewInbox("a/1", 4)
	if _, err := inbox.Take(whole(5, 1), 7); err == nil || inbox.Seq() != 4 {
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
