package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// The shop's tables, in every dialect: orders are only inserted, each by the region that took it, numbered without
// a gap: they tell what has arrived where, and that nothing was lost. The other tables are written by all regions
// at once. stock is what they begin with.
var stock = fmt.Sprintf("INSERT INTO customers VALUES %s;\nINSERT INTO prices VALUES %s;\n", customers(), prices())

func customers() string {
	rows := make([]string, customerCount)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, 'Lisbon')", i+1)
	}
	return strings.Join(rows, ", ")
}

func prices() string {
	rows := make([]string, len(products))
	for i, p := range products {
		rows[i] = fmt.Sprintf("('%s', 500)", p)
	}
	return strings.Join(rows, ", ")
}

// tables are the replicated tables, in the order in which they're told of.
var tables = []string{"orders", "cart_items", "customers", "prices"}

const customerCount = 12

var (
	products = []string{"tea", "coffee", "cocoa", "honey", "bread", "salt"}
	cities   = []string{"Lisbon", "Oslo", "Quito", "Hanoi", "Perth", "Accra", "Lima", "Turin"}
)

// shop is the application of one region: one session that places orders and changes shared rows. It knows
// nothing of bridge.
type shop struct {
	region *region
	session
	random *rand.Rand

	mu           sync.Mutex
	acknowledged []time.Time // when order i+1 was committed
}

func newShop(ctx context.Context, r *region) (*shop, error) {
	session, err := r.server.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", r.name, err)
	}
	return &shop{region: r, session: session, random: rand.New(rand.NewPCG(rand.Uint64(), 0))}, nil
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
	order := fmt.Sprintf("INSERT INTO orders (region, id, customer) VALUES ('%s', %d, %d)",
		s.region.name, s.orders()+1, 1+s.random.IntN(customerCount))
	if err := s.transact(ctx, order, s.change()); err != nil {
		return err
	}
	s.mu.Lock()
	s.acknowledged = append(s.acknowledged, time.Now())
	s.mu.Unlock()
	return nil
}

// change is a statement on a row that all regions write. Its values need no quoting: they're all from here.
func (s *shop) change() string {
	product, cart := products[s.random.IntN(len(products))], 1+s.random.IntN(5)
	switch s.random.IntN(10) {
	case 0:
		return fmt.Sprintf("UPDATE customers SET city = '%s' WHERE id = %d", cities[s.random.IntN(len(cities))], 1+s.random.IntN(customerCount))
	case 1, 2:
		return fmt.Sprintf("UPDATE prices SET cents = %d WHERE product = '%s'", 300+s.random.IntN(600), product)
	case 3, 4:
		return fmt.Sprintf("DELETE FROM cart_items WHERE cart = %d AND product = '%s'", cart, product)
	}
	qty := 1 + s.random.IntN(9)
	return fmt.Sprintf("INSERT INTO cart_items (cart, product, qty) VALUES (%d, '%s', %d)%s%d",
		cart, product, qty, s.region.server.dialect().upsert, qty)
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
