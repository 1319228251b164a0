package postgres

import (
	"context"
	"fmt"
	"slices"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/postgres"
)

// group is the writes that one statement does, with its parameters.
type group struct {
	stmt   *prepared
	kind   apply.WriteKind
	table  *change.Table
	writes []int      // indexes, in the parameters' order
	key    change.Key // of the first write
	arrays []textArray
	params [][]byte
}

// group sorts writes into statements: truncates, then deletes, updates and upserts, so that a unique value
// is free before it's taken; or, but for truncates, one statement a write in the given order.
func (s *session) group(ctx context.Context, writes []apply.Write) ([]*group, error) {
	var groups []*group
	byShape := map[shape]*group{}
	wholes := map[apply.WriteKind]*group{}
	for i := range writes {
		w := &writes[i]
		if sql := ofTables[w.Kind]; sql != "" {
			if err := s.whole(ctx, wholes, sql, i, w); err != nil {
				return nil, err
			}
			continue
		}
		key := shape{w.Table.Fingerprint(), w.Kind, maskOf(w), s.saved && w.Kind == apply.Update}
		g := byShape[key]
		if g == nil || s.how == apply.InOrder {
			p, err := s.prepare(ctx, key, w)
			if err != nil {
				return nil, err
			}
			g = newGroup(p, w)
			byShape[key] = g
			groups = append(groups, g)
		}
		if err := g.add(i, w); err != nil {
			return nil, err
		}
	}
	if s.how != apply.InOrder {
		slices.SortStableFunc(groups, func(a, b *group) int { return rank(a.kind) - rank(b.kind) })
	}
	for _, g := range wholes { // there are locks or truncates
		groups = slices.Insert(groups, 0, g)
	}
	for _, g := range groups {
		g.params = params(g.arrays)
	}
	return groups, nil
}

func rank(k apply.WriteKind) int {
	return slices.Index([]apply.WriteKind{apply.Delete, apply.Update, apply.Upsert}, k)
}

// ofTables begin the statements of writes that are of whole tables.
var ofTables = map[apply.WriteKind]string{apply.Truncate: "TRUNCATE ", apply.Lock: "LOCK TABLE "}

// whole adds a table to the statement that truncates, or locks, all of the batch's: where a foreign key joins two
// tables, one of them can't be truncated alone, not even when the other is empty.
func (s *session) whole(ctx context.Context, groups map[apply.WriteKind]*group, sql string, index int, w *apply.Write) error {
	b, err := s.builder(ctx, w.Table)
	if err != nil {
		return err
	}
	name := postgres.QuoteTable(b.t.TableName)
	if g := groups[w.Kind]; g == nil {
		groups[w.Kind] = newGroup(&prepared{statement: &statement{sql: sql + name}}, w)
	} else {
		g.stmt.sql += ", " + name
	}
	groups[w.Kind].writes = append(groups[w.Kind].writes, index)
	return nil
}

func newGroup(p *prepared, w *apply.Write) *group {
	return &group{stmt: p, kind: w.Kind, table: w.Table, key: w.Key, arrays: newArrays(len(p.columns))}
}

func (g *group) add(index int, w *apply.Write) error {
	g.writes = append(g.writes, index)
	if !g.stmt.keyed {
		for n, c := range g.stmt.columns {
			g.arrays[n].addValue(w.Image[c])
		}
		return nil
	}
	return addKey(g.arrays, w)
}

func addKey(arrays []textArray, w *apply.Write) error {
	values, ok := w.Key.Values()
	if !ok || len(values) != len(arrays) {
		return fmt.Errorf("key %s doesn't fit the key columns of its table (%s)", w.Key, w.Table.KeyNames())
	}
	for n, v := range values {
		arrays[n].add(v)
	}
	return nil
}

// prepare finds or makes the statement of a shape.
func (s *session) prepare(ctx context.Context, key shape, w *apply.Write) (*prepared, error) {
	if p := s.statements[key]; p != nil {
		return p, nil
	}
	b, err := s.builder(ctx, w.Table)
	if err != nil {
		return nil, err
	}
	stmt, err := b.build(w, key.tells)
	if err != nil {
		return nil, err
	}
	return s.keep(key, stmt), nil
}

func (s *session) keep(key shape, stmt *statement) *prepared {
	s.counter++
	p := &prepared{statement: stmt, name: fmt.Sprintf("w%d", s.counter)}
	s.statements[key] = p
	return p
}

func (s *session) builder(ctx context.Context, t *change.Table) (*builder, error) {
	b := s.tables[t.Fingerprint()]
	if b != nil {
		return b, nil
	}
	local, err := s.names.LocalTable(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", apply.ErrRefused, err)
	}
	columns, err := loadTable(ctx, s.conn, local, t)
	if err != nil {
		return nil, s.explain(err, nil)
	}
	b = &builder{local, columns}
	s.tables[t.Fingerprint()] = b
	return b, nil
}
