package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"bridge/apply"
	"bridge/internal/postgres"
)

// explain classifies an error of the transaction and says what an operator needs: never the server's
// message or detail, which quote the row's values.
func (s *session) explain(err error, groups []*group) error {
	s.forget()
	server, ok := errors.AsType[*pgconn.PgError](err)
	if _, ours := errors.AsType[*originError](err); ours || !ok || s.pg.IsClosed() || server.Severity == "FATAL" {
		return err
	}
	where := place(server, groups)
	if server.Code == "42501" {
		return fmt.Errorf("%w: bridge's role may not write there (SQLSTATE 42501)%s; run what \"bridge grants\" prints, and it goes on by itself",
			apply.ErrRefused, where)
	}
	switch postgres.Classify(err) {
	case postgres.Retry:
		return fmt.Errorf("%w: SQLSTATE %s%s", apply.ErrRetry, server.Code, where)
	case postgres.Conflict:
		return &refusedError{server, fmt.Errorf("%w: constraint %s (SQLSTATE %s)%s; %s (see \"A region is stopped by a constraint\" in docs/operations.md)",
			refusal(server.Code), server.ConstraintName, server.Code, where, remedy(server.Code))}
	case postgres.Poison:
		return &refusedError{server, fmt.Errorf("%w: SQLSTATE %s%s; "+apply.WhenUnfit, refusal(server.Code), server.Code, where)}
	}
	return fmt.Errorf("apply failed with SQLSTATE %s%s (the server's log has the message)", server.Code, where)
}

// refusedError is the refusal of a row, which knows by what.
type refusedError struct {
	server *pgconn.PgError
	error
}

func (e *refusedError) Unwrap() error { return e.error }

// Constraint is the name of the violated constraint or, where nothing has a name, what else says why the row is refused.
func (e *refusedError) Constraint() string {
	switch {
	case e.server.ConstraintName != "":
		return e.server.ConstraintName
	case e.server.ColumnName != "":
		return "NOT NULL of " + e.server.ColumnName
	}
	return "SQLSTATE " + e.server.Code
}

const unique, exclusion = "23505", "23P01"

// refusal is the kind of an error that is about rows. One that's about a table's definition (a column or type that's missing here),
// or about more rows than bridge knows of (an exclusion constraint), is a refusal and nothing more.
func refusal(code string) error {
	switch {
	case code == unique:
		return apply.ErrCollides
	case postgres.OfRow(code):
		return apply.ErrUnfit
	}
	return apply.ErrRefused
}

// remedy is what to do about a violated constraint.
func remedy(code string) string {
	at := "took the same value"
	switch code {
	case unique:
	case exclusion:
		at = "wrote rows that the exclusion constraint doesn't allow together"
	default:
		return "change the constraint here, and it goes on by itself"
	}
	return "change the row that is in the way here, and it goes on by itself. If two regions " + at + " at once, each is stopped by the other's row: " +
		"then change both rows, each in the region that wrote it"
}

// place names table and column as far as the server tells, and the key where there's just one.
func place(server *pgconn.PgError, groups []*group) string {
	var b strings.Builder
	if server.TableName != "" {
		fmt.Fprintf(&b, ", table %s.%s", server.SchemaName, server.TableName)
	} else if len(groups) == 1 {
		fmt.Fprintf(&b, ", table %s", groups[0].table)
	}
	if server.ColumnName != "" {
		fmt.Fprintf(&b, ", column %s", server.ColumnName)
	}
	if len(groups) == 1 && len(groups[0].writes) == 1 {
		fmt.Fprintf(&b, ", row %s", groups[0].key)
	}
	return b.String()
}
