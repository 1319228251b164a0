package apply

import (
	"fmt"
	"slices"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// story is what writers, one after the other, left in their topic.
type story struct {
	sizes   []uint32 // operations of transaction 1, 2, …
	records []*change.Transaction
}

// stories are of an origin whose log has some transactions. A writer begins with the first that isn't whole in the
// topic, cuts them in its own way, and appends them call by call, some of which come twice from some record on. When
// it's cut off, the call under way is lost or comes later, whole or in part: among what its successors append.
var stories = rapid.Custom(func(t *rapid.T) story {
	s := story{sizes: rapid.SliceOfN(rapid.Uint32Range(0, 6), 1, 4).Draw(t, "sizes")}
	var late [][]*change.Transaction
	for writers := rapid.IntRange(1, 4).Draw(t, "writers"); writers > 0; writers-- {
		todo := cut(t, s.sizes, s.last()+1)
		for len(todo) > 0 {
			if len(late) > 0 && rapid.Bool().Draw(t, "a late call comes") {
				s.records, late = append(s.records, late[0]...), late[1:]
			}
			call := todo[:rapid.IntRange(1, len(todo)).Draw(t, "call")]
			if writers > 1 && rapid.IntRange(0, 2).Draw(t, "cut off") == 0 {
				late = append(late, call[:rapid.IntRange(0, len(call)).Draw(t, "sent")])
				break
			}
			s.records, todo = append(s.records, call...), todo[len(call):]
			for range rapid.IntRange(0, 2).Draw(t, "retries") {
				s.records = append(s.records, call[rapid.IntRange(0, len(call)).Draw(t, "again from"):]...)
			}
		}
	}
	for _, call := range late {
		s.records = append(s.records, call...)
	}
	return s
})

// last is the last transaction that is whole in the topic.
func (s *story) last() (seq uint64) {
	for _, tx := range s.records {
		if tx.Last {
			seq = max(seq, tx.Dot.Seq)
		}
	}
	return seq
}

// cut cuts the transactions from one on into pieces.
func cut(t *rapid.T, sizes []uint32, from uint64) (pieces []*change.Transaction) {
	for seq := from; seq <= uint64(len(sizes)); seq++ {
		size := sizes[seq-1]
		for at, last := uint32(0), false; !last; {
			end := rapid.Uint32Range(min(at+1, size), size).Draw(t, "end")
			last = end == size && (end == at || rapid.Bool().Draw(t, "last"))
			pieces = append(pieces, piece(seq, at, end, last))
			at = end
		}
	}
	return pieces
}

// differs reads records and says how what it took isn't the transactions, each operation once and in order; "" is as
// it should be.
func (s *story) differs(take func(*change.Transaction) (*change.Transaction, error)) string {
	seq, have := uint64(1), uint32(0)
	for i, tx := range s.records {
		fresh, err := take(tx)
		switch {
		case err != nil:
			return fmt.Sprintf("record %d, %s: %v", i, window(tx), err)
		case fresh == nil:
			continue
		case fresh.Dot.Seq != seq || fresh.Before != have:
			return fmt.Sprintf("record %d, %s: took %s after %d operations of %d", i, window(tx), window(fresh), have, seq)
		}
		for _, o := range fresh.Operations {
			if want := ins(fmt.Sprintf("%d.%d", seq, have), "", "").Key; o.Key != want {
				return fmt.Sprintf("record %d, %s: took %s for %s", i, window(tx), o.Key, want)
			}
			have++
		}
		if !fresh.Last {
			continue
		}
		if have != s.sizes[seq-1] {
			return fmt.Sprintf("record %d, %s: %d ends after %d operations, it has %d", i, window(tx), seq, have, s.sizes[seq-1])
		}
		seq, have = seq+1, 0
	}
	if seq != uint64(len(s.sizes))+1 {
		return fmt.Sprintf("took up to %d, %d operations of the next; there are %d", seq-1, have, len(s.sizes))
	}
	return ""
}

func (s *story) String() (out string) {
	for _, tx := range s.records {
		out += window(tx) + " "
	}
	return out
}

// I3: each operation once, in order, and nothing is missing, whoever wrote what and whatever is repeated. The inbox
// sees no gap, and a reader that doesn't look for gaps takes the same.
func TestInboxTakesEachOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stories.Draw(t, "story")
		inbox, pieces := NewInbox("b/1", 0), Pieces{}
		if diff := s.differs(func(tx *change.Transaction) (*change.Transaction, error) { return inbox.Take(tx, 0) }); diff != "" {
			t.Fatalf("%s\n%s", diff, &s)
		}
		if diff := s.differs(func(tx *change.Transaction) (*change.Transaction, error) { return pieces.Take(tx), nil }); diff != "" {
			t.Fatalf("without looking for gaps: %s\n%s", diff, &s)
		}
	})
}

