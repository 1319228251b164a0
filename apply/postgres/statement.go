package postgres

import (
	"fmt"
	"strings"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/postgres"
)

// shape is what a statement's text depends on: the table's definition, the kind of write, and which
// columns the images carry.
type shape struct {
	table uint64 // fingerprint
	kind  apply.WriteKind
	mask  string // '1' for each column that is carried
	tells bool   // of an update: as in statement
}

// statement is one prepared set-based statement. Its parameters are text arrays, one per column in use, of
// equal length: one element per row.
type statement struct {
	sql     string
	columns []int // of the table, whose values are the parameters; of a delete the key's
	keyed   bool  // the parameters are the key's values (delete)
	tells   bool  // it returns the numbers of the rows that it found, counted from 1
}

// maskOf tells which columns an image carries, and that a Delete carries none.
func maskOf(w *apply.Write) string {
	if w.Kind == apply.Delete {
		return ""
	}
	mask := make([]byte, len(w.Image))
	for i, v := range w.Image {
		mask[i] = '1'
		if v.IsAbsent() {
			mask[i] = '0'
		}
	}
	return string(mask)
}

// builder writes the statements of one table.
type builder struct {
	t     *change.Table // under its local names
	local map[string]localColumn
}

func (b *builder) build(w *apply.Write, tells bool) (*statement, error) {
	switch w.Kind {
	case apply.Upsert:
		return b.upsert(b.carried(w.Image)), nil
	case apply.Update:
		return b.update(b.carried(w.Image), tells), nil
	case apply.Delete:
		return b.delete(), nil
	}
	return nil, fmt.Errorf("write of kind %d on table %s is unknown", w.Kind, b.t)
}

// carried are the columns that an image assigns and this database lets be assigned.
func (b *builder) carried(image change.Image) []int {
	var columns []int
	for i := range b.t.Columns {
		if !image[i].IsAbsent() && !b.local[b.t.Columns[i].Name].Computed {
			columns = append(columns, i)
		}
	}
	return columns
}

// assignable are those of columns that an UPDATE sets: not the key, unless equal keys can differ in their
// text (numeric 1.0 and 1.00), and not identities that are always generated.
func (b *builder) assignable(columns []int) []int {
	var out []int
	for _, i := range columns {
		c := b.t.Columns[i]
		if b.local[c.Name].Fixed {
			continue
		}
		if c.Key {
			if n, err := postgres.Normalizer(c.Type); err != nil || n == nil {
				continue
			}
		}
		out = append(out, i)
	}
	if len(out) == 0 { // a table of nothing but its key
		for _, i := range b.t.Keys {
			if !b.local[b.t.Columns[i].Name].Fixed {
				return []int{i}
			}
		}
	}
	return out
}

func (b *builder) name(i int) string { return postgres.Quote(b.t.Columns[i].Name) }

func (b *builder) names(columns []int) string {
	out := make([]string, len(columns))
	for n, i := range columns {
		out[n] = b.name(i)
	}
	return strings.Join(out, ", ")
}

// source is a FROM item with one row per write: r.c0, r.c1 … are the columns' values in their types, and
// r.n counts from 1.
func (b *builder) source(columns []int) string {
	var params, raw, cast []string
	for n, i := range columns {
		params = append(params, fmt.Sprintf("$%d::text[]", n+1))
		raw = append(raw, fmt.Sprintf("c%d", n))
		local := b.local[b.t.Columns[i].Name]
		cast = append(cast, fmt.Sprintf("%s AS c%d", local.value(fmt.Sprintf("u.c%d", n)), n))
	}
	return fmt.Sprintf("(SELECT %s, u.n FROM unnest(%s) WITH ORDINALITY AS u(%s, n)) AS r",
		strings.Join(cast, ", "), strings.Join(params, ", "), strings.Join(raw, ", "))
}

func (b *builder) upsert(columns []int) *statement {
	var values, set []string
	for n := range columns {
		values = append(values, fmt.Sprintf("r.c%d", n))
	}
	for _, i := range b.assignable(columns) {
		set = append(set, fmt.Sprintf("%s = excluded.%s", b.name(i), b.name(i)))
	}
	action := "DO UPDATE SET " + strings.Join(set, ", ")
	if len(set) == 0 {
		action = "DO NOTHING" // nothing but an identity that is always generated: nothing to change
	}
	return &statement{
		columns: columns,
		sql: fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s ON CONFLICT (%s) %s",
			postgres.QuoteTable(b.t.TableName), b.names(columns), strings.Join(values, ", "), b.source(columns), b.names(b.t.Keys), action),
	}
}

// update assigns columns. Where one finds fewer rows than it has keys, found asks which; but that can't be told in a
// savepoint, whose rows don't have the transaction's own id: there it tells itself.
func (b *builder) update(columns []int, tells bool) *statement {
	at := make(map[int]int, len(columns)) // column to its place among the parameters
	for n, i := range columns {
		at[i] = n
	}
	var set []string
	for _, i := range b.assignable(columns) {
		set = append(set, fmt.Sprintf("%s = r.c%d", b.name(i), at[i]))
	}
	sql := fmt.Sprintf("UPDATE %s AS t SET %s FROM %s WHERE %s", postgres.QuoteTable(b.t.TableName), strings.Join(set, ", "), b.source(columns), b.match(at))
	if tells {
		sql += " RETURNING r.n"
	}
	return &statement{columns: columns, tells: tells, sql: sql}
}

func (b *builder) delete() *statement {
	at := make(map[int]int, len(b.t.Keys))
	for n, i := range b.t.Keys {
		at[i] = n
	}
	return &statement{
		columns: b.t.Keys, keyed: true, tells: true,
		sql: fmt.Sprintf("DELETE FROM %s AS t USING %s WHERE %s RETURNING r.n",
			postgres.QuoteTable(b.t.TableName), b.source(b.t.Keys), b.match(at)),
	}
}

// match is the condition that a row of the table t has the key of r.
func (b *builder) match(at map[int]int) string {
	var on []string
	for _, i := range b.t.Keys {
		on = append(on, fmt.Sprintf("t.%s %s r.c%d", b.name(i), b.local[b.t.Columns[i].Name].Equals, at[i]))
	}
	return strings.Join(on, " AND ")
}

// found asks which of the keys have a row that this transaction has just written: after an UPDATE that
// found fewer rows than it has keys. A row that came into being meanwhile isn't one of them.
func (b *builder) found() *statement {
	at := make(map[int]int, len(b.t.Keys))
	for n, i := range b.t.Keys {
		at[i] = n
	}
	return &statement{
		columns: b.t.Keys, keyed: true,
		sql: fmt.Sprintf("SELECT r.n FROM %s AS t, %s WHERE %s AND t.xmin = pg_current_xact_id()::xid",
			postgres.QuoteTable(b.t.TableName), b.source(b.t.Keys), b.match(at)),
	}
}
