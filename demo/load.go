package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// schema is the shop's. Orders are only inserted, each by the region that took it, numbered without a gap:
// they tell what has arrived where, and that nothing was lost. The other tables are written by all regions
// at once.
const schema = `
CREATE ROLE shop LOGIN;
GRANT pg_read_all_data TO shop; -- bridge.conflicts, for whoever looks around
CREATE TABLE orders (region text, id bigint, customer int NOT NULL, placed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (region, id));
CREATE TABLE cart_items (cart int, product text, qty int NOT NULL, PRIMARY KEY (cart, product));
CREATE TABLE customers (id int PRIMARY KEY, city text NOT NULL);
CREATE TABLE prices (product text PRIMARY KEY, cents int NOT NULL);
INSERT INTO customers SELECT id, 'Lisbon' FROM generate_series(1, 12) id;
INSERT INTO prices SELECT product, 500 FROM unnest('{tea,coffee,cocoa,honey,bread,salt}'::text[]) product;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop;
`

// tables are the replicated tables, in the order in which they're told of.
var tables = []string{"orders", "cart_items", "customers", "prices"}

var (
	products = []string{"tea", "coffee", "cocoa", "honey", "bread", "salt"}
	cities   = []string{"Lisbon", "Oslo", "Quito", "Hanoi", "Perth", "Accra", "Lima", "Turin"}
)

// shop is the application of one region: one session that places orders and changes shared rows. It knows
// nothing of bridge.
type shop struct {
	region *region
	conn   *pgx.Conn
	random *rand.Rand

	mu           sync.Mutex
	acknowledged []time.Time // when order i+1 was committed
}

func newShop(ctx context.Context, r *region) (*shop, error) {
	conn, err := r.connect(ctx, database)
	if err != nil {
		return nil, err
	}
	return &shop{region: r, conn: conn, random: rand.New(rand.NewPCG(rand.Uint64(), 0))}, nil
}

// run writes until ctx ends, and then finishes the transaction at hand.
func (s *shop) run(ctx context.Context, rate int) error {
	pace := time.NewTicker(time.Second / time.Duration(rate))
	defer pace.Stop()
	unbroken := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pace.C:
		}
		if err := s.transaction(unbroken); err != nil {
			return fmt.Errorf("the shop in region %s: %w", s.region.name, err)
		}
	}
}

// transaction places an order and changes a row that the others change, too.
func (s *shop) transaction(ctx context.Context) error {
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO orders (region, id, customer) VALUES ($1, $2, $3)`, s.region.name, s.orders()+1, 1+s.random.IntN(12))
	product := products[s.random.IntN(len(products))]
	switch cart := 1 + s.random.IntN(5); s.random.IntN(10) {
	case 0:
		batch.Queue(`UPDATE customers SET city = $2 WHERE id = $1`, 1+s.random.IntN(12), cities[s.random.IntN(len(cities))])
	case 1, 2:
		batch.Queue(`UPDATE prices SET cents = $2 WHERE product = $1`, product, 300+s.random.IntN(600))
	case 3, 4:
		batch.Queue(`DELETE FROM cart_items WHERE cart = $1 AND product = $2`, cart, product)
	default:
		batch.Queue(`INSERT INTO cart_items VALUES ($1, $2, $3) ON CONFLICT (cart, product) DO UPDATE SET qty = excluded.qty`,
			cart, product, 1+s.random.IntN(9))
	}
	if err := s.conn.SendBatch(ctx, batch).Close(); err != nil { // one batch is one transaction
		return err
	}
	s.mu.Lock()
	s.acknowledged = append(s.acknowledged, time.Now())
	s.mu.Unlock()
	return nil
}

// orders is how many orders were acknowledged; order n has the id n.
func (s *shop) orders() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acknowledged)
}

// age is how old the oldest order is that somebody who has seen the first n hasn't; 0 if there's none
// among the first of those acknowledged.
func (s *shop) age(seen, acknowledged int, now time.Time) time.Duration {
	if seen >= acknowledged {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(now.Sub(s.acknowledged[seen]), time.Millisecond)
}

func (s *shop) close(ctx context.Context) { s.conn.Close(ctx) } //nolint:errcheck // all is committed
