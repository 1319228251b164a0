package mysql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/value"
)

// finder is how rows of a table are looked up and read.
type finder struct {
	*table
	list    string        // the columns of the shape, as a query's list
	texts   []*mysql.Text // of the columns
	forms   []form        // how the key's columns name a row; nil where the text does
	indexes []index
	leads   map[string]bool // the quoted names of indexes that find rows by their first part, be it a column or an expression
}

// index is an index by which the server finds rows.
type index struct {
	name    string   // quoted
	columns []string // quoted: those it begins with, up to one that isn't there as a whole
}

// finder finds how rows of a table are looked up, or reads it.
func (s *session) finder(ctx context.Context, shape *change.Table) (*finder, error) {
	t, err := s.table(ctx, shape)
	if err != nil {
		return nil, err
	}
	if t.finder == nil {
		f := &finder{table: t, texts: make([]*mysql.Text, len(t.columns)), forms: make([]form, len(t.columns))}
		if err := f.load(ctx, s.conn, s.local); err != nil {
			return nil, fmt.Errorf("read how rows of %s are found: %w", t, err)
		}
		t.finder = f
	}
	return t.finder, nil
}

func (f *finder) load(ctx context.Context, conn *mysql.Conn, local *localizer) error {
	where := " WHERE table_schema = " + mysql.Literal(f.Schema) + " AND table_name = " + mysql.Literal(f.Name)
	usable := "true"
	switch {
	case conn.Flavor() == mysql.MySQL:
		usable = "is_visible = 'YES'"
	case conn.Version().AtLeast(10, 6, 0):
		usable = "ignored = 'NO'"
	}
	results, err := conn.Exec(ctx, "SELECT column_name, column_type, coalesce(numeric_precision, 0) FROM information_schema.columns"+where+
		"; SELECT index_name, column_name, sub_part IS NULL AND column_name IS NOT NULL AND index_type = 'BTREE' AND "+usable+
		", sub_part IS NULL AND index_type = 'BTREE' AND "+usable+" AND seq_in_index = 1 FROM information_schema.statistics"+where+" ORDER BY index_name <> 'PRIMARY', non_unique, index_name, seq_in_index")
	if err != nil {
		return err
	}
	types := map[string]mysql.Column{}
	for _, row := range results[0].Rows {
		c := mysql.Column{}
		c.Name, _ = row[0].Text()
		c.Full, _ = row[1].Text()
		precision, _ := row[2].Text()
		if c.Precision, err = strconv.ParseUint(precision, 10, 64); err != nil {
			return fmt.Errorf("column %s has precision %q", c.Name, precision)
		}
		types[mysql.Quote(c.Name)] = c
	}
	f.loadIndexes(results[1].Rows)
	return f.loadColumns(ctx, conn.Flavor(), types, local)
}

func (f *finder) loadColumns(ctx context.Context, flavor mysql.Flavor, types map[string]mysql.Column, local *localizer) (err error) {
	var list []string
	for i := range f.columns {
		column := types[f.columns[i].name]
		if f.texts[i], err = mysql.NewText(flavor, &column); err != nil {
			return err
		}
		list = append(list, f.texts[i].Expression())
	}
	f.list = strings.Join(list, ", ")
	for _, k := range f.Keys {
		c := &f.columns[k]
		typ := value.Type{Charset: c.charset, Collation: c.collation}
		switch c.class {
		case float:
			typ.Class = value.Float
		case text:
			typ.Class = value.Text
		}
		if f.forms[k], err = local.keyForm(ctx, typ); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) loadIndexes(rows []change.Image) {
	ended := false
	f.leads = map[string]bool{}
	for _, row := range rows {
		name, _ := row[0].Text()
		column, _ := row[1].Text()
		whole, _ := row[2].Text()
		last := len(f.indexes) - 1
		if last < 0 || f.indexes[last].name != mysql.Quote(name) {
			f.indexes = append(f.indexes, index{name: mysql.Quote(name)})
			last, ended = last+1, false
			leads, _ := row[3].Text()
			f.leads[mysql.Quote(name)] = leads == "1"
		}
		if ended = ended || whole != "1"; !ended {
			f.indexes[last].columns = append(f.indexes[last].columns, mysql.Quote(column))
		}
	}
}

// indexOf is the quoted name of an index that begins with columns, in whatever order: the primary key or a unique one if there
// is such. It's "" where there's none; the server then does as it can.
func (f *finder) indexOf(columns []int) string {
	for _, x := range f.indexes {
		if len(x.columns) < len(columns) {
			continue
		}
		first := x.columns[:len(columns)]
		if !slices.ContainsFunc(columns, func(i int) bool { return !slices.Contains(first, f.columns[i].name) }) {
			return x.name
		}
	}
	return ""
}
