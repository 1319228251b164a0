package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// bridge is the contestant: a process beside each database, and a broker between.
type bridge struct {
	bin    string
	dir    string // for configurations
	broker broker
	// skipApplied is database.skip_applied.
	skipApplied bool

	source, target *region
	peak           float64 // megabytes resident of the larger of the last two processes
	steps          string  // how many records, batches and barriers the last measurement took
}

// region is one of the two bridges.
type region struct {
	name    string
	config  string
	process *process
	http    string
}

func (b *bridge) Name() string { return "bridge, " + b.variant() }

// variant tells bridges apart.
func (b *bridge) variant() string {
	if b.skipApplied {
		return b.broker.Name() + ", skip_applied"
	}
	return b.broker.Name()
}

// slot must differ from the other measurements' on the same server.
func (b *bridge) slot(p *pair) string { return "bridge_" + p.name }

func (b *bridge) Prepare(ctx context.Context, p *pair) error {
	b.source, b.target, b.peak = nil, nil, 0
	addr, err := b.broker.Start(ctx)
	if err != nil {
		return err
	}
	if b.source, err = b.set(ctx, p, p.source, "source", addr); err != nil {
		return err
	}
	b.target, err = b.set(ctx, p, p.target, "target", addr)
	return err
}

// The log is JSON for the sake of bridgeListens. Everything else that isn't named has its default.
const configuration = `cluster: %s
region: %s
%s
kafka: {brokers: ["%s"], replication_factor: 1, min_insync_replicas: 1}
regions: {source: {}, target: {}}
conflicts: {default: last_write_wins}
http: {listen: "127.0.0.1:0", pprof: true}
log: {format: json}
`

// set writes a region's configuration and runs bridge init.
func (b *bridge) set(ctx context.Context, p *pair, d side, name, addr string) (*region, error) {
	r := &region{name: name, config: filepath.Join(b.dir, p.name+"-"+name+".yaml")}
	section := d.section(b.slot(p))
	if b.skipApplied {
		section = strings.TrimSuffix(section, "}") + ", skip_applied: true}"
	}
	text := fmt.Sprintf(configuration, p.name, name, section, addr)
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, b.bin, "init", "--no-verify", "-c", r.config).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("bridge init of region %s: %w\n%s", name, err, out)
	}
	return r, nil
}

// Start brings up the target's bridge first, and the source's when that is ready: a process's start is
// no part of the measurement, as a server's and its apply launcher's isn't on the native side.
func (b *bridge) Start(ctx context.Context, p *pair) (time.Time, error) {
	if err := b.run(ctx, b.target); err != nil {
		return time.Time{}, err
	}
	if err := b.target.waitReady(ctx); err != nil {
		return time.Time{}, err
	}
	if err := b.run(ctx, b.source); err != nil {
		return time.Time{}, err
	}
	return p.WaitActive(ctx, b.slot(p))
}

var bridgeListens = regexp.MustCompile(`"msg":"bridge starts".*"http":"([^"]+)"`)

func (b *bridge) run(ctx context.Context, r *region) (err error) {
	r.process, r.http, err = startProcess(ctx, "bridge of region "+r.name, bridgeListens, b.bin, "run", "-c", r.config)
	return err
}

func (r *region) waitReady(ctx context.Context) error {
	err := poll(ctx, 10*time.Millisecond, func() (bool, error) {
		select {
		case <-r.process.done:
			return false, r.process.err
		default:
		}
		_, err := r.get(ctx, "/readyz")
		return err == nil, nil // an error now says that it isn't ready yet
	})
	if err != nil {
		return fmt.Errorf("bridge of region %s isn't ready: %w\n%s", r.name, err, r.process.Log())
	}
	return nil
}

// Stop ends the bridges and the broker. Before they go it takes their memory's high-water mark.
func (b *bridge) Stop(*pair) error {
	var errs []error
	b.steps = b.countSteps()
	for _, r := range []*region{b.source, b.target} {
		if r == nil || r.process == nil {
			continue
		}
		peak, err := r.process.PeakMemory()
		b.peak = max(b.peak, peak)
		errs = append(errs, err, r.process.Stop())
	}
	return errors.Join(errors.Join(errs...), b.broker.Stop())
}

// countSteps tells how well the work was batched, as far as the bridges still answer.
func (b *bridge) countSteps() string {
	if b.source == nil || b.source.process == nil || b.target == nil || b.target.process == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return fmt.Sprintf("%.0f records, %.0f batches, %.0f barriers, %.0f replays",
		b.source.counter(ctx, "bridge_published_records_total"), b.target.counter(ctx, "bridge_applied_batches_total"),
		b.target.counter(ctx, "bridge_barriers_total"), b.target.counter(ctx, "bridge_replays_total"))
}

// counter is the value of a metric without labels; NaN if it can't be had.
func (r *region) counter(ctx context.Context, name string) float64 {
	text, err := r.get(ctx, "/metrics")
	if err != nil {
		return math.NaN()
	}
	_, rest, found := strings.Cut("\n"+string(text), "\n"+name+" ")
	line, _, _ := strings.Cut(rest, "\n")
	value, err := strconv.ParseFloat(line, 64)
	if !found || err != nil {
		return math.NaN()
	}
	return value
}

// state is what both bridges say of themselves, for the message of a measurement that failed.
func (b *bridge) state(ctx context.Context, _ *pair) string {
	var all strings.Builder
	for _, r := range []*region{b.source, b.target} {
		if r == nil || r.process == nil {
			continue
		}
		fmt.Fprintf(&all, "region %s said:\n%s", r.name, r.process.Log())
		if status, err := r.get(ctx, "/status"); err == nil {
			fmt.Fprintf(&all, "and its status is %s\n", status)
		}
	}
	return all.String()
}

// get is the answer of one of the bridge's endpoints.
func (r *region) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.http+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("bridge of region %s answers %s to %s", r.name, answer.Status, path)
	}
	return body, err
}
