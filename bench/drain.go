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
	rates, costs, peaks := map[string]samples{}, map[string]samples{}, map[string]samples{}
	for run := range m.runs {
		for _, c := range contestants {
			rate, used, err := m.drain(ctx, w, c)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", w.name, c.Name(), err)
			}
			rates[c.Name()] = append(rates[c.Name()], rate)
			cost := float64(used.ours.Microseconds()) / float64(w.rows(m.sizes))
			costs[c.Name()] = append(costs[c.Name()], cost)
			m.say("%s %s, run %d: %s %.0f rows/s, %.1f us of processor time a row (others had %.0f %%)",
				w.part, w.name, run+1, c.Name(), rate, cost, used.others())
			if b, ok := c.(*bridge); ok {
				m.say("%s: %s", b.Name(), b.steps)
				peaks[b.Name()] = append(peaks[b.Name()], b.peak)
			}
		}
	}
	for _, b := range m.bridges {
		name := fmt.Sprintf("%s %s, %s", w.part, w.name, b.broker.Name())
		bridge := rates[b.Name()]
		m.add(newResult(name, "rows/s", bridge, text.Name(), rates[text.Name()], atLeastRatio(w.bars[b.broker.Name()])))
		m.add(newResult(name, "rows/s", bridge, binary.Name(), rates[binary.Name()], bar{}))
		m.add(newResult(name+", processor time", "us/row", costs[b.Name()], text.Name(), costs[text.Name()], bar{}))
		m.add(memoryResult(fmt.Sprintf("d resident, %s, %s", w.name, b.broker.Name()), peaks[b.Name()]))
		if m.profiles != "" {
			if err := m.profileDrain(ctx, w, b, bridge.Median()); err != nil {
				return err
			}
		}
	}
	return nil
}

// drain measures one contestant once: by the clock, and by the processor time of all servers, bridges and
// brokers together.
func (m *meter) drain(ctx context.Context, w *backlog, c contestant) (rowsPerSecond float64, used usage, err error) {
	err = m.with(ctx, "accounts", c, func(p *pair) error {
		if err := w.write(ctx, p, m.sizes); err != nil {
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
		rowsPerSecond, used = float64(w.rows(m.sizes))/took.Seconds(), after.since(before)
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

// patience is how long a measurement waits for what takes seconds.
const patience = 10 * time.Minute

var errPatience = errors.New("gave up after 10 minutes")
