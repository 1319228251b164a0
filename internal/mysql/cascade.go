package mysql

import (
	"context"
	"fmt"
	"strings"

	"bridge/change"
)

// Cascade is a foreign key that changes rows by itself.
type Cascade struct {
	Table change.TableName // whose rows it changes
	ForeignKey
}

// String says what the key does, for a server that doesn't log it.
func (c *Cascade) String() string {
	return fmt.Sprintf("foreign key %q changes rows when those of %s change (ON DELETE %s, ON UPDATE %s), and the server doesn't log that: other regions would keep the rows",
		c.Name, c.Parent, c.OnDelete, c.OnUpdate)
}

// CascadesLogged reports whether the server logs what foreign keys change by themselves. native is its variable
// innodb_native_foreign_keys, "" where it has none.
func CascadesLogged(conn *Conn, native string) bool {
	return conn.Flavor() == MySQL && conn.Version().AtLeast(9, 6, 0) && !strings.EqualFold(native, "ON")
}

// CascadeFix is what to do about a [Cascade] that isn't logged.
func CascadeFix(conn *Conn) string {
	fix := "make it RESTRICT and let the application change these rows, or a trigger of the parent's that looks at @bridge_apply"
	if conn.Flavor() == MySQL {
		fix += "; MySQL 9.6 and later logs them, unless innodb_native_foreign_keys is ON"
	}
	return fix
}

// Cascades are the table's foreign keys that change rows by themselves.
func (t *Table) Cascades() (list []Cascade) {
	for _, f := range t.ForeignKeys {
		if f.Cascades() {
			list = append(list, Cascade{t.TableName, f})
		}
	}
	return list
}

// LoadCascades reads those of the tables that selected chooses (nil: all).
func LoadCascades(ctx context.Context, conn *Conn, selected func(change.TableName) bool) (list []Cascade, err error) {
	l := loader{conn: conn, selected: selected, byName: map[change.TableName]*Table{}}
	for _, load := range []func(context.Context) error{l.tables, l.foreignKeys} {
		if err := load(ctx); err != nil {
			return nil, fmt.Errorf("read the server's foreign keys: %w", err)
		}
	}
	for _, t := range l.list {
		list = append(list, t.Cascades()...)
	}
	return list, nil
}
