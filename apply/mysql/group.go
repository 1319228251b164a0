package mysql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
)

// maxRows bounds a statement: what the server spends on a row's place in a list grows with the list.
const maxRows = 1000

// group is the writes that one statement does.
type group struct {
	*statement
	locking *statement // asks which rows of an UPDATE or DELETE there are; nil of other kinds
	table   *table
	kind    apply.WriteKind
	writes  []int // indexes, in the order of the rows
	key     change.Key
	rows    []byte
	packed  *packed // instead of rows, of a statement that packs
	first   []span  // where the literals of the first row are among rows, as columns
}

type span struct{ from, to int }

// shape is what a statement's text depends on: the table's definition, the kind of write, and which
// columns the images carry.
type shape struct {
	table uint64 // fingerprint
	kind  apply.WriteKind
	mask  string // '1' for each column that is carried
}

func shapeOf(w *apply.Write) shape {
	s := shape{table: w.Table.Fingerprint(), kind: w.Kind}
	if w.Kind != apply.Upsert && w.Kind != apply.Update {
		return s
	}
	mask := bytes.Repeat([]byte{'1'}, len(w.Image))
	for i, v := range w.Image {
		if v.IsAbsent() {
			mask[i] = '0'
		}
	}
	s.mask = string(mask)
	return s
}

// group sorts writes into statements: truncates, then deletes, updates and upserts, so that a unique value
// is free before it's taken; or, but for truncates, one statement a write in the given order.
func (s *session) group(ctx context.Context, writes []apply.Write) ([]*group, error) {
	var groups []*group
	shapes, count := make([]shape, len(writes)), map[shape]int{}
	for i := range writes {
		shapes[i] = shapeOf(&writes[i])
		count[shapes[i]]++
	}
	filling := map[shape]*group{}
	for i := range writes {
		w, of := &writes[i], shapes[i]
		n := count[of]
		if s.how == apply.InOrder {
			n = 1
		}
		g := filling[of]
		if g == nil || n == 1 || n <= g.few || len(g.writes) == maxRows || g.size() > s.packetLimit/2 {
			var err error
			if g, err = s.newGroup(ctx, w, n); err != nil {
				return nil, err
			}
			filling[of] = g
			groups = append(groups, g)
		}
		if err := g.add(i, w); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return s.rank(a.kind) - s.rank(b.kind) })
	return groups, nil
}

func (s *session) rank(k apply.WriteKind) int {
	if s.how == apply.InOrder && k != apply.Truncate {
		return 2
	}
	return slices.Index([]apply.WriteKind{apply.Lock, apply.Truncate, apply.Delete, apply.Update, apply.Upsert}, k)
}

// newGroup begins a group for n writes like w, or for some of them.
func (s *session) newGroup(ctx context.Context, w *apply.Write, n int) (*group, error) {
	t, err := s.table(ctx, w.Table)
	if err != nil {
		return nil, err
	}
	b := builder{t, s.conn.Flavor() == mysql.MariaDB, s.careful}
	stmt, err := b.build(w, n)
	if err != nil {
		return nil, err
	}
	g := &group{statement: stmt, table: t, kind: w.Kind, key: w.Key}
	if stmt.numbered {
		g.locking = b.locking(stmt)
	}
	if stmt.packs {
		g.packed = &packed{builder: &b, columns: stmt.columns}
	}
	return g, nil
}

// size is about how many bytes the rows take.
func (g *group) size() int {
	if g.packed != nil {
		return g.packed.size()
	}
	return len(g.rows)
}

// add adds a write's row. What it's called with belongs to one table shape, kind and set of columns.
func (g *group) add(index int, w *apply.Write) error {
	g.writes = append(g.writes, index)
	if g.packed != nil {
		return g.pack(w)
	}
	if g.row == "" {
		return nil
	}
	if len(g.rows) > 0 {
		g.rows = append(g.rows, ',')
	}
	g.rows = append(g.rows, g.row...)
	if g.numbered {
		g.rows = strconv.AppendInt(g.rows, int64(index), 10)
	}
	values := w.Image
	if g.keyed {
		var err error
		if values, err = keyImage(w); err != nil {
			return err
		}
	}
	for n, i := range g.columns {
		if n > 0 || g.numbered {
			g.rows = append(g.rows, ',')
		}
		from := len(g.rows)
		var err error
		if g.rows, err = g.table.encode(g.rows, i, values[i]); err != nil {
			return g.unfit(w, i, err)
		}
		if len(g.writes) == 1 {
			g.first = append(g.first, span{from, len(g.rows)})
		}
	}
	g.rows = append(g.rows, ')')
	return nil
}

