package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"bridge/internal/testserver"
)

// pgbench is a load in a process of its own: four clients on the source.
type pgbench struct {
	cmd    *exec.Cmd
	output bytes.Buffer
}

// startPgbench starts it with a script, or with pgbench's own when script is empty.
func (m *meter) startPgbench(ctx context.Context, p *pair, script string, args ...string) (*pgbench, error) {
	source, _ := p.postgres()
	server := source.server
	all := []string{"-h", server.SocketDir(), "-p", strconv.Itoa(server.Port()), "-U", testserver.Superuser,
		"-n", "-M", "prepared", "-c", "4", "--random-seed=42"}
	if script != "" {
		file := filepath.Join(m.dir, p.name+".sql")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			return nil, err
		}
		all = append(all, "-f", file)
	}
	b := &pgbench{cmd: exec.CommandContext(ctx, server.Bin("pgbench"), append(append(all, args...), p.name)...)}
	b.cmd.SysProcAttr = diesWithParent()
	b.cmd.Stdout, b.cmd.Stderr = &b.output, &b.output
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("pgbench: %w", err)
	}
	return b, nil
}

var tpsLine = regexp.MustCompile(`(?m)^tps = ([0-9.]+) `)

// wait gives the transactions per second.
func (b *pgbench) wait() (float64, error) {
	if err := b.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, b.output.Bytes())
	}
	m := tpsLine.FindSubmatch(b.output.Bytes())
	if m == nil {
		return 0, fmt.Errorf("pgbench doesn't say its tps:\n%s", b.output.Bytes())
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
