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
	erNull         = 1048
	erDuplicate    = 1062
	erSubqueryRows = 1242
	erValue        = 1366
	erCheck        = 3819
	erCheckMaria   = 4025
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
			apply.ErrCollides, where) // which of them, the server doesn't tell
	}
	switch mysql.Classify(err) {
	case mysql.Retry:
		return fmt.Errorf("%w: %s%s", apply.ErrRetry, server, where)
	case mysql.Conflict:
		return &refusedError{constraintName(server, g), fmt.Errorf("%w: %s%s; change the row that is in the way here, or the constraint, and it goes on by itself",
			refusal(server), constraint(server), where)}
	case mysql.Poison:
		return &refusedError{constraintName(server, g), fmt.Errorf("%w: %s%s; "+apply.WhenUnfit, refusal(server), server, where)}
	}
	return fmt.Errorf("apply failed: %s%s", server, where)
}

// refusedError is the refusal of a row, which knows by what.
type refusedError struct {
	constraint string
	error
}

func (e *refusedError) Unwrap() error { return e.error }

// Constraint is the name of the violated constraint or, where nothing has a name, what else says why the row is refused.
func (e *refusedError) Constraint() string { return e.constraint }

// unfit refuses a value of a write's row that the column can't have.
func (g *group) unfit(w *apply.Write, column int, err error) error {
	return &refusedError{"column " + g.table.Columns[column].Name, fmt.Errorf(
		"%w: table %s, row %s, column %s: %w; compare the column's definition with the other regions', and it goes on by itself once they agree",
		apply.ErrUnfit, g.table, w.Key, g.table.columnName(column), err)}
}

// refusals are the errors that concern a row. Others, such as a missing column, concern the table or the server: all rows would be
// refused. A trigger's SIGNAL is a check, and so is a partition's range.
var refusals = map[uint16]error{
	1022: apply.ErrCollides, erDuplicate: apply.ErrCollides, 1169: apply.ErrCollides,

	erNull:  apply.ErrUnfit, // NOT NULL
	erCheck: apply.ErrUnfit, erCheckMaria: apply.ErrUnfit,
	1644: apply.ErrUnfit,                       // SIGNAL
	1526: apply.ErrUnfit, 1748: apply.ErrUnfit, // no partition for the value
	1118: apply.ErrUnfit, // row too large

	// The value isn't one of the column's.
	1264: apply.ErrUnfit, 1265: apply.ErrUnfit, 1292: apply.ErrUnfit, 1300: apply.ErrUnfit, erValue: apply.ErrUnfit, 1367: apply.ErrUnfit,
	1406: apply.ErrUnfit, 1411: apply.ErrUnfit, 1441: apply.ErrUnfit, 1690: apply.ErrUnfit, 3854: apply.ErrUnfit, 4078: apply.ErrUnfit,
	// Nor is it of JSON, spatial data or vectors.
	3140: apply.ErrUnfit, 3143: apply.ErrUnfit, 3144: apply.ErrUnfit, 3146: apply.ErrUnfit, 3156: apply.ErrUnfit, 3157: apply.ErrUnfit, 3163: apply.ErrUnfit,
	1416: apply.ErrUnfit, 3037: apply.ErrUnfit, 3516: apply.ErrUnfit, 3548: apply.ErrUnfit, 3616: apply.ErrUnfit, 3617: apply.ErrUnfit, 3643: apply.ErrUnfit,
	6138: apply.ErrUnfit,
}

// refusal is the [apply.ErrRefused] that an error of the server is.
func refusal(server *mysql.Error) error {
	if err := refusals[server.Number]; err != nil {
		return err
	}
	return apply.ErrRefused
}

// isGuard reports whether an upsert's guard has refused the row that it found: see [builder.upsert].
func (g *group) isGuard(server *mysql.Error) bool {
	if g.kind != apply.Upsert {
		return false
	}
	switch column, never := g.table.guard(); never {
	case neverText:
		return server.Number == erValue && strings.HasPrefix(server.Text, "Incorrect integer value") // which no literal of an integer is
	case neverRows:
		return server.Number == erSubqueryRows
	default:
		name := "'" + strings.ToLower(g.table.Columns[column].Name) + "'"
		return server.Number == erNull && strings.Contains(strings.ToLower(server.Text), name)
	}
}

// constraint names a unique key that was violated, and tells other constraints as the server does.
func constraint(server *mysql.Error) string {
	if server.Number == erDuplicate && server.Key != "" {
		return fmt.Sprintf("unique key %s (error %d)", server.Key, server.Number)
	}
	return server.Error()
}

// constraintName is the violated constraint's name or, without one, the server's word of what is wrong.
func constraintName(server *mysql.Error, g *group) string {
	quote := map[uint16]string{erNull: "'", erCheck: "'", erCheckMaria: "`"}[server.Number]
	_, name, _ := strings.Cut(server.Text, quote)
	name, _, _ = strings.Cut(name, quote)
	switch {
	case server.Key != "" && g != nil:
		return strings.TrimPrefix(server.Key, g.table.Name+".") // MySQL tells the table's name, too
	case quote == "" || name == "":
		return server.Error()
	case server.Number == erNull:
		return "NOT NULL of " + name
	}
	return name
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
