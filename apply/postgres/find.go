package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/visibility"
)

// Find is [apply.Session]'s: one round trip.
func (s *session) Find(ctx context.Context, l *visibility.Lookup) ([]visibility.Row, error) {
	if len(l.Values) == 0 {
		return nil, nil
	}
	b, err := s.builder(ctx, l.Table.Shape)
	if err != nil {
		return nil, err
	}
	normalize, err := b.normalizers(l.Table.Shape)
	if err != nil {
		return nil, err
	}
	p, err := s.finder(b, l)
	if err != nil {
		return nil, err
	}
	arrays := newArrays(len(l.Columns))
	for _, tuple := range l.Values {
		for n := range arrays {
			arrays[n].addValue(tuple[n])
		}
	}
	var images []change.Image
	err = s.round(ctx, func(pipe *pgconn.Pipeline) {
		s.exec(pipe, p.sql, p.name, textArrays(len(arrays)), params(arrays), allBinary)
	}, func(r *results) { images = r.images() })
	if err != nil {
		return nil, s.explain(fmt.Errorf("look up rows of %s: %w", l.Table.Shape, err), nil)
	}
	rows := make([]visibility.Row, len(images))
	for i, image := range images {
		key, err := change.KeyOf(l.Table.Shape, image, normalize)
		if err != nil {
			return nil, err
		}
		rows[i] = visibility.Row{Key: key, Table: l.Table.Shape, Image: image}
	}
	return rows, nil
}

// finder finds or makes the statement that looks rows up by columns.
func (s *session) finder(b *builder, l *visibility.Lookup) (*prepared, error) {
	var columns []int
	for _, name := range l.Columns {
		i := slices.IndexFunc(l.Table.Shape.Columns, func(c change.Column) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("look up rows of %s by column %q, which it hasn't", l.Table.Shape, name)
		}
		columns = append(columns, i)
	}
	key := shape{l.Table.Shape.Fingerprint(), 0, fmt.Sprint("find ", columns, lockOf(l)), false}
	var by *placing
	if l.Unique != nil {
		if by = s.forms.placing(l.Table.Shape.TableName, l.Unique.Name); by == nil || len(by.columns) != len(columns) {
			return nil, fmt.Errorf("look up rows of %s by unique key %s, which it hadn't when its constraints were read", l.Table.Shape, l.Unique.Name)
		}
		key.mask += " by " + strings.Join(by.expressions, ", ") + " where " + by.condition
	}
	if p := s.statements[key]; p != nil {
		return p, nil
	}
	if by != nil {
		return s.keep(key, by.find(b)), nil
	}
	return s.keep(key, b.find(columns, lockOf(l))), nil
}

// lockOf is how a lookup's rows are locked. Parents are locked as an update that leaves their keys does it: applications' foreign keys, which lock
// FOR KEY SHARE, don't wait for that.
func lockOf(l *visibility.Lookup) string {
	switch {
	case l.Held:
		return "KEY SHARE"
	case l.Parents:
		return "NO KEY UPDATE"
	}
	return "UPDATE"
}

// find locks and reads the rows in which columns have the values of the parameters.
//
// Values that are equal may be given twice, by other texts: a row comes once all the same.
func (b *builder) find(columns []int, lock string) *statement {
	var all []string
	for i := range b.t.Columns {
		all = append(all, "t."+b.name(i))
	}
	from, where := b.oneOfTuples(columns)
	leads := slices.ContainsFunc(columns, func(i int) bool { return b.column(i).Leads })
	alike := !slices.ContainsFunc(columns, func(i int) bool { return b.column(i).Equals != b.column(columns[0]).Equals })
	switch {
	case leads && len(columns) == 1:
		from, where = "", b.oneOf(columns[0])
	case !leads && alike:
		from, where = "", b.hashed(columns)
	}
	return &statement{
		columns: columns,
		sql: fmt.Sprintf("SELECT %s FROM %s%s AS t WHERE %s FOR %s OF t",
			strings.Join(all, ", "), from, postgres.QuoteTable(b.t.TableName), where, lock),
	}
}

func (b *builder) column(i int) localColumn { return b.local[b.t.Columns[i].Name] }

// oneOf is the condition that a column, which an index finds, has one of the first parameter's values.
func (b *builder) oneOf(column int) (where string) {
	return fmt.Sprintf("t.%s %s ANY (ARRAY(SELECT %s))", b.name(column), b.column(column).Equals, b.sought([]int{column}))
}

// oneOfTuples is the same for several columns, at least one of which an index finds: the planner joins by it.
func (b *builder) oneOfTuples(columns []int) (from, where string) {
	on := make([]string, len(columns))
	for n, i := range columns {
		on[n] = fmt.Sprintf("t.%s %s r.c%d", b.name(i), b.column(i).Equals, n)
	}
	return "(SELECT DISTINCT " + b.sought(columns) + ") AS r, ", strings.Join(on, " AND ")
}

// hashed is the condition where no index helps, as with most foreign keys' columns: one scan of the table, which looks each row up in a hash
// of the values. IS TRUE keeps the planner from making a join of it; one that isn't by hash (see sessionSettings) scans once for each value.
func (b *builder) hashed(columns []int) (where string) {
	own := make([]string, len(columns))
	for n, i := range columns {
		own[n] = "t." + b.name(i)
	}
	return fmt.Sprintf("((%s) %s ANY (SELECT %s)) IS TRUE", strings.Join(own, ", "), b.column(columns[0]).Equals, b.sought(columns))
}

// sought is what follows SELECT for the parameters' values as c0, c1 …
func (b *builder) sought(columns []int) string {
	var parameters, raw, sought []string
	for n, i := range columns {
		local := b.column(i)
		parameters = append(parameters, fmt.Sprintf("$%d::text[]", n+1))
		raw = append(raw, fmt.Sprintf("c%d", n))
		sought = append(sought, fmt.Sprintf("%s AS c%d", local.sought(fmt.Sprintf("u.c%d", n)), n))
	}
	return fmt.Sprintf("%s FROM unnest(%s) AS u(%s)", strings.Join(sought, ", "), strings.Join(parameters, ", "), strings.Join(raw, ", "))
}

// normalizers are those of the key columns of a table, which is b's under its stream names.
func (b *builder) normalizers(t *change.Table) ([]change.Normalize, error) {
	all := make([]change.Normalize, len(b.t.Columns))
	for _, k := range b.t.Keys {
		var err error
		if all[k], err = postgres.Normalizer(b.local[b.t.Columns[k].Name].Equality); err != nil {
			return nil, fmt.Errorf("%w: table %s, key column %s: %w", apply.ErrRefused, t, t.Columns[k].Name, err)
		}
	}
	return all, nil
}

// images are a result's rows.
func (r *results) images() (images []change.Image) {
	rr := r.next()
	if rr == nil {
		return nil
	}
	for rr.NextRow() {
		image := make(change.Image, len(rr.Values()))
		for i, v := range rr.Values() {
			image[i] = change.Null
			if v != nil {
				image[i] = change.Text(string(v))
			}
		}
		images = append(images, image)
	}
	if _, err := rr.Close(); err != nil {
		r.err = err
	}
	return images
}
