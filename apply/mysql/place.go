package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/visibility"
)

// uniqueName names a unique key between the regions, but for its own name.
type uniqueName struct {
	table change.TableName
	key   string
}

// placing is how it's found what rows take of a computed key.
type placing struct {
	*mysql.Computed
	index string // the key's, quoted
	forms []form // of the parts' texts; nil where equal values have equal texts
	known visibility.Places[taken]
}

// taken is what a row takes of a key.
type taken struct {
	form  string   // empty where it takes nothing
	texts []string // of the parts
}

// places are the placings of the tables that Constraints has told of. It's safe for concurrent use.
type places struct {
	mu    sync.Mutex
	known map[uniqueName]*placing
}

func (p *places) set(all map[uniqueName]*placing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = all
}

func (p *places) get(table change.TableName, key string) (*placing, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.known[uniqueName{table, key}]
	if found == nil {
		return nil, fmt.Errorf("table %s had no unique key %q for the server to compute when its constraints were read", table, key)
	}
	return found, nil
}

// Place is [visibility.Computing]'s, for the keys that Constraints has told of.
func (t *Target) Place(ctx context.Context, table change.TableName, unique string, values []change.Value) (string, error) {
	p, err := t.local.places.get(table, unique)
	if err != nil {
		return "", err
	}
	found, err := t.local.place(ctx, p, values)
	if err != nil {
		return "", fmt.Errorf("compute what a row of %s takes of unique key %s: %w", table, unique, err)
	}
	return found.form, nil
}

// place finds what a row with these values takes. One that the database wouldn't take at all takes nothing.
func (l *localizer) place(ctx context.Context, p *placing, values []change.Value) (found taken, err error) {
	if found, ok := p.known.Get(values); ok {
		return found, nil
	}
	sql, err := p.Query(values)
	if err != nil {
		return taken{}, fmt.Errorf("%w: %w", apply.ErrRefused, err)
	}
	rows, err := l.query(ctx, sql)
	server, ok := errors.AsType[*mysql.Error](err)
	switch {
	case ok && errors.Is(refusal(server), apply.ErrUnfit):
	case err != nil:
		return taken{}, err
	case len(rows) == 1:
		if found, err = p.read(ctx, rows[0]); err != nil {
			return taken{}, err
		}
	}
	p.known.Put(values, found)
	return found, nil
}

// read makes a place of what the server told.
func (p *placing) read(ctx context.Context, row change.Image) (taken, error) {
	texts, ok, err := p.Read(row)
	if !ok || err != nil {
		return taken{}, err
	}
	formed := make([]change.Value, len(texts))
	for n, text := range texts {
		if p.forms[n] != nil {
			if text, err = p.forms[n](ctx, text); err != nil {
				return taken{}, err
			}
		}
		formed[n] = change.Text(text)
	}
	return taken{visibility.Joined(formed), texts}, nil
}

// findPlaces are the queries of a lookup by a computed key.
func (s *session) findPlaces(ctx context.Context, f *finder, l *visibility.Lookup) (queries [][]byte, err error) {
	p, err := s.local.places.get(l.Table.Shape.TableName, l.Unique.Name)
	if err != nil {
		return nil, err
	}
	var tuples [][]string // of constants, by part
	known, length := map[string]bool{}, 0
	for _, values := range l.Values {
		found, err := s.local.place(ctx, p, values)
		if err != nil {
			return nil, err
		}
		if found.form == "" || known[found.form] {
			continue
		}
		known[found.form] = true
		tuple, size, err := p.constants(found)
		if err != nil {
			return nil, err
		}
		if len(tuples) == maxTuples || len(tuples) > 0 && length+size > s.packetLimit/4 { // each is in the query twice
			queries = append(queries, p.query(f, tuples))
			tuples, length = nil, 0
		}
		tuples, length = append(tuples, tuple), length+size
	}
	if len(tuples) > 0 {
		queries = append(queries, p.query(f, tuples))
	}
	return queries, nil
}

// constants are a place's parts in SQL, and how long they are together.
func (p *placing) constants(found taken) (tuple []string, size int, err error) {
	for n, text := range found.texts {
		constant, err := p.Parts[n].Constant(text)
		if err != nil {
			return nil, 0, err
		}
		tuple, size = append(tuple, constant), size+len(constant)
	}
	return tuple, size, nil
}

// query finds the rows that take one of some places. The lists of single parts are for the index, which serves as far as the key's parts are whole columns,
// or expressions; else the server reads the table.
func (p *placing) query(f *finder, tuples [][]string) []byte {
	var sql strings.Builder
	sql.WriteString("SELECT " + f.list + " FROM " + f.name)
	if f.leads[p.index] {
		sql.WriteString(" FORCE INDEX (" + p.index + ")")
	}
	var parts []string
	before := " WHERE "
	for n := range p.Parts {
		parts = append(parts, p.Parts[n].SQL)
		list := make([]string, len(tuples))
		for i, tuple := range tuples {
			list[i] = tuple[n]
		}
		sql.WriteString(before + p.Parts[n].SQL + " IN (" + strings.Join(list, ", ") + ")")
		before = " AND "
	}
	if len(parts) > 1 {
		list := make([]string, len(tuples))
		for i, tuple := range tuples {
			list[i] = "(" + strings.Join(tuple, ", ") + ")"
		}
		sql.WriteString(" AND (" + strings.Join(parts, ", ") + ") IN (" + strings.Join(list, ", ") + ")")
	}
	return []byte(sql.String() + forUpdate)
}
