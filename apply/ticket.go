package apply

import "context"

// ticket is a batch's place in the order of commits: it's kept by waiting for the one before.
type ticket struct {
	prev *ticket
	done chan struct{} // closed when the batch has ended
	ok   bool          // it has committed; valid once done is closed
}

func newTicket(prev *ticket) *ticket { return &ticket{prev: prev, done: make(chan struct{})} }

// firstTicket stands for everything committed before.
func firstTicket() *ticket {
	t := newTicket(nil)
	t.end(true)
	return t
}

// isNext reports whether the batch before has ended.
func (t *ticket) isNext() bool {
	select {
	case <-t.prev.done:
		return true
	default:
		return false
	}
}

// wait waits for the batch before. If that didn't commit, this one must not either.
func (t *ticket) wait(ctx context.Context) error {
	select {
	case <-t.prev.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *ticket) end(ok bool) {
	t.prev = nil // or the chain would keep every ticket alive
	t.ok = ok
	close(t.done)
}
