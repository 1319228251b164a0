// Package postgres is casebook.Book for PostgreSQL.
package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/apply"
	"bridge/casebook"
	"bridge/internal/postgres"
	"bridge/naming"
)

// Book is a PostgreSQL database's cases. Make it with [Open].
type Book struct {
	conn  *pgx.Conn
	names naming.Names
	// path is the role's own search_path: what an application's triggers may rely on.
	path string
}

var _ casebook.Book = (*Book)(nil)

// Open connects to a region's database. names are those that tables and columns have between the regions.
func Open(ctx context.Context, server postgres.Server, session postgres.Session, cluster, region string, names naming.Names) (*Book, error) {
	config, err := server.Config(session)
	if err != nil {
		return nil, err
	}
	delete(config.RuntimeParams, "search_path")
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	b := &Book{conn: conn, names: names}
	if err := b.begin(ctx, cluster, region); err != nil {
		conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the first error tells more
		return nil, err
	}
	return b, nil
}

func (b *Book) begin(ctx context.Context, cluster, region string) error {
	err := b.conn.QueryRow(ctx, `SELECT pg_catalog.current_setting('search_path')`).Scan(&b.path)
	if err == nil {
		_, err = b.conn.Exec(ctx, `SET search_path = pg_catalog`)
	}
	if err != nil {
		return fmt.Errorf("set up the session: %w", err)
	}
	n, err := postgres.LoadNode(ctx, b.conn)
	if err != nil {
		return err
	}
	return n.Match(cluster, region)
}

// Close is [casebook.Book]'s.
func (b *Book) Close(ctx context.Context) error { return b.conn.Close(ctx) }

const casesSQL = `SELECT id, decided_at, type, table_schema, table_name, key, rule, outcome, origin, seq, versions::text, coalesce(result::text, ''),
  resolved_at, coalesce(resolved_by, ''), coalesce(resolution, ''), coalesce(awaits, '') FROM bridge.conflicts`

// Cases is [casebook.Book]'s.
func (b *Book) Cases(ctx context.Context, f casebook.Filter, yield func(*casebook.Case) error) error {
	where, args := conditions(&f)
	sql := casesSQL + where + " ORDER BY id DESC"
	if f.Oldest {
		sql = casesSQL + where + " ORDER BY id"
	}
	if f.Limit > 0 {
		sql += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	rows, err := b.conn.Query(ctx, sql, args...)
	if err != nil {
		return explainCases(err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return err
		}
		if err := yield(c); err != nil {
			return err
		}
	}
	return explainCases(rows.Err())
}

func conditions(f *casebook.Filter) (where string, args []any) {
	var terms []string
	add := func(set bool, term string, value any) {
		if set {
			args = append(args, value)
			terms = append(terms, fmt.Sprintf(term, len(args)))
		}
	}
	add(f.ID != 0, "id = $%d", f.ID)
	add(f.Table.Schema != "", "table_schema = $%d", f.Table.Schema)
	add(f.Table.Name != "", "table_name = $%d", f.Table.Name)
	add(f.Key != nil, "key = $%d", f.Key)
	add(f.Type != "", "type = $%d", f.Type)
	add(f.Outcome != "", "outcome = $%d", f.Outcome)
	add(!f.Since.IsZero(), "decided_at >= $%d", f.Since)
	add(!f.Before.IsZero(), "decided_at < $%d", f.Before)
	add(f.Awaits != "", "awaits = $%d", string(f.Awaits))
	if f.Merge {
		terms = append(terms, "awaits IN ('merge', 'both')")
	}
	if f.Open || f.Merge || f.Awaits != "" {
		terms = append(terms, "resolved_at IS NULL")
	}
	if len(terms) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(terms, " AND "), args
}

func scan(row pgx.Row) (*casebook.Case, error) {
	c := &casebook.Case{}
	var seq int64
	var versions, result, by, how string
	var at *time.Time
	err := row.Scan(&c.ID, &c.DecidedAt, &c.Type, &c.Schema, &c.Table, &c.Key, &c.Rule, &c.Outcome, &c.Origin, &seq, &versions, &result, &at, &by, &how, &c.Awaits)
	if err != nil {
		return nil, explain(err)
	}
	c.Seq, c.DecidedAt = uint64(seq), c.DecidedAt.UTC()
	if at != nil {
		c.Resolution = &casebook.Resolution{At: at.UTC(), By: by, How: how}
	}
	if err := json.Unmarshal([]byte(versions), &c.Versions); err != nil {
		return nil, fmt.Errorf("bridge.conflicts, id %d: versions: %w", c.ID, err)
	}
	if result != "" {
		c.Result = &apply.RecordedResult{}
		if err := json.Unmarshal([]byte(result), c.Result); err != nil {
			return nil, fmt.Errorf("bridge.conflicts, id %d: result: %w", c.ID, err)
		}
	}
	c.Complete()
	return c, nil
}

// explainCases is explain for the statements on bridge.conflicts.
func explainCases(err error) error {
	const undefinedColumn = "42703"
	if isCode(err, undefinedColumn) {
		return fmt.Errorf("%w (SQLSTATE %s)", casebook.ErrOutdated, undefinedColumn)
	}
	return explain(err)
}

// SQLSTATEs that are told in words.
const noPrivilege, lockTimeout = "42501", "55P03"

func isCode(err error, code string) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && server.Code == code
}

// explain says what an operator needs, and never the server's message about a row: it quotes values.
func explain(err error) error {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch server.Code {
	case noPrivilege:
		return fmt.Errorf(`the role lacks a privilege: %s (SQLSTATE %s); "bridge grants --operator ROLE" prints what it needs`, server.Message, server.Code)
	case lockTimeout:
		return fmt.Errorf("somebody else holds the row or the case for longer than database.lock_timeout (SQLSTATE %s): try again", server.Code)
	}
	place := ""
	for _, part := range [][2]string{{"table", server.TableName}, {"column", server.ColumnName}, {"constraint", server.ConstraintName}} {
		if part[1] != "" {
			place += ", " + part[0] + " " + part[1]
		}
	}
	return fmt.Errorf("the database refuses: SQLSTATE %s%s (the server's log has the message)", server.Code, place)
}
