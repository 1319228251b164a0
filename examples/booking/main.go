// Booking: seats with a unique key. Regions that sell the same seat at once have both said yes; afterwards every region shows the
// same one booking for it, and the other one waits in bridge.parked until the seat is free. No booking gets lost.
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

func main() { trial.Main(example("examples/booking")) }

// example is the example with its files in a directory.
func example(dir string) trial.Example {
	return trial.Example{Dir: filepath.Clean(dir), Tables: []string{"bookings", "confirmations", "cancellations"}, Rate: 25, Parked: true, Application: theatre{}}
}

// theatre is the application. It knows nothing of bridge, but for where bookings wait.
type theatre struct{}

const (
	shows = 4
	seats = 50 // of a show
)

// Transaction books a seat that's free as far as this region knows, or cancels somebody's booking.
func (theatre) Transaction(ctx context.Context, region string, conn *pgx.Conn, rng *rand.Rand) error {
	step := book
	if rng.IntN(3) == 0 {
		step = cancel
	}
	show := 1 + rng.IntN(shows)
	for {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return step(ctx, tx, region, show) })
		var failed *pgconn.PgError
		if !errors.As(err, &failed) || failed.Code != "23505" && failed.Code != "40P01" {
			return err
		} // somebody has just taken the seat, or a deadlock: tried again, as every application must
	}
}

// book confirms a guest's booking. A show that's sold out has none.
func book(ctx context.Context, tx pgx.Tx, region string, show int) error {
	_, err := tx.Exec(ctx, `
WITH free AS (SELECT seat FROM generate_series(1, $2) seat WHERE NOT EXISTS (SELECT FROM bookings b WHERE b.show = $1 AND b.seat = seat.seat) ORDER BY random() LIMIT 1),
     booked AS (INSERT INTO bookings (show, seat, guest) SELECT $1, seat, 'guest from ' || $3::text FROM free RETURNING id)
INSERT INTO confirmations SELECT id, $3 FROM booked`, show, seats, region)
	return err
}

// cancel ends a booking of the show. Another region may cancel the same one.
func cancel(ctx context.Context, tx pgx.Tx, region string, show int) error {
	_, err := tx.Exec(ctx, `
WITH cancelled AS (DELETE FROM bookings WHERE id = (SELECT id FROM bookings WHERE show = $1 ORDER BY random() LIMIT 1) RETURNING id)
INSERT INTO cancellations SELECT id, $2 FROM cancelled ON CONFLICT DO NOTHING`, show, region)
	return err
}

// Check holds the bookings, and those that wait, against what guests were told.
func (theatre) Check(ctx context.Context, conn *pgx.Conn) (string, error) {
	var confirmed, cancelled, seated, waiting, lost, back, twice, idle int
	err := conn.QueryRow(ctx, `
WITH waiting AS (SELECT (image ->> 'id')::uuid AS id, (image ->> 'show')::int AS show, (image ->> 'seat')::int AS seat FROM bridge.parked WHERE table_name = 'bookings'),
     known AS (SELECT id FROM bookings UNION ALL SELECT id FROM waiting),
     ended AS (SELECT booking FROM cancellations)
SELECT (SELECT count(*) FROM confirmations), (SELECT count(*) FROM ended), (SELECT count(*) FROM bookings), (SELECT count(*) FROM waiting),
       (SELECT count(*) FROM confirmations WHERE booking NOT IN (SELECT booking FROM ended) AND booking NOT IN (SELECT id FROM known)),
       (SELECT count(*) FROM known WHERE id IN (SELECT booking FROM ended)),
       (SELECT count(*) - count(DISTINCT id) FROM known),
       (SELECT count(*) FROM waiting w WHERE NOT EXISTS (SELECT FROM bookings b WHERE b.show = w.show AND b.seat = w.seat))`).
		Scan(&confirmed, &cancelled, &seated, &waiting, &lost, &back, &twice, &idle)
	switch {
	case err != nil:
		return "", err
	case lost > 0:
		return "", fmt.Errorf("%d bookings that were confirmed neither have their seats nor wait for them", lost)
	case back > 0:
		return "", fmt.Errorf("%d bookings that were cancelled are back", back)
	case twice > 0:
		return "", fmt.Errorf("%d bookings both have their seats and wait for them", twice)
	case idle > 0:
		return "", fmt.Errorf("%d bookings wait for seats that nobody has", idle)
	case seated+waiting+cancelled != confirmed:
		return "", fmt.Errorf("%d bookings were confirmed, %d cancelled, %d have their seats and %d wait", confirmed, cancelled, seated, waiting)
	}
	return fmt.Sprintf("%d bookings were confirmed, %d cancelled; %d have their seats, and %d wait for a seat that was sold twice.", confirmed, cancelled, seated, waiting), nil
}
