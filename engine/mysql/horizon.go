package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	applymysql "bridge/apply/mysql"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/node"
)

// Horizon is [node.Engine]'s.
func (e *Engine) Horizon(ctx context.Context) (node.Horizon, error) {
	h := node.Horizon{Offsets: map[change.Origin]int64{}}
	err := e.with(ctx, "start", func(conn *mysql.Conn) error {
		r, err := conn.One(ctx, "SELECT origin, seq, stream_offset, since_ts, since_origin FROM bridge.horizon")
		if err != nil {
			return err
		}
		for _, row := range r.Rows {
			var f [5]string
			for i := range f {
				f[i], _ = row[i].Text()
			}
			var seq, offset, since int64
			if _, err := fmt.Sscan(f[1]+" "+f[2]+" "+f[3], &seq, &offset, &since); err != nil {
				return fmt.Errorf("row of %s isn't bridge's: %w", f[0], err)
			}
			origin := change.Origin(f[0])
			h.Offsets[origin] = offset
			h.Cut.Known = h.Cut.Known.With(origin, uint64(seq))
			h.Cut.Since = change.Version{Time: change.Timestamp(since), Origin: change.Origin(f[4])}
		}
		return nil
	})
	if err != nil {
		return node.Horizon{}, fmt.Errorf("read bridge.horizon: %w", err)
	}
	return h, nil
}

// SaveHorizon is [node.Engine]'s. As with applied transactions, an earlier leader's doesn't count.
func (e *Engine) SaveHorizon(ctx context.Context, h node.Horizon) error {
	if len(h.Offsets) == 0 {
		return nil
	}
	var rows []string
	for o, offset := range h.Offsets {
		rows = append(rows, fmt.Sprintf("(%s, %d, %d, %d, %s)", mysql.Literal(string(o)), h.Cut.Known.Get(o), offset,
			int64(h.Cut.Since.Time), mysql.Literal(string(h.Cut.Since.Origin))))
	}
	err := e.with(ctx, "horizon", func(conn *mysql.Conn) error {
		results, err := conn.Exec(ctx, "BEGIN; SELECT epoch FROM bridge.node LOCK IN SHARE MODE;"+
			"REPLACE INTO bridge.horizon (origin, seq, stream_offset, since_ts, since_origin) VALUES "+strings.Join(rows, ", "))
		if err != nil {
			return err
		}
		if err := e.leads(results[1]); err != nil {
			return err
		}
		_, err = conn.One(ctx, "COMMIT")
		return err
	})
	if err != nil {
		return fmt.Errorf("write bridge.horizon: %w", err)
	}
	return nil
}

// leads refuses another epoch than this leader's.
func (e *Engine) leads(epoch mysql.Result) error {
	if len(epoch.Rows) != 1 {
		return mysql.ErrNotInstalled
	}
	if text, _ := epoch.Rows[0][0].Text(); text != formatEpoch(e.epoch.Load()) {
		return applymysql.ErrDeposed
	}
	return nil
}

// ErrReadOnly means that the server takes no writes: it's a replica, or was made one by a failover.
var ErrReadOnly = errors.New("the server is read-only")