// The property has teeth: twins that leave a part of the rule out fail it.
func TestTwinsOfTheInboxAreCaught(t *testing.T) {
	for name, twin := range map[string]func(p *Pieces, tx *change.Transaction) *change.Transaction{
		"a transaction begins again with its first piece": func(p *Pieces, tx *change.Transaction) *change.Transaction {
			if tx.Before == 0 && tx.Dot.Seq == p.seq+1 {
				p.have = 0
			}
			return p.Take(tx)
		},
		"pieces aren't cut": func(p *Pieces, tx *change.Transaction) *change.Transaction {
			if p.Take(tx) == nil {
				return nil
			}
			return tx
		},
		"pieces that overlap are passed over": func(p *Pieces, tx *change.Transaction) *change.Transaction {
			if tx.Dot.Seq == p.seq+1 && tx.Before < p.have {
				return nil
			}
			return p.Take(tx)
		},
		"an end without operations is passed over": func(p *Pieces, tx *change.Transaction) *change.Transaction {
			if tx.Dot.Seq == p.seq+1 && p.have > 0 && tx.Before+uint32(len(tx.Operations)) == p.have {
				return nil
			}
			return p.Take(tx)
		},
	} {
		caught := false
		for seed := 0; seed < 5000 && !caught; seed++ {
			s, pieces := stories.Example(seed), Pieces{}
			caught = s.differs(func(tx *change.Transaction) (*change.Transaction, error) { return twin(&pieces, tx), nil }) != ""
		}
		if !caught {
			t.Errorf("not caught: %s", name)
		}
	}
}

// I8: an operation that is nowhere in the topic is an error, at the latest when a heartbeat tells that it should have
// come, and nothing after it is taken.
func TestInboxNoticesEveryHole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stories.Draw(t, "story")
		one := rapid.SampledFrom(s.records).Draw(t, "one")
		lost := one.Dot
		place := rapid.Uint32Range(one.Before, one.Before+max(1, uint32(len(one.Operations)))-1).Draw(t, "place")
		end := one.Last && len(one.Operations) == 0
		s.records = slices.DeleteFunc(s.records, func(tx *change.Transaction) bool {
			holds := tx.Before <= place && place < tx.Before+uint32(len(tx.Operations))
			return tx.Dot == lost && (holds || end && tx.Last)
		})
		inbox := NewInbox("b/1", 0)
		var err error
		for i := 0; i < len(s.records) && err == nil; i++ {
			_, err = inbox.Take(s.records[i], int64(i))
		}
		if inbox.Seq() >= lost.Seq {
			t.Fatalf("took up to %d, without operation %d of %d\n%s", inbox.Seq(), place, lost.Seq, &s)
		}
		if inbox.At(uint64(len(s.sizes)), 0) == nil {
			t.Fatalf("no error without operation %d of %d\n%s", place, lost.Seq, &s)
		}
		after := slices.ContainsFunc(s.records, func(tx *change.Transaction) bool { return tx.Dot.Seq > lost.Seq })
		if after && err == nil {
			t.Fatalf("later transactions are passed over without operation %d of %d\n%s", place, lost.Seq, &s)
		}
	})
}

// In any order at all, of windows cut anyhow, what is taken of a transaction is its operations from the first on, each
// once: the rest waits.
func TestPiecesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint32Range(0, 8).Draw(t, "size")
		pieces, have, ended := Pieces{}, uint32(0), false
		for range rapid.IntRange(1, 20).Draw(t, "records") {
			from := rapid.Uint32Range(0, size).Draw(t, "from")
			to := rapid.Uint32Range(from, size).Draw(t, "to")
			tx := piece(1, from, to, to == size && (from == to || rapid.Bool().Draw(t, "last")))
			fresh := pieces.Take(tx)
			waits := ended || from > have || to <= have && !(tx.Last && to == have)
			if (fresh == nil) != waits {
				t.Fatalf("took %v of %s, when %d had come and ended is %t", fresh, window(tx), have, ended)
			}
			if fresh == nil {
				continue
			}
			if want := piece(1, have, to, tx.Last); window(fresh) != window(want) || len(want.Operations) > 0 && fresh.Operations[0].Key != want.Operations[0].Key {
				t.Fatalf("took %s of %s, want %s", window(fresh), window(tx), window(want))
			}
			have, ended = to, tx.Last
		}
	})
}
