package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"bridge/apply"
	"bridge/apply/convert"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/value"
)

// localizer converts what other engines logged. It has a session of its own, opened when it's needed first.
type localizer struct {
	connect func(ctx context.Context, role string) (*mysql.Conn, error)
	inward  apply.Inward

	mu        sync.Mutex // guards what follows, and one query at a time
	conn      *mysql.Conn
	flavor    mysql.Flavor // "" until a session of whatever kind has told it
	converter *convert.Converter
	forms     *mysql.KeyForms

	known  forms  // of tables' columns
	places places // of tables' computed keys
}

// Localize is [apply.Localizer]'s.
func (t *Target) Localize(ctx context.Context, tx *change.Transaction) error {
	if len(tx.Operations) == 0 {
		return nil
	}
	c, err := t.local.open(ctx)
	if err != nil {
		return err
	}
	return c.Localize(ctx, tx)
}

// Close is [apply.Target]'s.
func (t *Target) Close(context.Context) error {
	t.local.mu.Lock()
	defer t.local.mu.Unlock()
	if t.local.conn != nil {
		t.local.conn.Close()
		t.local.conn = nil
	}
	return nil
}

// open makes the converter, once it's known which flavor the server is.
func (l *localizer) open(ctx context.Context) (*convert.Converter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.converter != nil {
		return l.converter, nil
	}
	if l.flavor == "" {
		if err := l.reconnect(ctx); err != nil {
			return nil, err
		}
		l.flavor = l.conn.Flavor()
	}
	l.forms = mysql.NewKeyForms(l.query)
	l.converter = convert.New(convert.Config{Engine: l.engine(), Inward: l.inward, Catalog: l})
	return l.converter, nil
}

// learn takes the server's flavor from a session that's open anyway: where no other engine's rows come, none is opened.
func (l *localizer) learn(conn *mysql.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flavor = conn.Flavor()
}

func (l *localizer) engine() value.Engine {
	if l.flavor == mysql.MariaDB {
		return value.MariaDB
	}
	return value.MySQL
}

func (l *localizer) reconnect(ctx context.Context) (err error) {
	if l.conn == nil || l.conn.Broken() {
		l.conn, err = l.connect(ctx, "catalog")
	}
	return err
}

// query runs a query, once more when the session was lost since the last one.
func (l *localizer) query(ctx context.Context, sql string) ([]change.Image, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for attempt := 0; ; attempt++ {
		if err := l.reconnect(ctx); err != nil {
			return nil, err
		}
		r, err := l.conn.One(ctx, sql)
		if err != nil && attempt == 0 && l.conn.Broken() && ctx.Err() == nil {
			continue
		}
		return r.Rows, err
	}
}

// Columns is [convert.Catalog]'s.
func (l *localizer) Columns(ctx context.Context, t change.TableName) (map[string]convert.Column, error) {
	rows, err := l.query(ctx, `SELECT column_name, column_type, lower(extra), ordinal_position, coalesce(character_set_name, ''), coalesce(collation_name, '')
		FROM information_schema.columns WHERE table_schema = `+mysql.Literal(t.Schema)+` AND table_name = `+mysql.Literal(t.Name))
	if err != nil {
		return nil, err
	}
	json, err := mysql.LoadJSONColumns(ctx, l.flavor, l.query, t)
	if err != nil {
		return nil, err
	}
	columns := make(map[string]convert.Column, len(rows))
	for _, row := range rows {
		var f [6]string
		for i := range f {
			f[i], _ = row[i].Text()
		}
		c := convert.Column{Generated: strings.Contains(f[2], "virtual generated") || strings.Contains(f[2], "stored generated")}
		if c.Place, err = strconv.Atoi(f[3]); err != nil {
			return nil, fmt.Errorf("column %s is said to stand at %q", f[0], f[3])
		}
		if c.Type, err = value.Declared(l.engine(), lowerType(f[1])); err != nil {
			return nil, fmt.Errorf("%w: table %s, column %s: %w", apply.ErrRefused, t, f[0], err)
		}
		if json.Has(t, f[0]) {
			c.Type = c.Type.AsJSON()
		}
		c.Type.Charset, c.Type.Collation = f[4], f[5]
		c.Form = l.form(c.Type)
		columns[f[0]] = c
	}
	return columns, nil
}

// lowerType is a type in lower case but for the labels of ENUM and SET.
func lowerType(declaration string) string {
	word, rest, labels := strings.Cut(declaration, "(")
	if labels && (strings.EqualFold(word, "enum") || strings.EqualFold(word, "set")) {
		return strings.ToLower(word) + "(" + rest
	}
	return strings.ToLower(declaration)
}

// form is how capture writes a key column's text: see capture/mysql.
func (l *localizer) form(t value.Type) form {
	switch {
	case t.Class == value.Float:
		return positiveZero
	case t.Class != value.Text || t.Charset == "" || t.Charset == "binary":
		return nil
	}
	return func(ctx context.Context, text string) (string, error) {
		form, err := l.forms.Collation(ctx, t.Charset, t.Collation)
		if err != nil {
			return "", err
		}
		return form.Of(ctx, text)
	}
}

func positiveZero(_ context.Context, text string) (string, error) {
	if text == "-0" {
		return "0", nil
	}
	return text, nil
}
