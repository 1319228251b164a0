// Package mysql is compare.Region for MySQL and MariaDB. It only reads.
//
// Rows are read as text and hashed here: servers' own text isn't whole for every type (a FLOAT lacks digits) and not
// the same on both kinds. Text is brought into the form that capture gives it, and from there into the one that
// the regions compare (compare.Forms).
package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bridge/change"
	"bridge/compare"
	"bridge/internal/mysql"
)

// Region is a region's server. Make it with [Open].
type Region struct {
	name    string
	server  mysql.Server
	session mysql.Session
	conn    *mysql.Conn
	asking  *mysql.Conn // for keys' forms, while conn's rows are on their way; nil until it's needed
	scope   compare.Scope
	tables  map[change.TableName]*table
	forms   *mysql.KeyForms
}

var _ compare.Region = (*Region)(nil)

// Open connects.
func Open(ctx context.Context, name string, server mysql.Server, session mysql.Session, scope compare.Scope) (*Region, error) {
	r := &Region{name: name, server: server, session: session, scope: scope}
	r.forms = mysql.NewKeyForms(r.ask)
	var err error
	if r.conn, err = r.connect(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// patience is how long the server waits, in seconds, until rows that it sends are taken: a comparison goes at the pace
// of the slowest region.
const patience = 24 * 60 * 60

func (r *Region) connect(ctx context.Context) (*mysql.Conn, error) {
	conn, err := r.server.Connect(ctx, r.session)
	if err != nil {
		return nil, fmt.Errorf("connect to the database of region %s: %w", r.name, err)
	}
	if _, err := conn.One(ctx, fmt.Sprintf("SET SESSION net_write_timeout = %d", patience)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to the database of region %s: %w", r.name, err)
	}
	return conn, nil
}

// Close ends the connections. The error is always nil.
func (r *Region) Close(context.Context) error {
	r.conn.Close()
	if r.asking != nil {
		r.asking.Close()
	}
	return nil
}

// Name is [compare.Region]'s.
func (r *Region) Name() string { return r.name }

// ask runs a query beside the one whose rows are on their way.
func (r *Region) ask(ctx context.Context, sql string) ([]change.Image, error) {
	if r.asking == nil {
		var err error
		if r.asking, err = r.connect(ctx); err != nil {
			return nil, err
		}
	}
	result, err := r.asking.One(ctx, sql)
	return result.Rows, err
}

// chunk is how many rows are yielded, or looked up, at a time. It's below the number of constants from which MariaDB
// makes a table of a list.
const chunk = 500

// Scan is [compare.Region]'s. It's one statement, which reads as of one moment under READ COMMITTED, too. Keys of
// whole numbers are read along the primary key.
func (r *Region) Scan(ctx context.Context, s *compare.Selection, yield func([]compare.Row) error) error {
	t, err := r.table(s)
	if err != nil {
		return err
	}
	reader, err := r.reader(ctx, t, s)
	if err != nil {
		return err
	}
	sql := "SELECT " + reader.list + " FROM " + mysql.QuoteTable(t.local)
	if s.Ordered() {
		sql += " ORDER BY " + t.quoted(s.Key)
	}
	add, rest := compare.InChunks(chunk, yield)
	err = r.conn.Query(ctx, sql, func(values change.Image) error {
		row, err := reader.row(ctx, values)
		if err != nil {
			return err
		}
		return add(row)
	})
	if err != nil {
		return err
	}
	return rest()
}

// Look is [compare.Region]'s. The rows have no versions: the server shows none.
func (r *Region) Look(ctx context.Context, s *compare.Selection, keys [][]string) (out []compare.Row, err error) {
	t, err := r.table(s)
	if err != nil {
		return nil, err
	}
	reader, err := r.reader(ctx, t, s)
	if err != nil {
		return nil, err
	}
	for len(keys) > 0 {
		n := min(chunk, len(keys))
		list, err := t.literals(s.Key, keys[:n])
		if err != nil {
			return nil, err
		}
		keys = keys[n:]
		sql := "SELECT " + reader.list + " FROM " + mysql.QuoteTable(t.local) + " WHERE (" + t.quoted(s.Key) + ") IN (" + list + ")"
		err = r.conn.Query(ctx, sql, func(values change.Image) error {
			row, err := reader.row(ctx, values)
			out = append(out, row)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Position is [compare.Region]'s: the end of the log. What a session sees was in the log before: a commit is flushed
// there before the engine shows it. The end of the log is the end of an event, which capture comes to.
func (r *Region) Position(ctx context.Context) (change.Position, error) {
	return mysql.End(ctx, r.conn)
}

func (r *Region) table(s *compare.Selection) (*table, error) {
	t := r.tables[s.TableName]
	if t == nil {
		return nil, errors.New("the table isn't in the database")
	}
	return t, nil
}

// reader makes rows of what a query gives.
type reader struct {
	list    string // of the query
	columns []*column
	forms   *compare.Forms
	keys    []*mysql.KeyForm // as the selection's key; nil where values have one text
}

func (r *Region) reader(ctx context.Context, t *table, s *compare.Selection) (*reader, error) {
	out := &reader{forms: s.Forms(r.name)}
	list := make([]string, len(s.Columns))
	for i, name := range s.Columns {
		c := t.columns[name]
		out.columns = append(out.columns, c)
		list[i] = c.expression()
	}
	out.list = strings.Join(list, ", ")
	if !out.forms.ServerKeys() {
		return out, nil
	}
	for _, name := range s.Key {
		form, err := r.keyForm(ctx, t.columns[name])
		if err != nil {
			return nil, fmt.Errorf("key column %q: %w", name, err)
		}
		out.keys = append(out.keys, form)
	}
	return out, nil
}

// row is a row of the query. It takes the image over.
func (d *reader) row(ctx context.Context, values change.Image) (compare.Row, error) {
	if err := canonical(d.columns, values); err != nil {
		return compare.Row{}, err
	}
	row, err := d.forms.Row(values)
	if err != nil || d.keys == nil {
		return row, err
	}
	key := make([]string, len(row.Own))
	for i, text := range row.Own {
		if key[i], err = formOf(ctx, d.keys[i], text); err != nil {
			return row, err
		}
	}
	row.Key = key
	return row, nil
}

// canonical makes the server's texts those that capture gives.
func canonical(columns []*column, values change.Image) error {
	for i, c := range columns {
		text, ok := values[i].Text()
		if !ok {
			continue
		}
		text, err := c.text(text)
		if err != nil {
			return fmt.Errorf("column %q: %w", c.local, err)
		}
		values[i] = change.Text(text)
	}
	return nil
}
