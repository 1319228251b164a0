// Bank: accounts whose balances are counters. Regions transfer money between the same accounts at once, and none of it is made
// or lost.
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

func main() { trial.Main(example("examples/bank")) }

// example is the example with its files in a directory.
func example(dir string) trial.Example {
	return trial.Example{Dir: filepath.Clean(dir), Tables: []string{"accounts", "transfers"}, Application: bank{}}
}

// bank is the application. It knows nothing of bridge.
type bank struct{}

const (
	accounts = 10
	money    = "1000.00" // as schema.sql hands it out
)

// Transaction transfers some money.
func (bank) Transaction(ctx context.Context, _ string, conn *pgx.Conn, rng *rand.Rand) error {
	from := 1 + rng.IntN(accounts)
	to := 1 + (from+rng.IntN(accounts-1))%accounts
	amount := fmt.Sprintf("%d.%02d", rng.IntN(20), rng.IntN(100))
	for {
		err := transfer(ctx, conn, from, to, amount)
		var failed *pgconn.PgError
		if !errors.As(err, &failed) || failed.Code != "40P01" { // a deadlock: tried again, as every application must
			return err
		}
	}
}

func transfer(ctx context.Context, conn *pgx.Conn, from, to int, amount string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO transfers (from_account, to_account, amount) VALUES ($1, $2, $3::text::numeric)", from, to, amount)
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE accounts SET balance = balance - $2::text::numeric WHERE id = $1", from, amount)
		}
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE accounts SET balance = balance + $2::text::numeric WHERE id = $1", to, amount)
		}
		return err
	})
}

// Check adds all balances up, and holds each against the transfers.
func (bank) Check(ctx context.Context, conn *pgx.Conn) (string, error) {
	var total string
	var transfers, wrong int
	err := conn.QueryRow(ctx, `
SELECT (SELECT sum(balance)::text FROM accounts), (SELECT count(*) FROM transfers),
       (SELECT count(*) FROM accounts a WHERE balance <> 100
          + coalesce((SELECT sum(amount) FROM transfers WHERE to_account = a.id), 0)
          - coalesce((SELECT sum(amount) FROM transfers WHERE from_account = a.id), 0))`).Scan(&total, &transfers, &wrong)
	switch {
	case err != nil:
		return "", err
	case total != money:
		return "", fmt.Errorf("the accounts hold %s, and were given %s", total, money)
	case wrong > 0:
		return "", fmt.Errorf("%d balances aren't what the transfers say", wrong)
	}
	return fmt.Sprintf("%d transfers, and the accounts hold %s as in the beginning.", transfers, total), nil
}
