package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// process is a bridge command that goes on until it's told to stop.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error // read after done

	mu  sync.Mutex
	log bytes.Buffer
}

// startProcess runs bin and returns with the submatch once ready matches a line of its standard error.
func startProcess(ctx context.Context, name string, ready *regexp.Regexp, bin string, args ...string) (*process, string, error) {
	p := &process{name: name, cmd: exec.Command(bin, args...), done: make(chan struct{})}
	p.cmd.SysProcAttr = diesWithParent()
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, "", err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("start %s: %w", name, err)
	}
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if m := ready.FindSubmatch(lines.Bytes()); m != nil {
				select {
				case found <- string(m[1]):
				default:
				}
			}
			p.mu.Lock()
			p.log.Write(append(lines.Bytes(), '\n'))
			p.mu.Unlock()
		}
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	select {
	case got := <-found:
		return p, got, nil
	case <-p.done:
		return nil, "", fmt.Errorf("%s ended (%v):\n%s", name, p.err, p.Log())
	case <-ctx.Done():
		return nil, "", errors.Join(context.Cause(ctx), p.Stop())
	}
}

// Stop asks the process to end and waits; one that doesn't is killed, which is an error.
func (p *process) Stop() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s had ended by itself (%v):\n%s", p.name, p.err, p.Log())
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be ending
	select {
	case <-p.done:
		return nil
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s didn't stop and was killed:\n%s", p.name, p.Log())
	}
}

// Log is the end of what the process has said.
func (p *process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.log.Bytes()
	return string(all[max(0, len(all)-4096):])
}

var peakLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// PeakMemory is the most memory that the process has had resident so far, in megabytes (10^6 bytes).
// It's the kernel's count (VmHWM) and exists on Linux only.
func (p *process) PeakMemory() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory of %s: %w", p.name, err)
	}
	m := peakLine.FindSubmatch(status)
	if m == nil {
		return 0, fmt.Errorf("memory of %s: no VmHWM in its /proc status", p.name)
	}
	kib, err := strconv.ParseFloat(string(m[1]), 64)
	return kib * 1024 / 1e6, err
}
