package main

import (
	"context"
	"fmt"
	"strconv"
)

// sizes are how much is done of everything.
type sizes struct {
	rows         int // of table acc at the beginning
	transactions int // of a backlog of single-row transactions
	groups       int // transactions of a backlog of 100 rows each
	large        int // rows of the large transaction
	seconds      int // of a measurement under load
	rate         int // transactions per second while lag is measured
	scale        int // of pgbench's tables
}

var (
	full  = sizes{rows: 200_000, transactions: 100_000, groups: 2000, large: 1_000_000, seconds: 7, rate: 500, scale: 10}
	quick = sizes{rows: 2000, transactions: 500, groups: 10, large: 5000, seconds: 1, rate: 100, scale: 1}
)

// Row 0 is nobody's: measurements write their signals to it. Table probe is for lags.
func accounts(s sizes) []string {
	return []string{
		`CREATE TABLE acc (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, filler text NOT NULL, at timestamp NOT NULL)`,
		fmt.Sprintf(`INSERT INTO acc SELECT i, 0, i, rpad(md5(i::text), 40, 'x'), '2026-01-01' FROM generate_series(0, %d) i`, s.rows),
		`CREATE TABLE probe (id int PRIMARY KEY)`,
		`VACUUM (FREEZE, ANALYZE) acc`,
	}
}

// backlog is a load that is written to the source while nothing reads its log.
type backlog struct {
	part string // as in -only
	name string
	rows func(s sizes) int // row changes in all
	// SQL that writes it. MySQL's and MariaDB's is a procedure's body.
	postgres, mysql func(s sizes) string
	bars            map[string]float64 // the least ratio to native, by broker
}

// The seed is fixed: every contestant gets the same keys in the same order.
const seed = `PERFORM setseed(0.42);`

// mysqlSeed is the first number of a sequence (Lehmer's), since RAND begins anew with each statement that seeds it.
const mysqlSeed = 42

var backlogs = []backlog{
	{
		part: "a1", name: "single-row updates",
		rows: func(s sizes) int { return s.transactions },
		postgres: func(s sizes) string {
			return fmt.Sprintf(`DO $$ DECLARE k int; BEGIN %s
				FOR i IN 1..%d LOOP
					k := 1 + floor(random() * %d)::int;
					UPDATE acc SET a = a + 1, at = clock_timestamp() WHERE id = k;
					COMMIT;
				END LOOP;
			END $$`, seed, s.transactions, s.rows)
		},
		mysql: func(s sizes) string {
			return fmt.Sprintf(`BEGIN
				DECLARE i, k BIGINT DEFAULT %[3]d;
				SET i = 0;
				WHILE i < %[1]d DO
					SET i = i + 1, k = k * 48271 %% 2147483647;
					UPDATE acc SET a = a + 1, at = now(6) WHERE id = 1 + k %% %[2]d;
				END WHILE;
			END`, s.transactions, s.rows, mysqlSeed)
		},
		bars: map[string]float64{"embedded": 1.0, "Apache Kafka": 0.7},
	},
	{
		part: "a2", name: "100-row transactions",
		rows: func(s sizes) int { return s.groups * 100 },
		postgres: func(s sizes) string {
			return fmt.Sprintf(`DO $$ DECLARE k int; BEGIN %s
				FOR i IN 1..%d LOOP
					FOR j IN 1..100 LOOP
						k := 1 + floor(random() * %d)::int;
						UPDATE acc SET a = a + 1, at = clock_timestamp() WHERE id = k;
					END LOOP;
					COMMIT;
				END LOOP;
			END $$`, seed, s.groups, s.rows)
		},
		mysql: func(s sizes) string {
			return fmt.Sprintf(`BEGIN
				DECLARE i, j, k BIGINT DEFAULT %[3]d;
				SET i = 0;
				WHILE i < %[1]d DO
					SET i = i + 1, j = 0;
					START TRANSACTION;
					WHILE j < 100 DO
						SET j = j + 1, k = k * 48271 %% 2147483647;
						UPDATE acc SET a = a + 1, at = now(6) WHERE id = 1 + k %% %[2]d;
					END WHILE;
					COMMIT;
				END WHILE;
			END`, s.groups, s.rows, mysqlSeed)
		},
		bars: map[string]float64{"embedded": 1.0, "Apache Kafka": 0.7},
	},
	{
		// Half inserts of new keys, a quarter updates of keys that stay, a quarter deletes of keys of the
		// fourth part of the table that goes, each once and in random order.
		part: "a3", name: "mixed 50/25/25",
		rows: func(s sizes) int { return s.transactions },
		postgres: func(s sizes) string {
			return fmt.Sprintf(`DO $$
			DECLARE gone int[]; fresh int := %[3]d; k int;
			BEGIN %[1]s
				SELECT array_agg(id ORDER BY random()) INTO gone FROM acc WHERE id %% 4 = 0 AND id > 0;
				FOR i IN 1..%[2]d LOOP
					CASE i %% 4
					WHEN 0 THEN
						DELETE FROM acc WHERE id = gone[i / 4];
					WHEN 2 THEN
						k := floor(random() * %[3]d / 4)::int * 4 + 1;
						UPDATE acc SET a = a + 1, at = clock_timestamp() WHERE id = k;
					ELSE
						fresh := fresh + 1;
						INSERT INTO acc VALUES (fresh, 1, fresh, rpad(md5(fresh::text), 40, 'x'), clock_timestamp());
					END CASE;
					COMMIT;
				END LOOP;
			END $$`, seed, s.transactions, s.rows)
		},
		bars: map[string]float64{"embedded": 1.0, "Apache Kafka": 0.7},
	},
}

// write runs the load on the source.
func (w *backlog) write(ctx context.Context, p *pair, s sizes) error {
	if err := p.source.write(ctx, w, s); err != nil {
		return fmt.Errorf("write the backlog of %s: %w", w.name, err)
	}
	return nil
}

// signal writes value to row 0 of the source, durably.
func (p *pair) signal(ctx context.Context, value int) error {
	return p.source.run(ctx, fmt.Sprintf("UPDATE acc SET a = %d WHERE id = 0", value))
}

// signalled reports whether the target shows value in row 0.
func (p *pair) signalled(ctx context.Context, value int) (bool, error) {
	got, err := p.target.value(ctx, "SELECT a FROM acc WHERE id = 0")
	return got == strconv.Itoa(value), err
}
