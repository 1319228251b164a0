package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"bridge/internal/testserver"
	"bridge/stream/embedded"
)

// mesh is all that the demo runs.
type mesh struct {
	options Options
	out     *screen
	dir     string // configuration, logs, topics
	broker  *embedded.Broker
	regions []*region
}

// start starts servers and broker, sets the regions up and starts their bridges.
func (m *mesh) start(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the start took more than %s", patience))
	defer cancel()
	m.out.linef("%s", m.out.style(bold, fmt.Sprintf("bridge demo: one shop, %d regions, every database writable", len(m.options.Regions))))
	m.out.headf("Starting. All of it runs on this machine, and goes away at the end.")
	began := time.Now()
	if m.dir, err = testserver.NewDir("demo"); err != nil {
		return err
	}
	m.broker, err = embedded.Start(embedded.Options{Dir: filepath.Join(m.dir, "broker")})
	if err != nil {
		return err
	}
	for _, r := range m.options.Regions {
		m.regions = append(m.regions, newRegion(r, m))
	}
	if err := m.each(ctx, (*region).startServer); err != nil {
		return err
	}
	for _, r := range m.regions {
		m.out.linef("  %-6s %s, database %s", r.name, r.server, database)
	}
	m.out.linef("  %-6s the embedded broker on %s", "Kafka", m.broker.Addr())
	// Nobody may write between the first region's set-up and the last's: see "bridge init".
	if err := m.each(ctx, (*region).setUp); err != nil {
		return err
	}
	if err := m.each(ctx, (*region).startBridge); err != nil {
		return err
	}
	for _, r := range m.regions {
		m.out.linef("  %-6s bridge run -c %s (process %d)", r.name, r.file, r.bridge.PID())
	}
	m.out.textf("  ", "Each was set up as an operator would: a DBA ran what \"bridge grants\" prints, then came "+
		"\"bridge init\" as an ordinary role. The tables have no triggers and no extra columns. It took %.1f s.", time.Since(began).Seconds())
	return nil
}

func (m *mesh) names() []string {
	var names []string
	for _, r := range m.options.Regions {
		names = append(names, r.Name)
	}
	return names
}

// mixed reports whether there's PostgreSQL, in which tables are in schemas of a database, beside others.
func (m *mesh) mixed() bool {
	postgres := 0
	for _, r := range m.options.Regions {
		if r.Engine == PostgreSQL {
			postgres++
		}
	}
	return postgres > 0 && postgres < len(m.options.Regions)
}

// each runs a step in all regions at once.
func (m *mesh) each(ctx context.Context, step func(*region, context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range m.regions {
		group.Go(func() error {
			if err := step(r, ctx); err != nil {
				return fmt.Errorf("region %s: %w", r.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// close ends everything, in the reverse order of its start.
func (m *mesh) close() error {
	var errs []error
	for _, r := range slices.Backward(m.regions) {
		errs = append(errs, r.close())
	}
	if m.broker != nil {
		errs = append(errs, m.broker.Close())
	}
	if m.dir != "" {
		errs = append(errs, os.RemoveAll(m.dir))
	}
	return errors.Join(errs...)
}
