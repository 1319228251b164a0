package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A replication origin is a name under which a session writes: every row's record in the log then has its number. From
// [OriginServer] on pgoutput leaves such rows out of what it sends, if asked to. Origins are the server's, not a
// database's, and one session at a time can have one.

// OriginServer is the first major version whose pgoutput leaves rows out by their origin.
const OriginServer = 16

// OriginFunctions are the server's functions that a session with an origin needs; by default they're a superuser's alone.
var OriginFunctions = []string{
	"pg_replication_origin_create", "pg_replication_origin_session_setup", "pg_replication_origin_session_reset", "pg_replication_origin_session_is_setup",
}

// ownOrigins are how the names of bridge's origins for the database at hand begin.
const ownOrigins = `'bridge_' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '_'`

// EnsureOrigin makes the replication origin of an apply session unless it's there, and sees that the session can have
// it. It returns its name.
func EnsureOrigin(ctx context.Context, conn *pgx.Conn, worker int) (name string, err error) {
	var there bool
	err = conn.QueryRow(ctx, fmt.Sprintf(`SELECT n, EXISTS (SELECT FROM pg_replication_origin WHERE roname = n) FROM (SELECT %s || %d) AS o(n)`, ownOrigins, worker)).Scan(&name, &there)
	if err != nil {
		return "", fmt.Errorf("look for a replication origin: %w", err)
	}
	quoted := Literal(name)
	sql := fmt.Sprintf(`SELECT pg_replication_origin_session_setup(%s), pg_replication_origin_session_reset()`, quoted)
	if !there {
		sql = fmt.Sprintf(`SELECT pg_replication_origin_create(%s); `, quoted) + sql
	}
	_, err = conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	server, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		return name, nil
	case ok && server.Code == "42501":
		return "", fmt.Errorf("database.skip_applied is set, but bridge's role may not use replication origins: run what \"bridge grants\" prints, or set it to false: %w", err)
	case ok && server.Code == "53400":
		return "", fmt.Errorf("database.skip_applied is set, but the server has no room for one more replication origin: raise max_active_replication_origins "+
			"(before PostgreSQL 18: max_replication_slots) and restart the server, or set skip_applied to false: %w", err)
	}
	return "", fmt.Errorf("take replication origin %s: %w", name, err)
}

// OtherOrigins are the replication origins that aren't bridge's, by name: subscriptions of this database, and whatever
// else writes here under an origin. Those of other databases' subscriptions and bridges aren't among them.
func OtherOrigins(ctx context.Context, conn *pgx.Conn) (names []string, err error) {
	rows, err := conn.Query(ctx, `
SELECT o.roname FROM pg_replication_origin o
WHERE o.roname !~ '^bridge_[0-9]+_[0-9]+$'
  AND NOT EXISTS (SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
                  WHERE d.datname <> current_database() AND (o.roname = 'pg_' || s.oid OR o.roname ~ ('^pg_' || s.oid || '_')))
ORDER BY 1`)
	if err == nil {
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		return nil, fmt.Errorf("look for other replication origins: %w", err)
	}
	return names, nil
}

// WhenOthers says what's wrong with another's replication origin where applied rows are left out, and what to do.
func WhenOthers(origin string) (text, fix string) {
	return fmt.Sprintf("replication origin %q isn't bridge's: what a subscription, or whoever else uses it, writes to this database isn't shipped as long as database.skip_applied is set", origin),
		`set database.skip_applied to false, and see with "bridge compare" which rows the other regions lack; if nothing uses the origin, drop it with pg_replication_origin_drop`
}
