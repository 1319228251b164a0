package apply

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bridge/change"
)

// inPieces gives a transaction in pieces of so many operations, as [pieceReader] does.
func inPieces(tx *change.Transaction, n int) func(context.Context) (*Batch, error) {
	var before uint32
	return func(context.Context) (*Batch, error) {
		piece := *tx
		piece.Before, piece.Operations = before, tx.Operations[before:min(int(before)+n, len(tx.Operations))]
		if len(piece.Operations) == 0 {
			return nil, nil
		}
		before += uint32(len(piece.Operations))
		piece.Last = int(before) == len(tx.Operations)
		return NewBatch(&piece, 7), nil
	}
}

// TestSettlePieces: a large transaction that collides is decided as a whole: values may change places across its pieces.
func TestSettlePieces(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	delete(p.unique, "people_nick")
	must(t, p.receive(txOf("a", 1, 10, born("1", "x", "-"), born("2", "y", "-"))))
	p.local(20, born("3", "z", "-"))
	tx := txOf("a", 2, 30, moved("1", "y", "-"), born("4", "z", "-"), moved("2", "x", "-"))
	must(t, p.worker.settlePieces(t.Context(), NewBatch(tx, 7), inPieces(tx, 1), newTicket(firstTicket())))
	want := "[public.people (1) 1 y - public.people (2) 2 x - public.people (4) 4 z -] parked [public.people (3) 3 z -]"
	if got := p.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if p.h.Whole() {
		t.Error("history holds all operations of a large transaction")
	}
}

// TestTooLargeToSettle: beyond what memory is for, the origin stops, and the error says why and what to do.
func TestTooLargeToSettle(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	tx := txOf("a", 1, 10)
	tx.Operations = make([]change.Operation, maxSettled+1)
	for i := range tx.Operations {
		tx.Operations[i] = gone("1")
	}
	ticket := newTicket(firstTicket())
	err := p.worker.settlePieces(t.Context(), NewBatch(txOf("a", 1, 10), 7), inPieces(tx, maxSettled/4), ticket)
	if !errors.Is(err, ErrRefused) || MustSettle(err) || ticket.ok {
		t.Errorf("%v; committed: %t", err, ticket.ok)
	}
	for _, part := range []string{"a/1:1", "200000 operations", "Change the rows here that are in its way, and it goes on by itself"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q doesn't say %q", err, part)
		}
	}
}
