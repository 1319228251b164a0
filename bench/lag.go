package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// lagScript is one transaction of the load: three updates, in the order of their keys so that clients don't
// deadlock.
const lagScript = `\set k1 random(1, :rows / 3)
\set k2 random(:rows / 3 + 1, :rows * 2 / 3)
\set k3 random(:rows * 2 / 3 + 1, :rows)
BEGIN;
UPDATE acc SET a = a + 1, at = clock_timestamp() WHERE id = :k1;
UPDATE acc SET a = a + 1, at = clock_timestamp() WHERE id = :k2;
UPDATE acc SET a = a + 1, at = clock_timestamp() WHERE id = :k3;
END;
`

// measureLags is part (b): from the return of a commit at the source to its visibility in the target, under a
// steady load.
func (m *meter) measureLags(ctx context.Context) error {
	contestants := []contestant{nativeText}
	for _, b := range m.bridges {
		contestants = append(contestants, b)
	}
	p50, p99 := map[string]samples{}, map[string]samples{}
	for range m.runs {
		for _, c := range contestants {
			lags, err := m.lags(ctx, c)
			if err != nil {
				return fmt.Errorf("lag, %s: %w", c.Name(), err)
			}
			a, z := percentile(lags, 50), percentile(lags, 99)
			p50[c.Name()], p99[c.Name()] = append(p50[c.Name()], a), append(p99[c.Name()], z)
			m.say("b lag at %d transactions/s: %s p50 %.2f ms, p99 %.2f ms (%d probes)", m.sizes.rate, c.Name(), a, z, len(lags))
			if b, ok := c.(*bridge); ok {
				m.say("%s: %s", b.Name(), b.steps)
			}
		}
	}
	for _, b := range m.bridges {
		name := fmt.Sprintf("at %d tps, %s", m.sizes.rate, b.broker.Name())
		var median, tail bar
		if b.broker.Name() == "embedded" {
			median, tail = below(1.5, "ms"), below(15, "ms")
		}
		m.add(newResult("b lag p50 "+name, "ms", p50[b.Name()], nativeText.Name(), p50[nativeText.Name()], median))
		m.add(newResult("b lag p99 "+name, "ms", p99[b.Name()], nativeText.Name(), p99[nativeText.Name()], tail))
	}
	return nil
}

// lags probes one contestant, about 60 times a second.
func (m *meter) lags(ctx context.Context, c contestant) (lags []time.Duration, err error) {
	err = m.with(ctx, "accounts", c, func(p *pair) error {
		if err := p.Checkpoint(ctx); err != nil {
			return err
		}
		if err := p.flowing(ctx, c); err != nil {
			return err
		}
		const warm = 1 // second: the load's connections, and the servers' caches
		load, err := m.startPgbench(ctx, p, lagScript, "-T", strconv.Itoa(m.sizes.seconds+warm), "-R", strconv.Itoa(m.sizes.rate),
			"-D", "rows="+strconv.Itoa(m.sizes.rows))
		if err != nil {
			return err
		}
		begin, end := time.Now().Add(warm*time.Second), time.Now().Add(time.Duration(m.sizes.seconds+warm)*time.Second)
		tick := time.NewTicker(16 * time.Millisecond)
		defer tick.Stop()
		for probe := 2; time.Now().Before(end); probe++ {
			lag, err := p.probe(ctx, probe)
			if err != nil {
				return err
			}
			if time.Now().After(begin) {
				lags = append(lags, lag)
			}
			<-tick.C
		}
		if _, err := load.wait(); err != nil {
			return err
		}
		if err := p.caughtUp(ctx); err != nil {
			return err
		}
		return p.MustEqual(ctx, "acc")
	})
	return lags, err
}

// probe is one measurement: the target is asked without a pause.
func (p *pair) probe(ctx context.Context, value int) (time.Duration, error) {
	if err := p.signal(ctx, value); err != nil {
		return 0, err
	}
	start := time.Now()
	for time.Since(start) < patience {
		if there, err := p.signalled(ctx, value); there || err != nil {
			return time.Since(start), err
		}
	}
	return 0, fmt.Errorf("probe %d: %w", value, errPatience)
}

// caughtUp returns when everything written so far is in the target.
func (p *pair) caughtUp(ctx context.Context) error {
	const last = -1
	if err := p.signal(ctx, last); err != nil {
		return err
	}
	_, err := p.waitSignal(ctx, last, time.Now())
	return err
}

// percentile is the nearest-rank percentile, in milliseconds.
func percentile(all []time.Duration, percent int) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	rank := (len(sorted)*percent + 99) / 100
	return float64(sorted[max(rank, 1)-1]) / float64(time.Millisecond)
}
