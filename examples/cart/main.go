// Cart: shopping carts whose items are sets, and products whose sales are counters. Regions fill and empty the same carts at
// once; nothing that was put in gets lost, and nothing that was taken out comes back.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/examples/trial"
)

func main() { trial.Main(example("examples/cart")) }

// example is the example with its files in a directory.
func example(dir string) trial.Example {
	return trial.Example{Dir: filepath.Clean(dir), Tables: []string{"carts", "products", "journal"}, Application: shop{}}
}

// shop is the application. It knows nothing of bridge.
type shop struct{}

var products = []string{"tea", "coffee", "honey"}

// Transaction puts an item into a cart, takes one out, or writes a note.
func (shop) Transaction(ctx context.Context, region string, conn *pgx.Conn, rng *rand.Rand) error {
	cart := 1 + rng.IntN(5)
	step := add
	switch rng.IntN(5) {
	case 0, 1:
		step = remove
	case 2:
		step = note
	}
	product := products[rng.IntN(len(products))]
	for {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return step(ctx, tx, region, cart, product) })
		var failed *pgconn.PgError
		if !errors.As(err, &failed) || failed.Code != "40P01" { // a deadlock: tried again, as every application must
			return err
		}
	}
}

// add puts an item of its own into a cart, and counts the product's sale.
func add(ctx context.Context, tx pgx.Tx, region string, cart int, product string) error {
	var item string
	err := tx.QueryRow(ctx, `INSERT INTO journal VALUES ($2 || ' ' || gen_random_uuid(), false, $1) RETURNING item`, region, product).Scan(&item)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE carts SET items = array_append(items, $2) WHERE id = $1", cart, item)
	}
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE products SET sold = sold + 1 WHERE name = $1", product)
	}
	return err
}

// remove takes the cart's first item out, as this region sees it. Another region may take out the same one.
func remove(ctx context.Context, tx pgx.Tx, region string, cart int, _ string) error {
	var item string
	err := tx.QueryRow(ctx, "SELECT items[1] FROM carts WHERE id = $1 AND items <> '{}' FOR UPDATE", cart).Scan(&item)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE carts SET items = array_remove(items, $2) WHERE id = $1", cart, item)
	}
	if err == nil {
		_, err = tx.Exec(ctx, "INSERT INTO journal VALUES ($2, true, $1) ON CONFLICT DO NOTHING", region, item)
	}
	return err
}

func note(ctx context.Context, tx pgx.Tx, region string, cart int, product string) error {
	_, err := tx.Exec(ctx, "UPDATE carts SET note = $2 WHERE id = $1", cart, region+" wants more "+product)
	return err
}

// Check holds carts and sales against the journal.
func (shop) Check(ctx context.Context, conn *pgx.Conn) (string, error) {
	var added, inCarts, lost, back, miscounted int
	err := conn.QueryRow(ctx, `
WITH inside AS (SELECT unnest(items) AS item FROM carts),
     added AS (SELECT item FROM journal WHERE NOT removed),
     removed AS (SELECT DISTINCT item FROM journal WHERE removed)
SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM inside),
       (SELECT count(*) FROM added WHERE item NOT IN (SELECT item FROM removed) AND item NOT IN (SELECT item FROM inside)),
       (SELECT count(*) FROM inside WHERE item IN (SELECT item FROM removed)),
       (SELECT count(*) FROM products p WHERE sold <> (SELECT count(*) FROM added WHERE item LIKE p.name || ' %'))`).
		Scan(&added, &inCarts, &lost, &back, &miscounted)
	switch {
	case err != nil:
		return "", err
	case lost > 0:
		return "", fmt.Errorf("%d items that nobody took out aren't in their carts", lost)
	case back > 0:
		return "", fmt.Errorf("%d items that were taken out are back", back)
	case miscounted > 0:
		return "", fmt.Errorf("%d products are miscounted", miscounted)
	}
	return fmt.Sprintf("%d items were put into carts, %d are there, all others were taken out, and the sales add up.", added, inCarts), nil
}
