package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// visibleSQL tells whether all of some transactions have finished in one snapshot. The log has only the low half
// of an id: the one nearest to the snapshot's end is meant.
const visibleSQL = `
SELECT coalesce(bool_and(pg_visible_in_snapshot((upto + ((x - upto + 2147483648) & 4294967295) - 2147483648)::text::xid8, now)), true)
FROM (SELECT s, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() AS s) AS a(now, upto), unnest($1::bigint[]) AS x`

// Visible is [capture.Source]'s. A commit is in the log before other sessions see it: by a moment that nothing can
// come of or, when the server has synchronous standbys, for as long as these take. Only then it's worth a query.
func (s *Source) Visible(ctx context.Context, xids []uint32) (bool, error) {
	if len(xids) == 0 || s.config.Synchronous == nil || !s.config.Synchronous() {
		return true, nil
	}
	wide := make([]int64, len(xids))
	for i, x := range xids {
		wide[i] = int64(x)
	}
	var visible bool
	err := s.snapshots.query(ctx, visibleSQL, []any{wide}, func(rows pgx.Rows) error { return rows.Scan(&visible) })
	if err != nil {
		return false, fmt.Errorf("ask whether transactions in the log are visible yet: %w", err)
	}
	return visible, nil
}
