package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/capture"
	"bridge/internal/postgres"
)

// CheckPublication refuses a publication that would leave out changes, with an [capture.ErrSetup] that names the statement
// that mends it. What the publication left out while it was so isn't in the log's stream any more.
func CheckPublication(ctx context.Context, conn *pgx.Conn, name string) (*postgres.Publication, error) {
	p, err := postgres.LoadPublication(ctx, conn, name)
	quoted := postgres.Quote(name)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, fmt.Errorf("%w: publication %s does not exist: run \"bridge init\"", capture.ErrSetup, name)
	case !p.Insert || !p.Update || !p.Delete || !p.Truncate:
		return nil, fmt.Errorf("%w: publication %s leaves out some kinds of change, so they aren't shipped: "+
			"ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate')", capture.ErrSetup, p.Name, quoted)
	case !p.ViaRoot:
		return nil, fmt.Errorf("%w: publication %s shows partitions by themselves: "+
			"ALTER PUBLICATION %s SET (publish_via_partition_root = true)", capture.ErrSetup, p.Name, quoted)
	case !p.Includes(postgres.MarkerTable):
		return nil, fmt.Errorf("%w: publication %s lacks bridge.progress, so bridge couldn't tell what it applied itself: "+
			"ALTER PUBLICATION %s ADD TABLE bridge.progress", capture.ErrSetup, p.Name, quoted)
	}
	for i := range p.Tables {
		t := &p.Tables[i]
		switch {
		case t.Filtered || t.Columns:
			return nil, fmt.Errorf("%w: publication %s leaves out rows or columns of %s, so they aren't shipped: "+
				"ALTER PUBLICATION %s DROP TABLE %s; %s", capture.ErrSetup, p.Name, t, quoted, postgres.QuoteTable(t.TableName), postgres.AddTablesSQL(name, t.TableName))
		case t.Unlogged:
			return nil, fmt.Errorf("%w: table %s or a partition of it is unlogged, so its changes aren't shipped: ALTER TABLE ... SET LOGGED", capture.ErrSetup, t)
		}
	}
	return p, nil
}
