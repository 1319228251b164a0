package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/capture"
	capturepg "bridge/capture/postgres"
	"bridge/change"
	"bridge/internal/postgres"
)

// Inspect is [node.Engine]'s: what a role other than bridge's may have changed, and what then goes wrong
// without a word.
func (e *Engine) Inspect(ctx context.Context) error {
	selected := e.Selected
	if selected == nil {
		selected = func(change.TableName) bool { return true }
	}
	return e.with(ctx, "inspect", func(conn *pgx.Conn) error {
		p, err := capturepg.CheckPublication(ctx, conn, e.Publication)
		if err != nil {
			return err
		}
		if err := postgres.CheckPublished(ctx, conn, p, selected); err != nil {
			return fmt.Errorf("%w: %w", capture.ErrSetup, err)
		}
		if err := e.lookForStandbys(ctx, conn); err != nil {
			return err
		}
		if e.SkipApplied {
			if err := capturepg.CheckOrigins(ctx, conn); err != nil {
				return err
			}
		}
		return deferrable(ctx, conn, p)
	})
}

// lookForStandbys notes whether commits wait for synchronous standbys. An operator may change that at any time: for
// as long as this look is old, transactions may be published a little before they can be seen.
func (e *Engine) lookForStandbys(ctx context.Context, conn *pgx.Conn) error {
	var names string
	if err := conn.QueryRow(ctx, `SELECT current_setting('synchronous_standby_names')`).Scan(&names); err != nil {
		return fmt.Errorf("read synchronous_standby_names: %w", err)
	}
	e.synchronous.Store(names != "")
	return nil
}

func deferrable(ctx context.Context, conn *pgx.Conn, p *postgres.Publication) error {
	var oids []uint32
	for i := range p.Tables {
		oids = append(oids, p.Tables[i].OID)
	}
	list, err := postgres.Deferrables(ctx, conn, oids)
	if err != nil || len(list) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s, so duplicates would stay unnoticed: %s", capture.ErrSetup, &list[0], list[0].Fix)
}
