package apply

import (
	"fmt"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

var rules = conflict.All(conflict.LastWriteWins)

var members = []change.Origin{"a/1", "b/1", "c/1"}

// site is a region as certification sees it: its database and its history.
type site struct {
	rows rows
	h    *history.History
	at   uint64
}

func newSite(there ...change.Operation) *site {
	s := &site{rows: rows{}, h: history.New("a/1", members, 0)}
	for i := range there {
		s.rows.operate(&there[i])
	}
	return s
}

// local is a local transaction, captured.
func (s *site) local(tx *change.Transaction) {
	for i := range tx.Operations {
		s.rows.operate(&tx.Operations[i])
	}
	s.at++
	s.h.Add(&tx.Tag, tx.Operations, 0, s.at)
}

// apply does what a worker does with a batch, between two steps of which nothing else happens.
func (s *site) apply(txs ...*change.Transaction) []conflict.Record {
	b := NewBatch(txs[0], 0)
	for _, tx := range txs[1:] {
		if !b.Add(tx, 0) {
			panic("doesn't fit")
		}
	}
	s.certify(b, func() {})
	for _, tx := range txs {
		s.h.Add(&tx.Tag, tx.Operations, 0, 0)
	}
	return b.Records()
}

// certify writes and certifies a batch; between is what others commit on the way, after the barrier that
// the first look sees.
func (s *site) certify(b *Batch, between func()) (looks int) {
	b.Missing(s.rows.write(b.Writes()))
	asOf := s.at
	for {
		looks++
		v, err := b.Certify(s.h, rules, asOf)
		if err != nil {
			panic(err)
		}
		if looks == 1 {
			between()
		}
		v.Missing(s.rows.write(v.Writes))
		if !v.Locks {
			return looks
		}
		asOf = s.at
	}
}

// Every pair of concurrent operations, each side arriving at the other: what it's called there, and that
// both regions end with the same row.
func TestConflictMatrix(t *testing.T) {
	const I, U, D, T = change.Insert, change.Update, change.Delete, change.Truncate
	for _, tc := range []struct {
		here, incoming change.Kind
		want           conflict.Type
	}{
		{I, I, conflict.InsertExists}, {U, I, conflict.InsertExists}, {D, I, conflict.InsertConcurrent}, {T, I, conflict.InsertConcurrent},
		{I, U, conflict.UpdateConcurrent}, {U, U, conflict.UpdateConcurrent}, {D, U, conflict.UpdateMissing}, {T, U, conflict.UpdateMissing},
		{I, D, conflict.DeleteConcurrent}, {U, D, conflict.DeleteConcurrent}, {D, D, conflict.DeleteMissing}, {T, D, conflict.DeleteMissing},
		{I, T, conflict.Truncated}, {U, T, conflict.Truncated}, {D, T, conflict.Truncated},
		{T, T, ""}, // nothing in any row
	} {
		for _, times := range [][2]change.Timestamp{{1, 2}, {2, 1}, {1, 1}} {
			name := fmt.Sprintf("%v here at %d, %v arrives from %d", tc.here, times[0], tc.incoming, times[1])
			mine, theirs := matrixTx("a", times[0], tc.here), matrixTx("b", times[1], tc.incoming)
			records, here := matrixSide(mine, theirs)
			_, there := matrixSide(theirs, mine)
			if here != there {
				t.Errorf("%s: %s here, %s there", name, here, there)
			}
			later, kind := theirs, tc.incoming
			if times[0] > times[1] {
				later, kind = mine, tc.here
			}
			want := rows{}
			if kind == I || kind == U {
				want[later.Operations[0].Key] = later.Operations[0].New
			}
			if here != want.String() {
				t.Errorf("%s: %s, want %v", name, here, want)
			}
			if tc.want == "" {
				if len(records) != 0 {
					t.Errorf("%s: recorded %+v", name, records)
				}
				continue
			}
			if len(records) != 1 {
				t.Errorf("%s: %d records", name, len(records))
				continue
			}
			r := records[0]
			result := map[bool]string{true: "applied", false: "kept"}[later == theirs]
			if r.Type != tc.want || r.Incoming != theirs.Dot || r.Rule != conflict.LastWriteWins || len(r.Versions) != 2 || r.Result() != result {
				t.Errorf("%s: %s of %s, %d versions, %s; want %s of %s, 2, %s",
					name, r.Type, r.Incoming, len(r.Versions), r.Result(), tc.want, theirs.Dot, result)
			}
		}
	}
}

func matrixTx(origin string, time change.Timestamp, kind change.Kind) *change.Transaction {
	o := map[change.Kind]change.Operation{change.Insert: ins("1", origin, origin), change.Update: upd("1", origin, origin),
		change.Delete: del("1"), change.Truncate: trunc()}[kind]
	return txOf(origin, 1, time, o)
}

// matrixSide is the region that did mine and to which theirs arrives. A row that is inserted isn't there
// before, unless the other side knows it.
func matrixSide(mine, theirs *change.Transaction) ([]conflict.Record, string) {
	s := newSite()
	if mine.Operations[0].Kind != change.Insert && mine.Operations[0].Kind != change.Truncate {
		s = newSite(ins("1", "old", "old"))
	}
	s.local(mine)
	records := s.apply(theirs)
	return records, s.rows.String()
}

func TestCertify(t *testing.T) {
	seen := func(tx *change.Transaction, o string, seq uint64) *change.Transaction {
		tx.Deps = tx.Deps.With(change.NewOrigin(o, 1), seq)
		return tx
	}
	for _, tc := range []struct {
		name  string
		there []change.Operation
		local []*change.Transaction
		batch []*change.Transaction
		want  string
		types string
	}{
		{"nothing unstable: the write was right", []change.Operation{ins("1", "o", "o")}, nil,
			[]*change.Transaction{txOf("b", 1, 5, upd("1", "x", "-"))}, "[public.docs (1) 1 x o]", ""},
		{"what was seen is no conflict", []change.Operation{ins("1", "o", "o")}, []*change.Transaction{txOf("a", 1, 1, upd("1", "y", "y"))},
			[]*change.Transaction{seen(txOf("b", 1, 5, upd("1", "x", "-")), "a", 1)}, "[public.docs (1) 1 x y]", ""},
		{"one conflict for the operations of a batch on a row", []change.Operation{ins("1", "o", "o")}, []*change.Transaction{txOf("a", 1, 3, upd("1", "y", "-"))},
			[]*change.Transaction{txOf("b", 1, 1, upd("1", "x", "x")), txOf("b", 2, 5, upd("1", "z", "-"))}, "[public.docs (1) 1 z x]", "update_concurrent/3 "},
		{"a batch's later transaction may have seen what its first hadn't", []change.Operation{ins("1", "o", "o")}, []*change.Transaction{txOf("a", 1, 3, del("1"))},
			[]*change.Transaction{txOf("b", 1, 1, upd("1", "x", "x")), seen(txOf("b", 2, 5, ins("1", "n", "n")), "a", 1)}, "[public.docs (1) 1 n n]", "update_missing/3 "},
		{"deleted and born again in the batch, against a later incomplete update", []change.Operation{ins("1", "o", "o")}, []*change.Transaction{txOf("a", 1, 9, upd("1", "y", "-"))},
			[]*change.Transaction{txOf("b", 1, 1, del("1"), ins("1", "n", "n"))}, "[public.docs (1) 1 y n]", "delete_concurrent/3 "},
		{"an incomplete update, later than the delete, doesn't bring the row back", []change.Operation{ins("1", "o", "o")}, []*change.Transaction{txOf("a", 1, 1, del("1"))},
			[]*change.Transaction{txOf("b", 1, 5, upd("1", "x", "-"))}, "[]", "update_missing/2 "},
		{"nor stays it when the delete arrives", []change.Operation{ins("1", "o", "o")}, []*change.Transaction{txOf("a", 1, 5, upd("1", "x", "-"))},
			[]*change.Transaction{txOf("b", 1, 1, del("1"))}, "[]", "delete_concurrent/2 "},
		{"key change against an update of the old key", []change.Operation{ins("1", "o", "o")}, []*change.Transaction{txOf("a", 1, 9, upd("1", "y", "y"))},
			[]*change.Transaction{txOf("b", 1, 5, del("1"), ins("2", "x", "x"))}, "[public.docs (1) 1 y y public.docs (2) 2 x x]", "delete_concurrent/2 "},
		{"an update that finds no row and isn't in conflict makes it", nil, nil,
			[]*change.Transaction{txOf("b", 1, 5, upd("1", "x", "x"))}, "[public.docs (1) 1 x x]", "update_missing/1 "},
		{"or is told, when it lacks a column", nil, nil,
			[]*change.Transaction{txOf("b", 1, 5, upd("1", "x", "-"))}, "[]", "update_missing/1 "},
		{"a delete that finds no row is done", nil, nil, []*change.Transaction{txOf("b", 1, 5, del("1"))}, "[]", ""},
		{"a truncate spares what is later and takes what is earlier", nil,
			[]*change.Transaction{txOf("a", 1, 1, ins("1", "y", "y")), txOf("a", 2, 9, ins("2", "z", "z"), op(change.Insert, other, "1", "q", "q"))},
			[]*change.Transaction{txOf("b", 1, 5, trunc())}, "[public.docs (2) 2 z z public.other (1) 1 q q]", "truncate_concurrent/2 truncate_concurrent/2 "},
		{"rows before and after a truncate in its transaction", []change.Operation{ins("1", "o", "o"), ins("3", "o", "o")},
			[]*change.Transaction{txOf("a", 1, 9, upd("1", "y", "y")), txOf("a", 2, 10, upd("2", "w", "w"))},
			[]*change.Transaction{txOf("b", 1, 5, upd("1", "x", "x"), trunc(), ins("2", "n", "n"))},
			"[public.docs (1) 1 y y public.docs (2) 2 w w]", "update_concurrent/3 insert_exists/2 "},
	} {
		s := newSite(tc.there...)
		for _, tx := range tc.local {
			s.local(tx)
		}
		types := ""
		for _, r := range s.apply(tc.batch...) {
			types += fmt.Sprintf("%s/%d ", r.Type, len(r.Versions))
			if r.Result() == "" {
				t.Errorf("%s: a record without a result", tc.name)
			}
		}
		if got := s.rows.String(); got != tc.want || types != tc.types {
			t.Errorf("%s:\ngot  %s %s\nwant %s %s", tc.name, got, types, tc.want, tc.types)
		}
	}
}

// A row that isn't found isn't locked: a local insert after the barrier is left out of the first look,
// and stands, or is decided at the next when the batch brought the row into being.
func TestInsertAfterTheBarrierOfAMissingRow(t *testing.T) {
	for _, tc := range []struct {
		name  string
		op    change.Operation
		looks int
	}{
		{"a delete of nothing", del("1"), 1},
		{"an incomplete update of nothing", upd("1", "x", "-"), 1},
		{"an update that makes the row", upd("1", "x", "x"), 2},
	} {
		s := newSite()
		b := NewBatch(txOf("b", 1, 5, tc.op), 0)
		looks := s.certify(b, func() { s.local(txOf("a", 1, 6, ins("1", "mine", "mine"))) })
		if got := s.rows.String(); looks != tc.looks || got != "[public.docs (1) 1 mine mine]" {
			t.Errorf("%s: %d looks, %s", tc.name, looks, got)
		}
	}
}

// A look at rows that were decided already asks for nothing, as long as nothing new is known.
func TestCertifyAgainAsksForNothing(t *testing.T) {
	s := newSite(ins("1", "o", "o"))
	s.local(txOf("a", 1, 9, upd("1", "y", "y")))
	b := NewBatch(txOf("b", 1, 5, upd("1", "x", "x"), ins("2", "n", "n")), 0)
	s.certify(b, func() {})
	if v, err := b.Certify(s.h, rules, s.at); err != nil || len(v.Writes) != 0 || v.Locks {
		t.Errorf("asked for %+v", v)
	}
	if n := len(b.Records()); n != 1 {
		t.Errorf("%d records", n)
	}
}
