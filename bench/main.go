package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// options are the command line.
type options struct {
	only, brokers, out, profiles string
	runs, postgres               int
	quick, skipApplied           bool
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "`parts` to measure, such as a1,b; a is a1, a2 and a3, m all of MySQL and MariaDB (default all)")
	flag.StringVar(&o.brokers, "brokers", "embedded,kafka", "brokers to measure bridge with")
	flag.IntVar(&o.runs, "runs", 3, "measurements of each thing; the median counts")
	flag.IntVar(&o.postgres, "postgres", 15, "major `version` of both PostgreSQL servers: 15 or 18")
	flag.BoolVar(&o.skipApplied, "skip-applied", false, "measure each bridge also with database.skip_applied, which needs -postgres 18")
	flag.BoolVar(&o.quick, "quick", false, "tiny sizes: shows that everything works, and no figure of use")
	flag.StringVar(&o.out, "out", "", "`file` for the results (default bench/results.json when nothing is left out)")
	flag.StringVar(&o.profiles, "cpuprofile", "", "`directory` for CPU profiles of both bridges in the parts a, m1, m2 and m4")
	flag.Parse()
	if o.out == "" && o.only == "" && o.brokers == "embedded,kafka" && o.postgres == 15 && !o.skipApplied && !o.quick {
		o.out = filepath.Join("bench", "results.json")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench starts all servers, measures, and reports. Results that were had before an error are printed, too.
func bench(ctx context.Context, o options, out, progress io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "bridge-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	bin := filepath.Join(dir, "bridge")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "bridge/cmd/bridge").CombinedOutput(); err != nil {
		return fmt.Errorf("build bridge: %w\n%s", err, text)
	}
	m := &meter{sizes: full, runs: o.runs, profiles: o.profiles, progress: progress, dir: dir}
	if o.quick {
		m.sizes = quick
	}
	if o.only != "" {
		m.parts = strings.Split(o.only, ",")
	}
	kafka := &apache{}
	defer func() { err = errors.Join(err, kafka.Close()) }()
	for name := range strings.SplitSeq(o.brokers, ",") {
		switch name {
		case "embedded":
			m.bridges = append(m.bridges, &bridge{bin: bin, dir: dir, broker: &embedded{bin: bin, dir: dir}})
		case "kafka":
			m.bridges = append(m.bridges, &bridge{bin: bin, dir: dir, broker: kafka})
		default:
			return fmt.Errorf("-brokers: %q is neither embedded nor kafka", name)
		}
	}
	if o.skipApplied {
		for _, b := range m.bridges {
			skips := *b
			skips.skipApplied = true
			m.bridges = append(m.bridges, &skips)
		}
	}
	if m.servers, err = startServers(ctx, o.postgres); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.servers.Close()) }()
	failed := m.run(ctx)
	if err := errors.Join(failed, printResults(out, m.results)); err != nil || o.out == "" {
		return err
	}
	return writeResults(o.out, m.results)
}
