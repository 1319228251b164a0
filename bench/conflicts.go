package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// conflictShares are the percentages of part e.
var conflictShares = []int{0, 1, 10, 50}

// measureConflicts is part (e): both sides have written as many rows, each in a transaction of its own, before either's bridge
// runs. Of these rows so many percent are the same, so neither side had seen the other's: a conflict, in both regions. The
// volume is always the same. It ends when each side has all of the other's.
func (m *meter) measureConflicts(ctx context.Context) error {
	b := m.bridges[0]
	rates, costs := map[int]samples{}, map[int]samples{}
	for range m.runs {
		for _, share := range conflictShares {
			rate, used, err := m.drainBoth(ctx, b, share)
			if err != nil {
				return fmt.Errorf("conflicts on %d %% of the rows: %w", share, err)
			}
			cost := float64(used.ours.Microseconds()) / float64(2*m.sizes.eachSide())
			rates[share], costs[share] = append(rates[share], rate), append(costs[share], cost)
			m.say("e conflicts on %d %% of the rows: %.0f rows/s, %.1f us of processor time a row (others had %.0f %%)", share, rate, cost, used.others())
			m.say("%s: %s", b.Name(), b.steps)
		}
	}
	for _, share := range conflictShares[1:] {
		name := fmt.Sprintf("e conflicts on %d %% of the rows, %s", share, b.variant())
		m.add(newResult(name, "rows/s", rates[share], "bridge, without conflicts", rates[0], bar{}))
		m.add(newResult(name+", processor time", "us/row", costs[share], "bridge, without conflicts", costs[0], bar{}))
	}
	return nil
}

// eachSide is how many rows each side of a pair writes.
func (s sizes) eachSide() int { return s.transactions / 2 }

// drainBoth measures one share once.
func (m *meter) drainBoth(ctx context.Context, b *bridge, share int) (rowsPerSecond float64, used usage, err error) {
	rows := m.sizes.eachSide()
	err = m.with(ctx, m.servers.from("accounts"), b, func(p *pair) error {
		source, target := p.postgres()
		if err := source.writeFrom(ctx, 0, rows); err != nil {
			return err
		}
		if err := target.writeFrom(ctx, rows-rows*share/100, rows); err != nil {
			return err
		}
		for i, side := range []side{source, target} {
			if err := side.run(ctx, fmt.Sprintf("INSERT INTO probe VALUES (%d)", i)); err != nil {
				return err
			}
		}
		if err := p.Checkpoint(ctx); err != nil {
			return err
		}
		start, err := b.startBoth(ctx, p)
		if err != nil {
			return err
		}
		before, err := readUsage()
		if err != nil {
			return err
		}
		took, err := p.waitProbes(ctx, start)
		if err != nil {
			return err
		}
		after, err := readUsage()
		if err != nil {
			return err
		}
		rowsPerSecond, used = float64(2*rows)/took.Seconds(), after.since(before)
		if err := p.mustHaveDecided(ctx, rows*share/100); err != nil {
			return err
		}
		return p.MustEqual(ctx, "acc")
	})
	return rowsPerSecond, used, err
}

// writeFrom updates rows, beginning after a key, each once and in a transaction of its own, in an order that isn't the keys'.
func (d *database) writeFrom(ctx context.Context, after, rows int) error {
	const stride = 7919 // prime, so that it comes to every key
	update := fmt.Sprintf(`DO $$ BEGIN
		FOR i IN 1..%[1]d LOOP
			UPDATE acc SET a = a + 1, at = clock_timestamp() WHERE id = %[2]d + 1 + i::bigint * %[3]d %% %[1]d;
			COMMIT;
		END LOOP;
	END $$`, rows, after, stride)
	for _, statement := range []string{"SET synchronous_commit = off", update, "SET synchronous_commit = on"} {
		if err := d.run(ctx, statement); err != nil {
			return fmt.Errorf("write rows after %d: %w", after, err)
		}
	}
	return nil
}

// startBoth lets both directions flow at once.
func (b *bridge) startBoth(ctx context.Context, p *pair) (time.Time, error) {
	for _, r := range []*region{b.target, b.source} {
		if err := b.run(ctx, r); err != nil {
			return time.Time{}, err
		}
	}
	return p.WaitActive(ctx, b.slot(p))
}

// waitProbes waits until each side has the other's last write.
func (p *pair) waitProbes(ctx context.Context, start time.Time) (time.Duration, error) {
	deadline := time.Now().Add(patience)
	err := poll(ctx, 2*time.Millisecond, func() (bool, error) {
		for _, side := range []side{p.source, p.target} {
			if n, err := side.value(ctx, "SELECT count(*) FROM probe"); err != nil || n != "2" {
				if err == nil && time.Now().After(deadline) {
					err = errPatience
				}
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return 0, fmt.Errorf("one side lacks the other's last write: %w", err)
	}
	return time.Since(start), nil
}

// mustHaveDecided wants so many conflicts on record on both sides: else it's something else that was measured.
func (p *pair) mustHaveDecided(ctx context.Context, conflicts int) error {
	for _, side := range []side{p.source, p.target} {
		n, err := side.value(ctx, "SELECT count(*) FROM bridge.conflicts")
		if err != nil {
			return err
		}
		if n != strconv.Itoa(conflicts) {
			return fmt.Errorf("%s conflicts were decided on a side, not %d", n, conflicts)
		}
	}
	return nil
}
