// Package postgres is compare.Region for PostgreSQL. It only reads, on one connection.
package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/compare"
	"bridge/internal/postgres"
)

// Region is a region's database. Make it with [Open].
type Region struct {
	name   string
	conn   *pgx.Conn
	scope  compare.Scope
	tables map[change.TableName]*table
}

var _ compare.Region = (*Region)(nil)

// Open connects.
func Open(ctx context.Context, name string, server postgres.Server, session postgres.Session, scope compare.Scope) (*Region, error) {
	config, err := server.Config(session)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database of region %s: %w", name, err)
	}
	return &Region{name: name, conn: conn, scope: scope}, nil
}

// Close ends the connection.
func (r *Region) Close(ctx context.Context) error { return r.conn.Close(ctx) }

// Name is [compare.Region]'s.
func (r *Region) Name() string { return r.name }

// chunk is how many rows are read at a time.
const chunk = 2000

// Scan is [compare.Region]'s. It reads through a cursor in a snapshot of its own. Keys of whole numbers, uuid and
// bytea are read along their index, and so are texts under the collation "C"; other keys of a native selection
// are sorted by the server once, for databases may have different collations.
func (r *Region) Scan(ctx context.Context, s *compare.Selection, yield func([]compare.Row) error) error {
	t := r.tables[s.TableName]
	if t == nil {
		return errors.New("the table isn't in the database")
	}
	if !s.Native() {
		return r.scanForms(ctx, t, s, yield)
	}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, r.conn, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DECLARE rows NO SCROLL CURSOR FOR `+t.scanSQL(s)); err != nil {
			return err
		}
		for {
			rows, err := r.rows(ctx, fmt.Sprintf(`FETCH %d FROM rows`, chunk))
			if err != nil || len(rows) == 0 {
				return err
			}
			if err := yield(rows); err != nil {
				return err
			}
		}
	})
}

// rows runs a query whose columns are a row's key, hash and, if it has three, version.
func (r *Region) rows(ctx context.Context, sql string, args ...any) ([]compare.Row, error) {
	rows, err := r.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (out compare.Row, err error) {
		var hash []byte
		into := []any{&out.Key, &hash, &out.Version}
		err = row.Scan(into[:len(row.FieldDescriptions())]...)
		out.Hash = string(hash)
		return out, err
	})
}

// Look is [compare.Region]'s: one statement per chunk, and so one moment per key, which is what counts.
func (r *Region) Look(ctx context.Context, s *compare.Selection, keys [][]string) (out []compare.Row, err error) {
	t := r.tables[s.TableName]
	if t == nil {
		return nil, errors.New("the table isn't in the database")
	}
	sql := t.lookSQL(s)
	for len(keys) > 0 {
		n := min(chunk, len(keys))
		columns := make([][]string, len(s.Key))
		for c := range s.Key {
			columns[c] = make([]string, n)
			for i := range n {
				columns[c][i] = keys[i][c]
			}
		}
		rows, err := r.look(ctx, s, sql, columns)
		if err != nil {
			return nil, err
		}
		out, keys = append(out, rows...), keys[n:]
	}
	return out, nil
}

func (r *Region) look(ctx context.Context, s *compare.Selection, sql string, columns [][]string) (out []compare.Row, err error) {
	if !s.Native() {
		err = r.formed(ctx, s, sql, columns, func(row compare.Row) error { out = append(out, row); return nil })
		return out, err
	}
	args := make([]any, len(columns))
	for i := range columns {
		args[i] = columns[i]
	}
	return r.rows(ctx, sql, args...)
}

// Position is [compare.Region]'s: where the next log record will be inserted. It isn't where the log is flushed
// to: asynchronous commits are seen before they're flushed.
func (r *Region) Position(ctx context.Context) (change.Position, error) {
	var offset, block int64
	err := r.conn.QueryRow(ctx, `SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn, current_setting('wal_block_size')::bigint`).Scan(&offset, &block)
	if err != nil {
		return change.Position{}, err
	}
	return change.Position{Offset: endOfRecord(uint64(offset), uint64(block))}, nil
}

// endOfRecord is where the last record before the insert position ends. Behind a full page the insert position
// is already past the next page's header, but the log isn't sent up to there before the next record.
func endOfRecord(insert, block uint64) uint64 {
	const shortHeader, longHeader = 24, 40 // of a page, and of a segment's first page
	if at := insert % block; at == shortHeader || at == longHeader {
		return insert - at
	}
	return insert
}
