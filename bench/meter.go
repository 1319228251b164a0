package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// meter is one run of the benchmark: what there is to measure with, and what came out.
type meter struct {
	servers  servers
	sizes    sizes
	runs     int
	parts    []string // to measure; empty is all
	bridges  []*bridge
	profiles string // directory for CPU profiles; empty makes none
	progress io.Writer
	dir      string // for files of the moment

	pairs   int
	results []result
}

// wants reports whether a part, such as "a1", was asked for, by its name or its letter.
func (m *meter) wants(part string) bool {
	for _, asked := range m.parts {
		if strings.HasPrefix(part, asked) {
			return true
		}
	}
	return len(m.parts) == 0
}

// wantsAny reports whether something of the parts of a letter was asked for.
func (m *meter) wantsAny(letter string) bool {
	return m.wants(letter) || slices.ContainsFunc(m.parts, func(asked string) bool { return strings.HasPrefix(asked, letter) })
}

func (m *meter) say(format string, args ...any) { fmt.Fprintf(m.progress, format+"\n", args...) }

func (m *meter) add(r result) { m.results = append(m.results, r) }

// with runs measure between a contestant's Prepare and Stop, on a new pair.
func (m *meter) with(ctx context.Context, where place, c contestant, measure func(*pair) error) (err error) {
	m.pairs++
	p, err := where.pair(ctx, fmt.Sprintf("m%d", m.pairs))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Drop()) }()
	defer func() { err = errors.Join(err, c.Stop(p)) }()
	if err := c.Prepare(ctx, p); err != nil {
		return err
	}
	err = measure(p)
	if s, ok := c.(stater); ok && err != nil {
		err = fmt.Errorf("%w\n%s", err, s.state(ctx, p))
	}
	return err
}

// run measures all that's wanted.
func (m *meter) run(ctx context.Context) error {
	if err := m.servers.template(ctx, "accounts", accounts(m.sizes)...); err != nil {
		return err
	}
	if err := m.measureDrains(ctx); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"b", m.measureLags},
		{"c", m.measureApplication},
		{"d", m.measureLargeTransaction},
		{"e", m.measureConflicts},
		{"m", m.measureMySQL},
	} {
		if !m.wantsAny(part.name) {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}
