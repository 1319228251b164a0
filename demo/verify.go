package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// TableComparison is one table in all regions.
type TableComparison struct {
	Table   string   `json:"table"`
	Rows    []int    `json:"rows"`    // by region
	Digests []string `json:"digests"` // of all rows, by region
	Equal   bool     `json:"equal"`
}

// columns are what a table's rows are compared by: in every dialect the same text for the same value.
func columns(table string, d *dialect) string {
	return map[string]string{
		"orders": "region, id, customer, " + d.placedAt, "cart_items": "cart, product, qty",
		"customers": "id, city", "prices": "product, cents",
	}[table]
}

// digest reads a whole table.
func digest(ctx context.Context, region session, d *dialect, table string) (rows int, sum string, err error) {
	all, err := region.query(ctx, "SELECT "+columns(table, d)+" FROM "+table)
	if err != nil {
		return 0, "", err
	}
	slices.SortFunc(all, slices.Compare)
	hash := sha256.New()
	for _, row := range all {
		fmt.Fprintf(hash, "%q\n", row)
	}
	return len(all), hex.EncodeToString(hash.Sum(nil)), nil
}

// compareTables reads all tables of all regions, when nobody writes and nothing is on its way.
func (w *watcher) compareTables(ctx context.Context) ([]TableComparison, error) {
	var all []TableComparison
	for _, table := range tables {
		c := TableComparison{Table: table}
		for i, region := range w.sessions {
			rows, sum, err := digest(ctx, region, w.shops[i].region.server.dialect(), table)
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
func ordersOf(ctx context.Context, region session) (map[string]int, error) {
	rows, err := region.query(ctx, `SELECT region, count(*) FROM orders GROUP BY region`)
	counts := map[string]int{}
	for _, row := range rows {
		n, failed := strconv.Atoi(row[1])
		counts[row[0]], err = n, errors.Join(err, failed)
	}
	return counts, err
}

// lostOrders counts the acknowledged orders that some region doesn't have.
func (w *watcher) lostOrders(ctx context.Context) (lost int, err error) {
	for i, region := range w.sessions {
		counts, err := ordersOf(ctx, region)
		if err != nil {
			return 0, fmt.Errorf("region %s: count the orders: %w", w.shops[i].region.name, err)
		}
		for _, s := range w.shops {
			lost += max(0, s.orders()-counts[s.region.name])
		}
	}
	return lost, nil
}