// pack adds a write's row to those that are packed.
func (g *group) pack(w *apply.Write) error {
	key := g.table.Keys[0]
	text, err := g.table.text(key, w.Image[key])
	if err == nil {
		err = g.packed.begin(text)
	}
	if err != nil {
		return g.unfit(w, key, err)
	}
	for _, i := range g.columns {
		if text, err = g.table.text(i, w.Image[i]); err != nil {
			return g.unfit(w, i, err)
		}
		g.packed.add(text, w.Image[i].IsNull())
	}
	return nil
}

// weights begins the form of a key that is its weights under a collation: see [mysql.KeyForms].
const weights = "\x00"

// keyImage is the key of a write as an image: as the origin wrote it, if the write has it, or else its
// normal form, which the database takes for equal.
func keyImage(w *apply.Write) (change.Image, error) {
	if len(w.Image) == len(w.Table.Columns) && !slices.ContainsFunc(w.Table.Keys, func(i int) bool { return w.Image[i].IsAbsent() }) {
		return w.Image, nil
	}
	values, ok := w.Key.Values()
	if !ok || len(values) != len(w.Table.Keys) {
		return nil, fmt.Errorf("key %s doesn't fit the key columns of its table (%s)", w.Key, w.Table.KeyNames())
	}
	image := make(change.Image, len(w.Table.Columns))
	for n, i := range w.Table.Keys {
		if strings.HasPrefix(values[n], weights) {
			return nil, fmt.Errorf("row %s: its log tells no key that the row can be found by: set binlog_row_image = FULL (REPLICA IDENTITY FULL) where it comes from", w.Key)
		}
		image[i] = change.Text(values[n])
	}
	return image, nil
}

var (
	errAbsent = errors.New("a value is absent")
	errNull   = errors.New("the value is NULL, and the column here has none")
)

// encode appends the literal that makes column i have a value.
func (t *table) encode(dst []byte, i int, v change.Value) ([]byte, error) {
	s, err := t.check(i, v)
	switch {
	case err != nil:
		return dst, err
	case v.IsNull():
		return append(dst, "NULL"...), nil
	}
	return t.columns[i].appendLiteral(dst, s)
}

// text is what column i reads a value from; NULL has none.
func (t *table) text(i int, v change.Value) (string, error) {
	s, err := t.check(i, v)
	if err != nil || v.IsNull() {
		return "", err
	}
	return t.columns[i].text(s)
}

// check gives a value's canonical text. NULL has none.
func (t *table) check(i int, v change.Value) (string, error) {
	s, ok := v.Text()
	switch {
	case v.IsNull() && t.columns[i].fills:
		return "", errNull
	case !ok && !v.IsNull():
		return "", errAbsent
	}
	return s, nil
}

// text is the statement for the group's rows. A single one needs no table of rows.
func (g *group) text(s *statement) []byte {
	if s.packs {
		return g.packed.statement()
	}
	if len(g.writes) == 1 && s.alone != nil {
		return g.fill(s.alone)
	}
	out := make([]byte, 0, len(s.before)+len(g.rows)+len(s.after))
	out = append(out, s.before...)
	out = append(out, g.rows...)
	return append(out, s.after...)
}

// fill puts the first row's literals into a statement.
func (g *group) fill(p *plain) []byte {
	var out []byte
	for n, column := range p.of {
		at := g.first[slices.Index(g.columns, column)]
		out = append(append(out, p.text[n]...), g.rows[at.from:at.to]...)
	}
	return append(out, p.text[len(p.of)]...)
}
