package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// applicationTables are pgbench's, made by SQL so that both servers' contents are the same. The history gets a
// primary key: neither contestant can replicate changes of rows that nothing names.
func applicationTables(s sizes) []string {
	return append(accounts(s),
		`CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88))`,
		`CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))`,
		`CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84)) WITH (fillfactor = 90)`,
		`CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22), id bigserial PRIMARY KEY)`,
		fmt.Sprintf(`INSERT INTO pgbench_branches SELECT i, 0 FROM generate_series(1, %d) i`, s.scale),
		fmt.Sprintf(`INSERT INTO pgbench_tellers SELECT i, (i - 1) / 10 + 1, 0 FROM generate_series(1, %d) i`, s.scale*10),
		fmt.Sprintf(`INSERT INTO pgbench_accounts SELECT i, (i - 1) / 100000 + 1, 0, '' FROM generate_series(1, %d) i`, s.scale*100_000),
		`VACUUM (FREEZE, ANALYZE)`,
	)
}

// measureApplication is part (c): what an application that saturates the machine still gets done, and how long
// replication takes to catch up when it pauses.
func (m *meter) measureApplication(ctx context.Context) error {
	if err := m.servers.template(ctx, "application", applicationTables(m.sizes)...); err != nil {
		return err
	}
	contestants := []contestant{nothing{}, nativeText}
	for _, b := range m.bridges {
		contestants = append(contestants, b)
	}
	tps, after := map[string]samples{}, map[string]samples{}
	for range m.runs {
		for _, c := range contestants {
			rate, behind, err := m.application(ctx, c)
			if err != nil {
				return fmt.Errorf("application, %s: %w", c.Name(), err)
			}
			tps[c.Name()] = append(tps[c.Name()], rate)
			after[c.Name()] = append(after[c.Name()], behind.Seconds())
			m.say("c application: %s %.0f tps, then %.1f s behind", c.Name(), rate, behind.Seconds())
		}
	}
	for _, b := range m.bridges {
		name := "c application, " + b.variant()
		bridge := tps[b.Name()]
		m.add(newResult(name, "tps", bridge, nativeText.Name(), tps[nativeText.Name()], atLeastRatio(0.95)))
		m.add(newResult(name, "tps", bridge, nothing{}.Name(), tps[nothing{}.Name()], bar{}))
		m.add(newResult("c time to catch up, "+b.variant(), "s", after[b.Name()], nativeText.Name(), after[nativeText.Name()], bar{}))
	}
	return nil
}

func (m *meter) application(ctx context.Context, c contestant) (tps float64, behind time.Duration, err error) {
	err = m.with(ctx, m.servers.from("application"), c, func(p *pair) error {
		if err := p.Checkpoint(ctx); err != nil {
			return err
		}
		replicates := c != contestant(nothing{})
		if replicates {
			if err := p.flowing(ctx, c); err != nil {
				return err
			}
		}
		load, err := m.startPgbench(ctx, p, "", "-b", "tpcb-like", "-T", strconv.Itoa(m.sizes.seconds))
		if err != nil {
			return err
		}
		if tps, err = load.wait(); err != nil || !replicates {
			return err
		}
		start := time.Now()
		if err := p.caughtUp(ctx); err != nil {
			return err
		}
		behind = time.Since(start)
		for _, table := range []string{"pgbench_accounts", "pgbench_tellers", "pgbench_branches", "pgbench_history"} {
			if err := p.MustEqual(ctx, table); err != nil {
				return err
			}
		}
		return nil
	})
	return tps, behind, err
}
