package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// binary is bridge, whose processes the demo starts.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bridge-demo-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	binary = filepath.Join(dir, "bridge")
	if out, err := exec.Command("go", "build", "-o", binary, "bridge/cmd/bridge").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build bridge: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// regions are a demo's regions of the given engines.
func regions(engines ...Engine) (all []Region) {
	for i, e := range engines {
		all = append(all, Region{Name: []string{"eu", "us", "ap"}[i], Engine: e})
	}
	return all
}

// Whole demos, as short as they can be, told to a log.
func TestDemo(t *testing.T) {
	for _, engines := range [][]Engine{{PostgreSQL, PostgreSQL, PostgreSQL}, {PostgreSQL, MySQL}, {MariaDB, MySQL}} {
		t.Run(fmt.Sprint(engines), func(t *testing.T) { testDemo(t, regions(engines...)) })
	}
}

func testDemo(t *testing.T, regions []Region) {
	var out bytes.Buffer
	result, err := Run(t.Context(), Options{Bridge: binary, Regions: regions, Load: MinLoad, Rate: 30, Out: &out})
	if t.Log(out.String()); err != nil {
		t.Fatal(err)
	}
	if !result.Equal || len(result.Tables) != len(tables) || result.CatchUp <= 0 {
		t.Errorf("%+v", result)
	}
	for i, r := range regions {
		n := result.Transactions[r.Name]
		if n == 0 || result.Tables[0].Rows[i] < n {
			t.Errorf("region %s: %d transactions acknowledged, %d orders", r.Name, n, result.Tables[0].Rows[i])
		}
	}
	last := regions[len(regions)-1].Name
	for _, want := range []string{"kill -9", "The bridge of " + last + " is started again", "the regions equal?", "Equal. "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q isn't told", want)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("ANSI sequences in a log")
	}
	gone(t, out.String())
}

// Ctrl-C in the middle leaves nothing behind.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &trigger{at: "kill -9", do: cancel}
	_, err := Run(ctx, Options{Bridge: binary, Regions: regions(PostgreSQL, PostgreSQL), Load: MinLoad, Rate: 30, Out: out})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v after:\n%s", err, out.String())
	}
	gone(t, out.String())
}

// trigger acts when something is told.
type trigger struct {
	bytes.Buffer
	at string
	do func()
}

func (b *trigger) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(b.at)) {
		b.do()
	}
	return b.Buffer.Write(p)
}

// gone checks that a demo's processes and files don't outlive it.
func gone(t *testing.T, told string) {
	t.Helper()
	bridges := regexp.MustCompile(`-c (\S+) \(process (\d+)`).FindAllStringSubmatch(told, -1)
	if len(bridges) == 0 {
		t.Error("no bridge was told of")
	}
	for _, b := range bridges {
		if _, err := os.Stat(filepath.Dir(b[1])); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", b[1], err)
		}
		if line, err := os.ReadFile("/proc/" + b[2] + "/cmdline"); err == nil && bytes.Contains(line, []byte(b[1])) {
			t.Errorf("process %s still runs", b[2])
		}
	}
}
