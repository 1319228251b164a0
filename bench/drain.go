package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// measureDrains is part (a): how many rows per second a backlog flows at, from the moment the source's slot
// is read to the moment the backlog's last change is visible in the target.
func (m *meter) measureDrains(ctx context.Context) error {
	for i := range backlogs {
		if w := &backlogs[i]; m.wants(w.part) {
			if err := m.measureDrain(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *meter) measureDrain(ctx context.Context, w *backlog) error {
	text, binary := native{}, native{binary: true}
	contestants := []contestant{text, binary}
	for _, b := range m.bridges {
		contestants = append(contestants, b)
	}
	d := &drain{part: w.part, name: w.name, backlog: w, sizes: m.sizes, where: m.servers.from("accounts")}
	got, err := m.drains(ctx, d, contestants)
	if err != nil {
		return err
	}
	for _, b := range m.bridges {
		name := fmt.Sprintf("%s %s, %s", w.part, w.name, b.variant())
		bridge := got.rates[b.Name()]
		m.add(newResult(name, "rows/s", bridge, text.Name(), got.rates[text.Name()], atLeastRatio(w.bars[b.broker.Name()])))
		m.add(newResult(name, "rows/s", bridge, binary.Name(), got.rates[binary.Name()], bar{}))
		m.add(newResult(name+", processor time", "us/row", got.costs[b.Name()], text.Name(), got.costs[text.Name()], bar{}))
		m.add(memoryResult(fmt.Sprintf("d resident, %s, %s", w.name, b.variant()), got.peaks[b.Name()]))
	}
	return nil
}

// drain is a backlog, and the servers it flows between.
type drain struct {
	part, name string // for messages, and for the files of profiles
	*backlog
	sizes sizes
	where place
}

// drained is what was measured, by contestant.
type drained struct {
	rates samplesOf // rows per second
	costs samplesOf // microseconds of processor time a row
	peaks samplesOf // megabytes resident of the larger bridge
}

type samplesOf map[string]samples

func (s samplesOf) add(c contestant, x float64) { s[c.Name()] = append(s[c.Name()], x) }

// drains measures the contestants by turns, and keeps the bridges' profiles if they're wanted.
func (m *meter) drains(ctx context.Context, d *drain, contestants []contestant) (got drained, err error) {
	got = drained{samplesOf{}, samplesOf{}, samplesOf{}}
	for run := range m.runs {
		for _, c := range contestants {
			rate, used, err := m.drain(ctx, d, c)
			if err != nil {
				return got, fmt.Errorf("%s, %s: %w", d.name, c.Name(), err)
			}
			cost := float64(used.ours.Microseconds()) / float64(d.rows(d.sizes))
			got.rates.add(c, rate)
			got.costs.add(c, cost)
			m.say("%s %s, run %d: %s %.0f rows/s, %.1f us of processor time a row (others had %.0f %%)",
				d.part, d.name, run+1, c.Name(), rate, cost, used.others())
			if b, ok := c.(*bridge); ok {
				m.say("%s: %s", b.Name(), b.steps)
				got.peaks.add(c, b.peak)
			}
		}
	}
	for _, c := range contestants {
		if b, ok := c.(*bridge); ok && m.profiles != "" {
			if err := m.profileDrain(ctx, d, b, got.rates[b.Name()].Median()); err != nil {
				return got, err
			}
		}
	}
	return got, nil
}

// drain measures one contestant once: by the clock, and by the processor time of all servers, bridges and
// brokers together.
func (m *meter) drain(ctx context.Context, d *drain, c contestant) (rowsPerSecond float64, used usage, err error) {
	err = m.with(ctx, d.where, c, func(p *pair) error {
		if err := d.write(ctx, p, d.sizes); err != nil {
			return err
		}
		const last = 1
		if err := p.signal(ctx, last); err != nil {
			return err
		}
		if err := p.Checkpoint(ctx); err != nil {
			return err
		}
		start, err := c.Start(ctx, p)
		if err != nil {
			return err
		}
		before, err := readUsage()
		if err != nil {
			return err
		}
		took, err := p.waitSignal(ctx, last, start)
		if err != nil {
			return err
		}
		after, err := readUsage()
		if err != nil {
			return err
		}
		rowsPerSecond, used = float64(d.rows(d.sizes))/took.Seconds(), after.since(before)
		return p.MustEqual(ctx, "acc")
	})
	return rowsPerSecond, used, err
}

// waitSignal waits until the target shows value, and gives the time since start.
func (p *pair) waitSignal(ctx context.Context, value int, start time.Time) (time.Duration, error) {
	// Not a context: one that ends takes the connection with it, and that is needed to clean up.
	deadline := time.Now().Add(patience)
	err := poll(ctx, 2*time.Millisecond, func() (bool, error) {
		there, err := p.signalled(ctx, value)
		if !there && err == nil && time.Now().After(deadline) {
			err = errPatience
		}
		return there, err
	})
	if err != nil {
		return 0, fmt.Errorf("the last change isn't in the target: %w", err)
	}
	return time.Since(start), nil
}

// patience is how long a measurement waits for what takes seconds, at most one minute.
const patience = 3 * time.Minute

var errPatience = errors.New("gave up after 3 minutes")
