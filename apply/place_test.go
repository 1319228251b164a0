package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/visibility"
)

// broken is a refusal that names its constraint.
type broken struct {
	error
	constraint string
}

func (b *broken) Unwrap() error      { return b.error }
func (b *broken) Constraint() string { return b.constraint }

// place is a region whose database is a map with constraints, and applies what others write with the shipped worker, one batch after another.
type place struct {
	t    *testing.T
	self change.Origin
	rows rows
	// unique are columns that the database keeps unique, check what it takes.
	unique  map[string]int
	check   func(change.Key, change.Image) error
	parked  map[change.Key]visibility.Parked
	written []conflict.Record

	before, saved rows // as of the transaction's begin, and of the savepoint
	put           map[change.Key]*visibility.Parked
	records       []conflict.Record
	refusals      int

	h      *history.History
	watch  *Watch
	worker *worker
	at     uint64
	clock  *loopguard.Clock
	unseen bool   // a local transaction is in the log that isn't in rows
	found  func() // is called after each look-up, unless it's nil
}

// people has two unique columns.
var people = change.NewTable(change.TableName{Schema: "public", Name: "people"}, []change.Column{
	{Name: "id", Type: "integer", Key: true}, {Name: "mail", Type: "text"}, {Name: "nick", Type: "text"}}, false)

func peopleCatalog(unique ...string) visibility.Catalog {
	t := &visibility.Table{Shape: people}
	for _, column := range unique {
		t.Unique = append(t.Unique, visibility.Unique{Name: "people_" + column, Columns: []string{column}})
	}
	return visibility.Catalog{people.TableName: t}
}

type sameForm struct{}

func (sameForm) Form(_ context.Context, _ change.TableName, _, text string) (string, error) {
	return text, nil
}

func newPlace(t *testing.T, self change.Origin, of []change.Origin, catalog visibility.Catalog) *place {
	p := &place{t: t, self: self, rows: rows{}, unique: map[string]int{"people_mail": 1, "people_nick": 2}, parked: map[change.Key]visibility.Parked{}}
	p.h = history.New(self, of, 0)
	p.clock = loopguard.NewClock(self, loopguard.State{})
	var err error
	if p.watch, err = NewWatch(t.Context(), self, catalog, nil, sameForm{}); err != nil {
		t.Fatal(err)
	}
	p.worker = &worker{watch: p.watch, session: p, fence: p, history: history.NewLocked(p.h), rules: conflict.All(conflict.LastWriteWins), report: NewReport()}
	return p
}

// local commits a transaction of the region's application.
func (p *place) local(time change.Timestamp, ops ...change.Operation) *change.Transaction {
	p.at++
	tx := &change.Transaction{Tag: p.clock.Local(time), Last: true, Operations: ops}
	for i := range ops {
		p.rows.operate(&ops[i])
	}
	must(p.t, p.h.AddTransaction(tx, p.at))
	p.watch.Local(tx, p.h)
	return tx
}

// receive applies a transaction as the dispatcher does, and looks at what's due before and after it.
func (p *place) receive(tx *change.Transaction) error {
	if err := p.keepUp(); err != nil {
		return err
	}
	p.at++
	b := NewBatch(tx, int64(tx.Dot.Seq))
	concerned, err := p.watch.Concerns(p.t.Context(), b)
	must(p.t, err)
	p.watch.Begin(b)
	if !concerned {
		err = p.worker.apply(p.t.Context(), b, false, newTicket(firstTicket()))
	}
	if concerned || constrained(&flight{batch: b, err: err}) {
		err = p.worker.settle(p.t.Context(), b, newTicket(firstTicket()))
	}
	p.watch.End(b)
	if err != nil {
		return err
	}
	if err := p.clock.Echo(b.Marker); err != nil {
		return err
	}
	return p.keepUp()
}

func (p *place) keepUp() error {
	for p.watch.Due() {
		if err := p.worker.upkeep(p.t.Context(), loopguard.Marker{Origin: "z/1", Seq: 1}, newTicket(firstTicket())); err != nil {
			return err
		}
	}
	return nil
}

// String is what's shown and what's parked.
func (p *place) String() string {
	hidden := rows{}
	for k, row := range p.parked {
		hidden[k] = row.Image
	}
	return fmt.Sprintf("%v parked %v", p.rows, hidden)
}

func (p *place) Certain(any) bool                                        { return true }
func (p *place) Raise(context.Context, change.Timestamp) (uint64, error) { return p.at, nil }

func (p *place) Begin(loopguard.Marker, Manner) {
	p.before, p.saved, p.put, p.records = maps.Clone(p.rows), nil, map[change.Key]*visibility.Parked{}, nil
}

func (p *place) Write(_ context.Context, writes []Write) (Written, error) {
	order := make([]int, len(writes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return rank[writes[i].Kind] - rank[writes[j].Kind] })
	var out Written
	for _, i := range order {
		w := &writes[i]
		if missing := p.rows.write(writes[i : i+1]); len(missing) > 0 {
			out.Missing = append(out.Missing, i)
		}
		if w.Kind == Truncate || w.Kind == Lock || p.rows[w.Key] == nil {
			continue
		}
		if err := p.takes(w.Key); err != nil {
			return out, err
		}
	}
	return out, nil
}

var rank = [...]int{Lock: 0, Truncate: 0, Delete: 1, Update: 2, Upsert: 3}

func (p *place) takes(key change.Key) error {
	image := p.rows[key]
	for name, column := range p.unique {
		for other, row := range p.rows {
			if other != key && row[column] == image[column] && !image[column].IsNull() {
				p.refusals++
				return &broken{ErrCollides, name}
			}
		}
	}
	if p.check == nil {
		return nil
	}
	return p.check(key, image)
}

func (p *place) Find(_ context.Context, l *visibility.Lookup) (found []visibility.Row, err error) {
	for key, image := range p.rows {
		row := visibility.Row{Key: key, Table: l.Table.Shape, Image: image}
		values, ok := row.Values(l.Columns)
		if ok && key.Table == l.Table.Shape.TableName && slices.ContainsFunc(l.Values, func(v []change.Value) bool { return slices.Equal(v, values) }) {
			found = append(found, row)
		}
	}
	if p.found != nil {
		p.found()
	}
	return found, nil
}

func (p *place) Seen(context.Context) (bool, error) { return !p.unseen, nil }
func (p *place) Savepoint(context.Context) error    { p.saved = maps.Clone(p.rows); return nil }
func (p *place) RollbackTo(context.Context) error {
	if p.saved == nil {
		return errors.New("no savepoint")
	}
	p.rows = maps.Clone(p.saved)
	return nil
}

func (p *place) Park(_ context.Context, put []visibility.Parked, away []change.Key) error {
	for i := range put {
		p.put[put[i].Key] = &put[i]
	}
	for _, key := range away {
		p.put[key] = nil
	}
	return nil
}

func (p *place) Record(_ context.Context, records []conflict.Record) error {
	p.records = append(p.records, records...)
	return nil
}
func (p *place) Ping(context.Context) error { return nil }

func (p *place) Commit(context.Context) error {
	for key, row := range p.put {
		if delete(p.parked, key); row != nil {
			p.parked[key] = *row
		}
	}
	p.written = append(p.written, p.records...)
	p.before = nil
	return nil
}

func (p *place) Rollback(context.Context) error {
	if p.before != nil {
		p.rows = p.before
	}
	p.before = nil
	return nil
}
func (p *place) Close(context.Context) error { return nil }
