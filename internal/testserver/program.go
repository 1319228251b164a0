package testserver

import (
	"context"
	"errors"
	"syscall"
)

// ProgramOptions say which program to run and how to know that it serves.
type ProgramOptions struct {
	Name  string // for messages
	Path  string
	Args  []string
	Log   string // file that its output is appended to
	Ready string // it serves when its output has a line that contains this
}

// Program is any other program that ends with this process, such as bridge itself. Its methods are safe
// for use by several goroutines.
type Program struct{ life lifecycle }

// StartProgram runs a program and returns when it serves. ctx limits the start only. If the program ends
// before it serves, the error has the end of its log.
func StartProgram(ctx context.Context, o ProgramOptions) (*Program, error) {
	p := &Program{}
	p.life.run = func(ctx context.Context) (*process, error) {
		return start(ctx, command{
			name: o.Name, path: o.Path, args: o.Args, log: o.Log, ready: o.Ready, atDeath: syscall.SIGKILL,
		})
	}
	return p, p.Start(ctx)
}

// Start starts the program again after Kill, and returns when it serves.
func (p *Program) Start(ctx context.Context) error { return p.life.start(ctx) }

// Kill ends the program by SIGKILL, and returns when it has ended.
func (p *Program) Kill() { p.life.kill() }

// Close asks the program by SIGTERM to end, and kills it if it doesn't. A second Close does nothing.
func (p *Program) Close() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), stopPatience, errors.New("stopPatience"))
	defer cancel()
	err := p.life.stop(ctx, syscall.SIGTERM)
	p.life.close()
	return err
}

// Ended reports whether the program has ended by itself.
func (p *Program) Ended() bool {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	if p.life.proc == nil {
		return false
	}
	select {
	case <-p.life.proc.done:
		return true
	default:
		return false
	}
}

// PID is the program's process id; 0 while it's down.
func (p *Program) PID() int {
	p.life.mu.Lock()
	defer p.life.mu.Unlock()
	if p.life.proc == nil {
		return 0
	}
	return p.life.proc.pid
}

// NewDir makes a directory that goes away with this process, however it ends.
func NewDir(name string) (string, error) { return newServerDir(name, nil) }

// FreePort is a port on loopback that nobody listens on now, from a range that no outgoing connection
// takes ports from. It's given to nobody else in this process.
func FreePort() (int, error) { return freePort() }
