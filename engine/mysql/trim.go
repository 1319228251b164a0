package mysql

import (
	"context"
	"fmt"
	"strconv"

	"bridge/internal/mysql"
	"bridge/node"
)

// trimBatch is how many cases go at a time: their locks, and a transaction in the log, stay small.
const trimBatch = 1000

// TrimConflicts is [node.Engine]'s.
func (e *Engine) TrimConflicts(ctx context.Context, r node.Retention) (removed int, err error) {
	err = e.with(ctx, "trim", func(conn *mysql.Conn) error {
		if r.Age > 0 {
			n, err := trim(ctx, conn, fmt.Sprintf("decided_at < CURRENT_TIMESTAMP(6) - INTERVAL %d SECOND"+
				" AND (awaits IS NULL OR awaits <> 'person' OR resolved_at IS NOT NULL) ORDER BY decided_at", int64(r.Age.Seconds())))
			if removed += n; err != nil {
				return err
			}
		}
		beyond, err := beyond(ctx, conn, r.Rows)
		if err != nil || beyond == "" {
			return err
		}
		n, err := trim(ctx, conn, "id <= "+beyond+" ORDER BY id")
		removed += n
		return err
	})
	if err != nil {
		return removed, fmt.Errorf("trim bridge.conflicts: %w", err)
	}
	return removed, nil
}

// beyond is the newest case that is one too many; "" if none is. Counting rows takes time, so the numbers are looked at
// first: there are gaps between them.
func beyond(ctx context.Context, conn *mysql.Conn, rows int) (id string, err error) {
	if rows == 0 {
		return "", nil
	}
	row, err := conn.Text(ctx, "SELECT coalesce(max(id) - min(id) + 1, 0) FROM bridge.conflicts")
	if err != nil {
		return "", err
	}
	if span, err := strconv.ParseInt(row[0], 10, 64); err != nil || span <= int64(rows) {
		return "", err
	}
	r, err := conn.One(ctx, fmt.Sprintf("SELECT id FROM bridge.conflicts ORDER BY id DESC LIMIT 1 OFFSET %d", rows))
	if err != nil || len(r.Rows) == 0 {
		return "", err
	}
	id, _ = r.Rows[0][0].Text()
	return id, nil
}

// trim removes the cases that a condition, with an order, finds.
func trim(ctx context.Context, conn *mysql.Conn, condition string) (removed int, err error) {
	for {
		r, err := conn.One(ctx, fmt.Sprintf("DELETE FROM bridge.conflicts WHERE %s LIMIT %d", condition, trimBatch))
		n := int(r.Affected)
		if removed += n; err != nil || n < trimBatch {
			return removed, err
		}
	}
}
