package demo

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// TableComparison is one table in all regions.
type TableComparison struct {
	Table   string   `json:"table"`
	Rows    []int    `json:"rows"`    // by region
	Digests []string `json:"digests"` // of all rows, by region
	Equal   bool     `json:"equal"`
}

// digest reads a whole table. Rows become texts the same way everywhere: same server version, same session.
func digest(ctx context.Context, conn *pgx.Conn, table string) (rows int, sum string, err error) {
	err = conn.QueryRow(ctx, fmt.Sprintf(
		`SELECT count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY t::text COLLATE "C"), '')) FROM %s t`,
		pgx.Identifier{table}.Sanitize())).Scan(&rows, &sum)
	return rows, sum, err
}

// compareTables reads all tables of all regions, when nobody writes and nothing is on its way.
func (w *watcher) compareTables(ctx context.Context) ([]TableComparison, error) {
	var all []TableComparison
	for _, table := range tables {
		c := TableComparison{Table: table}
		for i, conn := range w.conns {
			rows, sum, err := digest(ctx, conn, table)
			if err != nil {
				return nil, fmt.Errorf("region %s: read table %s: %w", w.shops[i].region.name, table, err)
			}
			c.Rows, c.Digests = append(c.Rows, rows), append(c.Digests, sum)
		}
		c.Equal = len(slices.Compact(slices.Clone(c.Digests))) == 1 && len(slices.Compact(slices.Clone(c.Rows))) == 1
		all = append(all, c)
	}
	return all, nil
}

// ordersOf counts the orders that a region has, by the region that took them.
func ordersOf(ctx context.Context, conn *pgx.Conn) (map[string]int, error) {
	rows, err := conn.Query(ctx, `SELECT region, count(*) FROM orders GROUP BY region`)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	var region string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&region, &n}, func() error { counts[region] = n; return nil })
	return counts, err
}

// lostOrders counts the acknowledged orders that some region doesn't have.
func (w *watcher) lostOrders(ctx context.Context) (lost int, err error) {
	for i, conn := range w.conns {
		counts, err := ordersOf(ctx, conn)
		if err != nil {
			return 0, fmt.Errorf("region %s: count the orders: %w", w.shops[i].region.name, err)
		}
		for _, s := range w.shops {
			lost += max(0, s.orders()-counts[s.region.name])
		}
	}
	return lost, nil
}
