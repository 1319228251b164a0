package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bridge/casebook"
	"bridge/change"
	"bridge/visibility"
)

// book is a region's casebook as far as the mender uses it, over the model database: what it reads is committed, and each of its writes is a
// transaction like an application's.
type book struct {
	casebook.Book // for the methods that aren't called
	mending       *mending
	yield         func(struct{}) bool
}

// errLocked ends a transaction that would wait for a lock for too long.
var errLocked = errors.New("lock timeout")

func (b *book) Parked(_ context.Context, f casebook.ParkedFilter, yield func(*casebook.Parked) error) error {
	if err := b.hold(); err != nil {
		return err
	}
	r := b.mending.region
	var rows []*casebook.Parked
	for _, key := range r.world.keys() {
		if at, ok := r.db.parked[key]; ok {
			p, err := casebook.NewParked([]byte(document(&at)), time.Time{})
			if err != nil {
				return err
			}
			if f.Is(p) {
				rows = append(rows, p)
			}
		}
	}
	for _, p := range rows {
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

func document(p *visibility.Parked) string {
	text, err := p.Document()
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (b *book) Obstacle(_ context.Context, p *casebook.Parked) (*casebook.Obstacle, error) {
	if err := b.hold(); err != nil {
		return nil, err
	}
	r := b.mending.region
	w := r.world
	keys := w.foreignOf(p.TableName())
	i := slices.IndexFunc(keys, func(k foreignKey) bool { return k.name() == p.Constraint })
	parent := w.tables[keys[i].parent]
	o := &casebook.Obstacle{Columns: []string{p.Constraint}, Schema: parent.Schema, Table: parent.Name, At: []string{"id"}, Parent: true}
	var ok bool
	if o.Values, ok = p.ValuesOf(o.Columns); !ok {
		return nil, nil
	}
	if row := r.db.rows[keyOf(parent, number(o.Values[0]))]; row != nil {
		o.Row = imageOf(parent, row)
	}
	return o, nil
}

// imageOf is a row as the book has it, nil of none.
func imageOf(t *change.Table, row change.Image) casebook.Image {
	if row == nil {
		return nil
	}
	image := casebook.Image{}
	for i, c := range t.Columns {
		if text, ok := row[i].Text(); ok {
			image[c.Name] = &text
		} else {
			image[c.Name] = nil
		}
	}
	return image
}

// rowOf is a row as the model has it.
func rowOf(t *change.Table, image casebook.Image) change.Image {
	row := make(change.Image, len(t.Columns))
	for i, c := range t.Columns {
		row[i] = change.Null
		if text := image[c.Name]; text != nil {
			row[i] = change.Text(*text)
		}
	}
	return row
}

// begin begins a transaction of the mender's.
func (b *book) begin() *open { return &open{session: b.mending.region.db.begin()} }

// row locks a row and reads it, as the book has it.
func (b *book) row(o *open, t *change.Table, key change.Key) (*casebook.Row, error) {
	if !o.session.mayTouch(t.TableName) || !o.session.mayLock(key) {
		return nil, errLocked
	}
	row := &casebook.Row{Values: imageOf(t, o.session.row(key))}
	for _, c := range t.Columns {
		row.Columns = append(row.Columns, casebook.Column{Name: c.Name, Key: c.Key, Nullable: !c.Key, Own: casebook.Own{Kind: casebook.OwnText}})
	}
	return row, nil
}

// stillParked is the row of bridge.parked that p tells of, locked; an error if it isn't so any more.
func (b *book) stillParked(p *casebook.Parked) (visibility.Parked, error) {
	r := b.mending.region
	t := r.world.tableNamed(p.TableName())
	for _, f := range r.flights {
		if f.phase == landing { // it may have it locked
			return visibility.Parked{}, errLocked
		}
	}
	at, ok := r.db.parked[keyOf(t, number(p.Key[0]))]
	if !ok || document(&at) != p.Document() {
		return at, p.NotParked()
	}
	return at, nil
}

func (b *book) Drop(_ context.Context, p *casebook.Parked, _ *casebook.Case) error {
	if err := b.hold(); err != nil {
		return err
	}
	w := b.mending.region.world
	o := b.begin()
	away, err := b.drop(o, p)
	if err != nil {
		o.session.end()
		return err
	}
	if w.fault == DropAlone {
		o.operations = nil
	}
	return b.commit(o, away)
}

func (b *book) drop(o *open, p *casebook.Parked) (visibility.Parked, error) {
	w := b.mending.region.world
	t := w.tableNamed(p.TableName())
	key := keyOf(t, number(p.Key[0]))
	row, err := b.row(o, t, key)
	if err != nil {
		return visibility.Parked{}, err
	}
	var unique []casebook.UniqueKey
	for u := range w.plan.constraints.uniques {
		unique = append(unique, casebook.UniqueKey{Columns: []string{t.Columns[firstUnique+u].Name}, NullsEqual: w.plan.constraints.nulls[u]})
	}
	if err := p.Discard(row, unique, &standIn{b, o, t, key}); err != nil {
		return visibility.Parked{}, err
	}
	return b.stillParked(p)
}

// standIn is [casebook.Writer], without foreign keys.
type standIn struct {
	book *book
	open *open
	t    *change.Table
	key  change.Key
}

func (s *standIn) Insert(image casebook.Image) error {
	r := s.book.mending.region
	row := rowOf(s.t, image)
	for c, v := range row {
		if text, _ := v.Text(); strings.HasPrefix(text, "discarded ") { // of its own, and the same in each run
			r.world.values++
			row[c] = change.Text(fmt.Sprintf("d%d", r.world.values))
		}
	}
	if err := s.book.takes(s.open, s.key, row); err != nil {
		return err
	}
	r.change(s.open, s.t, change.Insert, s.key, nil, row)
	return nil
}

func (s *standIn) Delete() error {
	s.book.mending.region.change(s.open, s.t, change.Delete, s.key, s.open.session.row(s.key), nil)
	return nil
}

// takes is an error unless the database takes a row, but for foreign keys.
func (b *book) takes(o *open, key change.Key, row change.Image) error {
	switch taken, wait := o.session.mayHold(key, row); {
	case wait:
		return errLocked
	case taken || !b.mending.region.world.plan.constraints.fits(row):
		return casebook.ErrUntaken
	}
	return nil
}

func (b *book) Restore(_ context.Context, p *casebook.Parked) ([]*casebook.Case, error) {
	if err := b.hold(); err != nil {
		return nil, err
	}
	o := b.begin()
	cases, err := b.restore(o, p)
	if err != nil || len(cases) == 0 {
		o.session.end()
		return nil, err
	}
	return cases, b.commit(o)
}

func (b *book) restore(o *open, p *casebook.Parked) (cases []*casebook.Case, err error) {
	r := b.mending.region
	for _, l := range p.Lost {
		t := r.world.tableNamed(l.TableName())
		key := keyOf(t, number(l.Key[0]))
		row, err := b.row(o, t, key)
		if err != nil {
			return nil, err
		}
		if row.Exists() {
			continue
		}
		image := rowOf(t, l.Again(row).Values)
		if err := b.takes(o, key, image); err != nil {
			return nil, err
		}
		r.change(o, t, change.Insert, key, nil, image)
		for _, parent := range r.world.parentsOf(key, image) {
			switch {
			case !o.session.mayShare(parent):
				return nil, errLocked
			case o.session.row(parent) == nil:
				return nil, casebook.ErrUntaken
			}
			o.session.shared[parent] = true
		}
		cases = append(cases, casebook.NewRestored(p, l))
	}
	if len(cases) > 0 {
		_, err = b.stillParked(p)
	}
	return cases, err
}
