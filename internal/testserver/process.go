package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// command is a server's program, and how to know that it serves.
type command struct {
	name    string // for messages
	path    string
	args    []string
	dir     string
	env     []string // nil: this process's
	as      *account
	log     string         // file that its output is appended to
	ready   string         // the server serves when its log has a line that contains this
	atDeath syscall.Signal // what it gets when this process dies
}

// process is a running server.
type process struct {
	command
	pid  int
	done chan struct{} // closed once the process and all children that share its log have ended
	err  error         // of the process; read after done
}

// spawn starts processes on one thread that never ends: the kernel sends the signal at death when the
// thread that started the child is gone, and Go ends threads as it pleases.
var spawn = sync.OnceValue(func() func(*exec.Cmd) error {
	type job struct {
		cmd  *exec.Cmd
		done chan<- error
	}
	jobs := make(chan job)
	go func() {
		runtime.LockOSThread()
		for j := range jobs {
			j.done <- j.cmd.Start()
		}
	}()
	return func(cmd *exec.Cmd) error {
		done := make(chan error)
		jobs <- job{cmd, done}
		return <-done
	}
})

// start runs a server and returns once it serves. When it ends before, or ctx does, the error has the
// end of its log and nothing is left running.
func start(ctx context.Context, c command) (*process, error) {
	log, err := openLog(c.log, c.ready)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", c.name, err)
	}
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	// Not a file but a pipe, so that Wait also waits for the children that have inherited it:
	// PostgreSQL's outlive their postmaster when it's killed, and hold its shared memory.
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes(c.as, c.atDeath)
	if err := spawn()(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", c.name, err), log.Close())
	}
	p := &process{command: c, pid: cmd.Process.Pid, done: make(chan struct{})}
	go func() {
		p.err = errors.Join(cmd.Wait(), log.Close())
		close(p.done)
	}()
	select {
	case <-log.ready:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("%s ended before it served (%v); its log ends:\n%s", c.name, p.err, logTail(c.log))
	case <-ctx.Done():
		p.kill()
		return nil, fmt.Errorf("%s doesn't serve yet (%w); its log ends:\n%s", c.name, context.Cause(ctx), logTail(c.log))
	}
}

// signal sends a signal and waits for the process and its children to end. When ctx ends first, they
// go on.
func (p *process) signal(ctx context.Context, s syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	// The process was started by this one and its end hasn't been seen, so the id is still its own,
	// save for the moment between its end and done.
	if err := syscall.Kill(p.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s doesn't stop (%w); its log ends:\n%s", p.name, context.Cause(ctx), logTail(p.log))
	}
}

// kill ends the process and its children at once and waits until they have.
func (p *process) kill() {
	select {
	case <-p.done:
	default:
		killTree(p.pid)
		<-p.done
	}
}

// run executes a short program, such as initdb, to its end. The error has its output.
func run(ctx context.Context, as *account, path string, args ...string) error {
	return runWithInput(ctx, as, nil, path, args...)
}

// runWithInput is run with something to read.
func runWithInput(ctx context.Context, as *account, input []byte, path string, args ...string) error {
	cmd := exec.Command(path, args...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Dir = "/"
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = attributes(as, syscall.SIGKILL)
	if err := spawn()(cmd); err != nil {
		return fmt.Errorf("start %s: %w", path, err)
	}
	stop := context.AfterFunc(ctx, func() { killTree(cmd.Process.Pid) })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", path, errors.Join(err, context.Cause(ctx)), strings.TrimSpace(output.String()))
	}
	return nil
}

// stopPatience is how long Close waits for a server to stop by itself before it's killed.
const stopPatience = 20 * time.Second
