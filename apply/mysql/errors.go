package mysql

import (
	"errors"
	"fmt"
	"strings"

	"bridge/apply"
	"bridge/internal/mysql"
)

// Numbers of errors that are told in words of their own.
const (
	erNull      = 1048
	erDuplicate = 1062
)

// explain classifies an error of the transaction and says what an operator needs. What was known of the tables is
// forgotten: a definition may have changed here.
func (s *session) explain(err error) error {
	if errors.Is(err, errLook) {
		return err
	}
	clear(s.tables)
	server, ok := errors.AsType[*mysql.Error](err)
	if !ok || s.conn.Broken() {
		return err
	}
	var g *group
	if at, ok := errors.AsType[*stepError](err); ok {
		g = at.group
	}
	where := place(g)
	switch {
	case mysql.IsError(err, 1044, 1142, 1143, 1227, 1370):
		return fmt.Errorf("%w: bridge's account may not write there (%s)%s; run what \"bridge grants\" prints, and it goes on by itself",
			apply.ErrRefused, server, where)
	case g != nil && g.isGuard(server):
		return fmt.Errorf("%w: another row has one of its unique values%s; change the row that is in the way here, or the unique key, and it goes on by itself",
			apply.ErrRefused, where)
	}
	switch mysql.Classify(err) {
	case mysql.Retry:
		return fmt.Errorf("%w: %s%s", apply.ErrRetry, server, where)
	case mysql.Conflict:
		return fmt.Errorf("%w: %s%s; change the row that is in the way here, or the constraint, and it goes on by itself",
			apply.ErrRefused, constraint(server), where)
	case mysql.Poison:
		return fmt.Errorf("%w: %s%s; "+apply.WhenUnfit,
			apply.ErrRefused, server, where)
	}
	return fmt.Errorf("apply failed: %s%s", server, where)
}

// isGuard reports whether an upsert's guard has refused the row that it found: see [builder.upsert].
func (g *group) isGuard(server *mysql.Error) bool {
	name := g.table.Columns[g.table.Keys[0]].Name
	return server.Number == erNull && g.kind == apply.Upsert && strings.Contains(server.Text, "'"+name+"'")
}

// constraint names a unique key that was violated, and tells other constraints as the server does.
func constraint(server *mysql.Error) string {
	if server.Number == erDuplicate && server.Key != "" {
		return fmt.Sprintf("unique key %s (error %d)", server.Key, server.Number)
	}
	return server.Error()
}

// place names the table, and the row where there's just one.
func place(g *group) string {
	if g == nil {
		return ""
	}
	if len(g.writes) == 1 {
		return fmt.Sprintf(", table %s, row %s", g.table, g.key)
	}
	return fmt.Sprintf(", table %s", g.table)
}
