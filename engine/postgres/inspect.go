package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

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
			return fmt.Errorf("%w: %w", capturepg.ErrSetup, err)
		}
		return deferrable(ctx, conn, p)
	})
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
	return fmt.Errorf("%w: %s, so duplicates would stay unnoticed: %s", capturepg.ErrSetup, &list[0], list[0].Fix)
}
