// Package trial runs an example: three PostgreSQL servers, a broker and three bridges on this machine, set up from the
// example's own files as an operator would, an application that writes the same rows in all regions at once while
// a bridge is killed and started again, and at the end the check that the example's invariant held.
//
// Everything is real save the distance, and all of it is gone when it ends.
package trial

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"bridge/internal/testserver"
	"bridge/stream/embedded"
)

// Application is what an example's database is for.
type Application interface {
	// Transaction is one of a region's transactions. It's called by one goroutine per region.
	Transaction(ctx context.Context, region string, conn *pgx.Conn, rng *rand.Rand) error
	// Check says whether the invariant holds in a region that has everything, in a sentence, or an error that tells
	// what is wrong. It's called again while bridge may still have something to do: merges, and rows that waited for others.
	Check(ctx context.Context, conn *pgx.Conn) (string, error)
}

// Example is an application with its files: schema.sql, eu.yaml, us.yaml and ap.yaml.
type Example struct {
	Dir string
	// Tables are compared at the end.
	Tables []string
	// Rate is how many transactions an application makes in a second, at most; 0 is a hundred.
	Rate int
	// Parked lets the application's role read bridge.parked.
	Parked bool
	Application
}

// Options say how an example is run.
type Options struct {
	Load time.Duration // how long applications write
	Out  io.Writer
}

var regionNames = []string{"eu", "us", "ap"}

// patience is how long anything may take before the run gives up.
const patience = 2 * time.Minute

// Main is an example's main function. It builds bridge and runs the example from the repository.
func Main(e Example) {
	load := flag.Duration("load", 8*time.Second, "how long the applications write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := BuildAndRun(ctx, e, Options{Load: *load, Out: os.Stdout})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// BuildAndRun builds bridge's executable and runs an example with it. The error is about running it, or says how the
// regions or the invariant went wrong.
func BuildAndRun(ctx context.Context, e Example, o Options) error {
	dir, err := os.MkdirTemp("", "bridge-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	bridge := filepath.Join(dir, "bridge")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bridge, "bridge/cmd/bridge").CombinedOutput(); err != nil {
		return fmt.Errorf("build bridge: %w\n%s", err, out)
	}
	return run(ctx, e, o, bridge)
}

// mesh is all that runs.
type mesh struct {
	Example
	Options
	bridge  string // path of its executable
	dir     string // bridge's logs and the broker's files
	broker  *embedded.Broker
	regions []*region
}

func run(ctx context.Context, e Example, o Options, bridge string) (err error) {
	if e.Dir, err = filepath.Abs(e.Dir); err != nil {
		return err
	}
	if e.Rate == 0 {
		e.Rate = 100
	}
	m := &mesh{Example: e, Options: o, bridge: bridge}
	defer func() { err = errors.Join(err, m.close()) }()
	if err := m.start(ctx); err != nil {
		return err
	}
	if err := m.load(ctx); err != nil {
		return err
	}
	return m.verify(ctx)
}

func (m *mesh) start(ctx context.Context) (err error) {
	if m.dir, err = testserver.NewDir("example"); err != nil {
		return err
	}
	if m.broker, err = embedded.Start(embedded.Options{Dir: filepath.Join(m.dir, "broker")}); err != nil {
		return err
	}
	for _, name := range regionNames {
		m.regions = append(m.regions, &region{name: name, mesh: m})
	}
	for _, step := range []func(*region, context.Context) error{(*region).startServer, (*region).setUp, (*region).startBridge} {
		if err := m.each(ctx, step); err != nil {
			return err
		}
	}
	fmt.Fprintf(m.Out, "Three regions run, of PostgreSQL %d, with the files of %s.\n", m.regions[0].server.Version(), m.Dir)
	return nil
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

// load writes in all regions. In the middle third one bridge is dead, so that much comes to conflict.
func (m *mesh) load(ctx context.Context) error {
	until, stop := context.WithTimeout(ctx, m.Load)
	defer stop()
	group, running := errgroup.WithContext(ctx)
	seed := rand.Uint64()
	fmt.Fprintf(m.Out, "Applications write for %s (seed %d). Of that a third without the bridge of %s, which is killed.\n", m.Load, seed, m.regions[2].name)
	for i, r := range m.regions {
		group.Go(func() error {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			pace := time.NewTicker(time.Second / time.Duration(m.Rate))
			defer pace.Stop()
			for ; until.Err() == nil; r.transactions++ {
				<-pace.C
				if err := m.Transaction(running, r.name, r.conn, rng); err != nil {
					return fmt.Errorf("the application in %s: %w", r.name, err)
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		third := time.After(m.Load / 3)
		select {
		case <-third:
		case <-running.Done():
			return nil
		}
		m.regions[2].bridge.Kill()
		select {
		case <-time.After(m.Load / 3):
		case <-running.Done():
			return nil
		}
		return m.regions[2].bridge.Start(running)
	})
	return group.Wait()
}

// verify waits until every region has everything and looks at the tables.
func (m *mesh) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not everything arrived within %s", patience))
	defer cancel()
	if err := m.each(ctx, (*region).finish); err != nil {
		return err
	}
	if err := m.each(ctx, (*region).waitForAll); err != nil {
		return err
	}
	for {
		said, err := m.look(ctx)
		if err == nil {
			_, err = io.WriteString(m.Out, said)
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// look compares the regions and checks the invariant, once.
func (m *mesh) look(ctx context.Context) (string, error) {
	var said strings.Builder
	if err := m.compare(ctx, &said); err != nil {
		return "", err
	}
	for _, r := range m.regions {
		sentence, err := m.Check(ctx, r.conn)
		if err != nil {
			return "", fmt.Errorf("the invariant is broken in region %s: %w", r.name, err)
		}
		conflicts, err := r.value(ctx, "SELECT count(*)::text FROM bridge.conflicts")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&said, "%s: %d transactions here, %s conflicts decided. %s\n", r.name, r.transactions, conflicts, sentence)
	}
	return said.String(), nil
}

// compare wants the same rows everywhere.
func (m *mesh) compare(ctx context.Context, said io.Writer) error {
	for _, table := range m.Tables {
		first := ""
		for i, r := range m.regions {
			digest, err := r.value(ctx, "SELECT count(*) || ' rows, ' || md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM "+table+" t")
			if err != nil {
				return err
			}
			if i == 0 {
				first = digest
			} else if digest != first {
				return fmt.Errorf("table %s: %s has %s, %s has %s", table, m.regions[0].name, first, r.name, digest)
			}
		}
		fmt.Fprintf(said, "Table %s is equal in all regions: %s.\n", table, first)
	}
	return nil
}

// close ends everything.
func (m *mesh) close() error {
	var errs []error
	for _, r := range m.regions {
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
