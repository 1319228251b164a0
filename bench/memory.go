package main

import (
	"context"
	"fmt"
	"time"
)

// memoryLimit is what a bridge promises to stay under, in megabytes.
const memoryLimit = 150

// memoryResult compares the larger of the two bridges with the limit: native replication's memory is the
// server's shared buffers, so there's nothing of its own to hold it against.
func memoryResult(name string, peaks samples) result {
	return newResult(name, "MB", peaks, "the limit", samples{memoryLimit}, below(memoryLimit, "MB"))
}

// measureLargeTransaction is the other half of part (d): one transaction of a million rows, from its commit to the
// visibility of a small one after it, and what the bridges have resident meanwhile.
func (m *meter) measureLargeTransaction(ctx context.Context) error {
	for _, b := range m.bridges {
		var times, native samples
		var peaks samples
		for range m.runs {
			took, err := m.largeTransaction(ctx, nativeText)
			if err != nil {
				return fmt.Errorf("large transaction, %s: %w", nativeText.Name(), err)
			}
			native = append(native, took.Seconds())
			took, err = m.largeTransaction(ctx, b)
			if err != nil {
				return fmt.Errorf("large transaction, %s: %w", b.Name(), err)
			}
			times, peaks = append(times, took.Seconds()), append(peaks, b.peak)
			m.say("d %d rows in a transaction: %s %.1f s, %.0f MB; %s %.1f s", m.sizes.large, b.Name(),
				took.Seconds(), b.peak, nativeText.Name(), native[len(native)-1])
		}
		what := fmt.Sprintf("transaction of %d rows, %s", m.sizes.large, b.variant())
		m.add(memoryResult("d resident, "+what, peaks))
		m.add(newResult("d commit to visible, "+what, "s", times, nativeText.Name(), native, bar{}))
	}
	return nil
}

var nativeText = native{}

func (m *meter) largeTransaction(ctx context.Context, c contestant) (took time.Duration, err error) {
	err = m.with(ctx, m.servers.from("accounts"), c, func(p *pair) error {
		if err := p.Checkpoint(ctx); err != nil {
			return err
		}
		if err := p.flowing(ctx, c); err != nil {
			return err
		}
		err := p.source.run(ctx, fmt.Sprintf(`INSERT INTO acc
			SELECT i, 0, i, rpad(md5(i::text), 40, 'x'), '2026-01-01' FROM generate_series(%d, %d) i`, m.sizes.rows+1, m.sizes.rows+m.sizes.large))
		if err != nil {
			return err
		}
		start := time.Now()
		const after = 2
		if err := p.signal(ctx, after); err != nil {
			return err
		}
		if took, err = p.waitSignal(ctx, after, start); err != nil {
			return err
		}
		return p.MustEqual(ctx, "acc")
	})
	return took, err
}

// flowing starts a contestant and returns when a first change has come through.
func (p *pair) flowing(ctx context.Context, c contestant) error {
	start, err := c.Start(ctx, p)
	if err != nil {
		return err
	}
	if err := p.signal(ctx, 1); err != nil {
		return err
	}
	_, err = p.waitSignal(ctx, 1, start)
	return err
}
