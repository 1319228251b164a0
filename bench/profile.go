package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// profileDrain drains a backlog once more, uncounted, and keeps a CPU profile of both bridges for about as
// long as it takes at rate.
func (m *meter) profileDrain(ctx context.Context, d *drain, b *bridge, rate float64) error {
	if err := os.MkdirAll(m.profiles, 0o755); err != nil {
		return err
	}
	seconds := max(1, int(math.Round(float64(d.rows(d.sizes))/rate)))
	group, groupCtx := errgroup.WithContext(ctx)
	fetch := func() {
		for _, r := range []*region{b.source, b.target} {
			file := strings.ReplaceAll(fmt.Sprintf("%s-%s-%s.pprof", d.part, b.variant(), r.name), " ", "_")
			group.Go(func() error { return r.profile(groupCtx, seconds, filepath.Join(m.profiles, file)) })
		}
	}
	err := m.with(ctx, d.where, b, func(p *pair) error {
		if err := d.write(ctx, p, d.sizes); err != nil {
			return err
		}
		if err := p.signal(ctx, 1); err != nil {
			return err
		}
		start, err := b.Start(ctx, p)
		if err != nil {
			return err
		}
		fetch()
		if _, err := p.waitSignal(ctx, 1, start); err != nil {
			return err
		}
		return group.Wait()
	})
	if err != nil {
		return fmt.Errorf("profile of %s: %w", d.name, err)
	}
	m.say("%s: profiles of both bridges in %s", d.part, m.profiles)
	return nil
}

func (r *region) profile(ctx context.Context, seconds int, path string) error {
	profile, err := r.get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds))
	if err != nil {
		return err
	}
	return os.WriteFile(path, profile, 0o644)
}
