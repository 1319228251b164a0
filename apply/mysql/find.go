package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/visibility"
)

// maxTuples bounds a query. Beyond some memory (range_optimizer_max_mem_size) a server gives up looking for an index, and would
// read, and wait for, every row of the table.
const maxTuples = 200

// Find is [apply.Session]'s. Under READ COMMITTED a lookup by an index locks the rows that it finds, and no gaps; rows of
// a lookup that finds more than one in the index (a foreign key's) are locked one by one, in its order.
func (s *session) Find(ctx context.Context, l *visibility.Lookup) ([]visibility.Row, error) {
	f, err := s.finder(ctx, l.Table.Shape)
	if err != nil {
		return nil, s.explain(err)
	}
	var found []visibility.Row
	known := map[change.Key]bool{}
	take := func(r *mysql.Result) error {
		for _, values := range r.Rows {
			row, err := f.row(ctx, values)
			if err != nil {
				return err
			}
			if !known[row.Key] {
				known[row.Key] = true
				found = append(found, row)
			}
		}
		return nil
	}
	var queries [][]byte
	if l.Unique != nil && l.Unique.Computed {
		queries, err = s.findPlaces(ctx, f, l)
	} else {
		queries, err = f.queries(l, s.packetLimit/2)
	}
	if err != nil {
		return nil, err
	}
	var all steps
	for _, sql := range queries {
		all = append(all, step{sql: sql, group: &group{table: f.table}, take: take})
	}
	if err := s.run(ctx, all); err != nil {
		return nil, err
	}
	return found, nil
}

// queries are a lookup's, of up to limit bytes or one tuple. A tuple that holds a value which the columns can't is in no row, and left out.
func (f *finder) queries(l *visibility.Lookup, limit int) (queries [][]byte, err error) {
	columns := make([]int, len(l.Columns))
	for n, name := range l.Columns {
		if columns[n] = slices.IndexFunc(l.Table.Shape.Columns, func(c change.Column) bool { return c.Name == name }); columns[n] < 0 {
			return nil, fmt.Errorf("table %s has no column %s to find rows by", f.table, name)
		}
	}
	before, lock := f.before(columns), forUpdate
	if l.Parents {
		lock = forShare
	}
	sql, tuples := []byte(nil), 0
	for _, values := range l.Values {
		tuple, err := f.tuple(columns, values)
		if err != nil {
			return nil, err
		}
		if tuple == nil {
			continue
		}
		if tuples == maxTuples || tuples > 0 && len(sql)+len(tuple) > limit {
			queries, tuples = append(queries, append(sql, lock...)), 0
		}
		if tuples++; tuples == 1 {
			sql = []byte(before)
		} else {
			sql = append(sql, " OR "...)
		}
		sql = append(sql, tuple...)
	}
	if tuples > 0 {
		queries = append(queries, append(sql, lock...))
	}
	return queries, nil
}

// How rows are locked: for this transaction alone, or, of parents, so that applications' foreign keys, which share the lock, don't
// wait. The words are those that MariaDB knows, too.
const (
	forUpdate = " FOR UPDATE"
	forShare  = " LOCK IN SHARE MODE"
)

// before is what stands before a query's condition on columns.
func (f *finder) before(columns []int) string {
	sql := "SELECT " + f.list + " FROM " + f.name
	if index := f.indexOf(columns); index != "" {
		sql += " FORCE INDEX (" + index + ")"
	}
	return sql + " WHERE "
}

// tuple is the condition that columns have values; nil when no row can.
func (f *finder) tuple(columns []int, values []change.Value) ([]byte, error) {
	sql := []byte{'('}
	for n, i := range columns {
		c := &f.columns[i]
		if n > 0 {
			sql = append(sql, " AND "...)
		}
		opening, closing := c.comparison()
		sql = append(append(append(sql, c.name...), " = "...), opening...)
		from := len(sql)
		var err error
		if sql, err = f.encode(sql, i, values[n]); err != nil {
			if errors.Is(err, errPrecision) || errors.Is(err, errLabel) {
				return nil, nil
			}
			return nil, f.unusable(i, err)
		}
		literal := string(sql[from:])
		sql = append(sql, closing...)
		if c.class != text {
			continue
		}
		value, _ := values[n].Text()
		if strings.HasPrefix(value, weights) && !strings.HasSuffix(c.collation, "_bin") {
			return nil, f.unusable(i, errWeights)
		}
		if c.charset != "utf8mb4" && !isASCII(value) { // what the character set lacks would be found as a question mark
			sql = fmt.Appendf(sql, " AND CONVERT(CONVERT(%s USING %s) USING utf8mb4) COLLATE utf8mb4_bin = %[1]s", literal, c.charset)
		}
	}
	return append(sql, ')'), nil
}

var errWeights = errors.New("rows can't be found by a form (see KeyForms), only by a text")

func (f *finder) unusable(i int, err error) error {
	return fmt.Errorf("%w: table %s: find rows by column %s: %w; compare the column's definition with the other regions', and it goes on by itself once they agree",
		apply.ErrRefused, f.table, f.columnName(i), err)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// row is a row as capture would log it.
func (f *finder) row(ctx context.Context, values change.Image) (visibility.Row, error) {
	image := make(change.Image, len(values))
	for i, v := range values {
		text, ok := v.Text()
		if !ok {
			image[i] = change.Null
			continue
		}
		text, err := f.texts[i].Of(text)
		if err != nil {
			return visibility.Row{}, fmt.Errorf("read a row of %s: %w", f.table, err)
		}
		image[i] = change.Text(text)
	}
	formed := slices.Clone(image)
	for _, k := range f.stream.Keys {
		text, ok := image[k].Text()
		if !ok || f.forms[k] == nil {
			continue
		}
		text, err := f.forms[k](ctx, text)
		if err != nil {
			return visibility.Row{}, fmt.Errorf("name a row of %s: %w", f.table, err)
		}
		formed[k] = change.Text(text)
	}
	key, err := change.KeyOf(f.stream, formed, nil)
	return visibility.Row{Key: key, Table: f.stream, Image: image}, err
}

// Seen is [apply.Session]'s: a locking read waits for rows whose transaction is in the log.
func (*session) Seen(context.Context) (bool, error) { return true, nil }
