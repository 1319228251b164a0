package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
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
// steady load. Visible is when the target has committed the row, as its WAL tells: a reader that polls instead
// would take one of two cores from the contestants, and measure how long they wait for a turn.
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
		name := fmt.Sprintf("at %d tps, %s", m.sizes.rate, b.variant())
		var median, tail bar
		if b.broker.Name() == "embedded" {
			median, tail = below(1.5, "ms"), below(15, "ms")
		}
		m.add(newResult("b lag p50 "+name, "ms", p50[b.Name()], nativeText.Name(), p50[nativeText.Name()], median))
		m.add(newResult("b lag p99 "+name, "ms", p99[b.Name()], nativeText.Name(), p99[nativeText.Name()], tail))
	}
	return nil
}

// lags probes one contestant.
func (m *meter) lags(ctx context.Context, c contestant) (lags []time.Duration, err error) {
	err = m.with(ctx, m.servers.from("accounts"), c, func(p *pair) error {
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
		from, err := p.target.value(ctx, "SELECT pg_current_wal_lsn()")
		if err != nil {
			return err
		}
		returned, err := p.probes(ctx, warm*time.Second, time.Duration(m.sizes.seconds)*time.Second)
		if err != nil {
			return err
		}
		if _, err := load.wait(); err != nil {
			return err
		}
		if err := p.caughtUp(ctx); err != nil {
			return err
		}
		if lags, err = p.lagsOf(ctx, returned, from); err != nil {
			return err
		}
		return p.MustEqual(ctx, "acc")
	})
	return lags, err
}

// probes writes a row to the source some 60 times a second, and gives when each commit returned, those of the
// warm-up excepted.
func (p *pair) probes(ctx context.Context, warm, measured time.Duration) (returned map[int]time.Time, err error) {
	returned = map[int]time.Time{}
	begin := time.Now().Add(warm)
	end := begin.Add(measured)
	tick := time.NewTicker(16 * time.Millisecond)
	defer tick.Stop()
	for probe := 1; time.Now().Before(end); probe++ {
		if err := p.source.run(ctx, fmt.Sprintf("INSERT INTO probe VALUES (%d)", probe)); err != nil {
			return nil, err
		}
		if now := time.Now(); now.After(begin) {
			returned[probe] = now
		}
		<-tick.C
	}
	return returned, nil
}

// lagsOf is how long after its return each probe's commit was there in the target, once all are there. from is a
// place in the target's WAL before the first.
func (p *pair) lagsOf(ctx context.Context, returned map[int]time.Time, from string) (lags []time.Duration, err error) {
	_, target := p.postgres()
	commits, err := target.commits(ctx, from)
	if err != nil {
		return nil, err
	}
	rows, err := target.Query(ctx, "SELECT id, xmin::text FROM probe")
	if err != nil {
		return nil, err
	}
	var probe int
	var xid string
	_, err = pgx.ForEachRow(rows, []any{&probe, &xid}, func() error {
		at, counts := returned[probe]
		if visible, ok := commits[xid]; ok && counts {
			lags = append(lags, max(0, visible.Sub(at))) // the target can be first
		}
		return nil
	})
	if err == nil && len(lags) != len(returned) {
		err = fmt.Errorf("%d of %d probes are in the target", len(lags), len(returned))
	}
	return lags, err
}

var commitRecord = regexp.MustCompile(`tx: +([0-9]+),.* desc: COMMIT ([-0-9]+ [0-9:.]+) UTC`)

// commits are the times of a server's commits since a place in its WAL, by transaction id. An asynchronous commit,
// which both contestants make, is visible microseconds later. track_commit_timestamp would give the source's times
// for what native replication has applied.
func (d *database) commits(ctx context.Context, from string) (map[string]time.Time, error) {
	var dir, to string
	err := d.QueryRow(ctx, "SELECT current_setting('data_directory'), pg_current_wal_flush_lsn()::text FROM pg_switch_wal()").Scan(&dir, &to)
	if err != nil {
		return nil, err
	}
	dump := exec.CommandContext(ctx, d.server.Bin("pg_waldump"), "-p", filepath.Join(dir, "pg_wal"), "-s", from, "-e", to, "-r", "Transaction")
	dump.Env = append(dump.Environ(), "TZ=UTC")
	out, err := dump.Output()
	if err != nil {
		return nil, fmt.Errorf("pg_waldump from %s to %s: %w", from, to, err)
	}
	commits := map[string]time.Time{}
	for _, m := range commitRecord.FindAllSubmatch(out, -1) {
		if commits[string(m[1])], err = time.Parse("2006-01-02 15:04:05.999999", string(m[2])); err != nil {
			return nil, err
		}
	}
	return commits, nil
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
