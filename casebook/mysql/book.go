// Package mysql is casebook.Book for MySQL and MariaDB.
package mysql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bridge/apply"
	"bridge/casebook"
	"bridge/change"
	"bridge/conflict"
	"bridge/internal/mysql"
	"bridge/naming"
)

// Book is a server's cases. Make it with [Open].
type Book struct {
	conn  *mysql.Conn
	names naming.Names
}

var _ casebook.Book = (*Book)(nil)

// Open connects to a region's server. names are those that tables and columns have between the regions.
func Open(ctx context.Context, server mysql.Server, session mysql.Session, cluster, region string, names naming.Names) (*Book, error) {
	conn, err := server.Connect(ctx, session)
	if err != nil {
		return nil, err
	}
	b := &Book{conn: conn, names: names}
	if err := b.begin(ctx, cluster, region); err != nil {
		conn.Close()
		return nil, err
	}
	return b, nil
}

// begin makes the session an application's: foreign keys are checked, and triggers don't leave its rows alone.
func (b *Book) begin(ctx context.Context, cluster, region string) error {
	if err := b.as(ctx, application); err != nil {
		return err
	}
	n, err := mysql.LoadNode(ctx, b.conn)
	if err != nil {
		return err
	}
	return n.Match(cluster, region)
}

// Who writes rows: an application, for whom foreign keys are checked and triggers don't leave its rows alone, or bridge when it applies.
const (
	application = "SET SESSION foreign_key_checks = 1; SET @bridge_apply = NULL"
	replica     = "SET SESSION foreign_key_checks = 0; SET @bridge_apply = 1"
)

// as makes the session write as somebody.
func (b *Book) as(ctx context.Context, who string) error {
	if _, err := b.conn.Exec(ctx, who); err != nil {
		return fmt.Errorf("set up the session: %w", err)
	}
	return nil
}

// Close is [casebook.Book]'s.
func (b *Book) Close(context.Context) error {
	b.conn.Close()
	return nil
}

const casesSQL = "SELECT id, decided_at, type, table_schema, table_name, `key`, rule, outcome, origin, seq, versions, result," +
	" resolved_at, resolved_by, resolution, awaits FROM bridge.conflicts"

// Cases is [casebook.Book]'s.
func (b *Book) Cases(ctx context.Context, f casebook.Filter, yield func(*casebook.Case) error) error {
	where, err := b.conditions(&f)
	if err != nil {
		return err
	}
	sql := casesSQL + where + " ORDER BY id DESC"
	if f.Oldest {
		sql = casesSQL + where + " ORDER BY id"
	}
	if f.Limit > 0 {
		sql += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return explainCases(b.conn.Query(ctx, sql, func(row change.Image) error {
		c, err := scan(row)
		if err != nil {
			return err
		}
		return yield(c)
	}))
}

func (b *Book) conditions(f *casebook.Filter) (string, error) {
	var terms []string
	text := func(column, value string) {
		if value != "" {
			terms = append(terms, column+" = "+mysql.Literal(value))
		}
	}
	if f.ID != 0 {
		terms = append(terms, fmt.Sprintf("id = %d", f.ID))
	}
	text("table_schema", f.Table.Schema)
	text("table_name", f.Table.Name)
	text("type", f.Type)
	text("outcome", f.Outcome)
	text("awaits", string(f.Awaits))
	if f.Key != nil {
		key, err := json.Marshal(f.Key)
		if err != nil {
			return "", err
		}
		literal := mysql.Literal(string(key)) // MariaDB has it as it was written
		if b.conn.Flavor() == mysql.MySQL {
			literal = "CAST(" + literal + " AS JSON)"
		}
		terms = append(terms, "`key` = "+literal)
	}
	if !f.Since.IsZero() {
		terms = append(terms, "decided_at >= "+mysql.Literal(f.Since.UTC().Format(moment)))
	}
	if !f.Before.IsZero() {
		terms = append(terms, "decided_at < "+mysql.Literal(f.Before.UTC().Format(moment)))
	}
	if f.Merge {
		terms = append(terms, "awaits IN ('merge', 'both')")
	}
	if f.Open || f.Merge || f.Awaits != "" {
		terms = append(terms, "resolved_at IS NULL")
	}
	if len(terms) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(terms, " AND "), nil
}

// moment is how the server writes a DATETIME(6); it's in UTC.
const moment = "2006-01-02 15:04:05.000000"

func scan(row change.Image) (*casebook.Case, error) {
	var f [16]string
	for i := range f {
		f[i], _ = row[i].Text()
	}
	c := &casebook.Case{Type: f[2], Schema: f[3], Table: f[4], Rule: f[6], Outcome: f[7], Origin: f[8], Awaits: conflict.Awaited(f[15])}
	var errs [7]error
	c.ID, errs[0] = strconv.ParseInt(f[0], 10, 64)
	c.DecidedAt, errs[1] = time.Parse(moment, f[1])
	errs[2] = json.Unmarshal([]byte(f[5]), &c.Key)
	c.Seq, errs[3] = strconv.ParseUint(f[9], 10, 64)
	errs[4] = json.Unmarshal([]byte(f[10]), &c.Versions)
	if !row[11].IsNull() {
		c.Result = &apply.RecordedResult{}
		errs[5] = json.Unmarshal([]byte(f[11]), c.Result)
	}
	if !row[12].IsNull() {
		c.Resolution = &casebook.Resolution{By: f[13], How: f[14]}
		c.Resolution.At, errs[6] = time.Parse(moment, f[12])
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("bridge.conflicts, id %s: %w", f[0], err)
	}
	c.Complete()
	return c, nil
}

// explainCases is explain for the statements on bridge.conflicts.
func explainCases(err error) error {
	const unknownColumn = 1054
	if mysql.IsError(err, unknownColumn) {
		return fmt.Errorf("%w (error %d)", casebook.ErrOutdated, unknownColumn)
	}
	return explain(err)
}

// explain says what an operator needs, and never the server's message about a row: it quotes values.
func explain(err error) error {
	server, ok := errors.AsType[*mysql.Error](err)
	if !ok {
		return err
	}
	switch server.Number {
	case 1044, 1142, 1143, 1370:
		return fmt.Errorf(`the account lacks a privilege: %w; "bridge grants --operator ACCOUNT" prints what it needs`, err)
	case 1205:
		return fmt.Errorf("somebody else holds the row or the case for longer than database.lock_timeout (error %d): try again", server.Number)
	}
	return err
}
