package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/node"
)

// trimBatch is how many cases go at a time: their locks, and the log's part that a standby replays, stay small.
const trimBatch = 1000

// TrimConflicts is [node.Engine]'s.
func (e *Engine) TrimConflicts(ctx context.Context, r node.Retention) (removed int, err error) {
	err = e.with(ctx, "trim", func(conn *pgx.Conn) error {
		if r.Age > 0 {
			const old = `SELECT id FROM bridge.conflicts WHERE decided_at < clock_timestamp() - make_interval(secs => $1)
				AND (awaits IS NULL OR awaits <> 'person' OR resolved_at IS NOT NULL) ORDER BY decided_at LIMIT $2`
			n, err := trim(ctx, conn, old, r.Age.Seconds())
			if removed += n; err != nil {
				return err
			}
		}
		beyond, err := beyond(ctx, conn, r.Rows)
		if err != nil || beyond == 0 {
			return err
		}
		n, err := trim(ctx, conn, `SELECT id FROM bridge.conflicts WHERE id <= $1 ORDER BY id LIMIT $2`, beyond)
		removed += n
		return err
	})
	if err != nil {
		return removed, fmt.Errorf("trim bridge.conflicts: %w", err)
	}
	return removed, nil
}

// beyond is the newest case that is one too many; 0 if none is. Counting rows takes time, so the numbers are looked at
// first: there are gaps between them.
func beyond(ctx context.Context, conn *pgx.Conn, rows int) (id int64, err error) {
	if rows == 0 {
		return 0, nil
	}
	var span int64
	err = conn.QueryRow(ctx, `SELECT coalesce(max(id) - min(id) + 1, 0) FROM bridge.conflicts`).Scan(&span)
	if err == nil && span > int64(rows) {
		err = conn.QueryRow(ctx, `SELECT coalesce((SELECT id FROM bridge.conflicts ORDER BY id DESC OFFSET $1 LIMIT 1), 0)`, rows).Scan(&id)
	}
	return id, err
}

// trim removes the cases that a query finds; its parameters are the limit and how many it may find.
func trim(ctx context.Context, conn *pgx.Conn, query string, limit any) (removed int, err error) {
	for {
		tag, err := conn.Exec(ctx, `DELETE FROM bridge.conflicts WHERE id IN (`+query+`)`, limit, trimBatch)
		n := int(tag.RowsAffected())
		if removed += n; err != nil || n < trimBatch {
			return removed, err
		}
	}
}
