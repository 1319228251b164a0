package testserver

import (
	"context"
	"errors"
	"sync"
	"syscall"
)

var errClosed = errors.New("server was closed")

// lifecycle is the part of a server that goes up and down. It's down at first.
type lifecycle struct {
	run func(context.Context) (*process, error) // starts the server on what it has on disk

	mu     sync.Mutex
	proc   *process // nil while it's down
	closed bool
}

func (l *lifecycle) start(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	if l.proc != nil {
		return nil
	}
	var err error
	l.proc, err = l.run(ctx)
	return err
}

// stop asks the server by a signal to stop, and waits until it has.
func (l *lifecycle) stop(ctx context.Context, s syscall.Signal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proc == nil {
		return nil
	}
	if err := l.proc.signal(ctx, s); err != nil {
		return err
	}
	l.proc = nil
	return nil
}

// kill ends the server at once.
func (l *lifecycle) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proc != nil {
		l.proc.kill()
		l.proc = nil
	}
}

// close ends the server for good; it tells whether this call is the first.
func (l *lifecycle) close() (first bool) {
	l.kill()
	l.mu.Lock()
	defer l.mu.Unlock()
	first = !l.closed
	l.closed = true
	return first
}
