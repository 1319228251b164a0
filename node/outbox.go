package node

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"bridge/stream"
)

// When an append that takes long is told: first in the log, then by not being ready.
const (
	appendIsSlow  = 5 * time.Second
	appendStalled = 30 * time.Second
)

// outbox is the region's own topic, with an eye on how publishing goes. A topic retries by itself while its
// brokers are away, and idle regions send heartbeats: so an append that doesn't end is how a dead
// broker shows.
type outbox struct {
	stream.Log
	log *slog.Logger
	// began is called when the region's first records ever are in the topic, before anything is confirmed to the
	// database; nil if there are some already.
	began func(ctx context.Context, offset int64) error

	mu    sync.Mutex
	since time.Time // when the append under way began; zero when there's none
}

// troubled is a topic that can tell which error it's retrying.
type troubled interface {
	// Trouble is the error of the append under way, nil if it had none.
	Trouble() error
}

// Append is [stream.Log]'s.
func (o *outbox) Append(ctx context.Context, records [][]byte) (int64, error) {
	o.under(time.Now())
	warn := time.AfterFunc(appendIsSlow, func() {
		o.log.Warn("nothing can be published; what's committed here stays in the database's log", "topic", o.Name(), "error", o.trouble())
	})
	offset, err := o.Log.Append(ctx, records)
	told := !warn.Stop()
	o.under(time.Time{})
	if err != nil {
		return offset, err
	}
	if told {
		o.log.Info("publishing goes on", "topic", o.Name())
	}
	if o.began != nil {
		if err := o.began(ctx, offset); err != nil {
			return 0, err
		}
		o.began = nil
	}
	return offset, nil
}

func (o *outbox) under(since time.Time) {
	o.mu.Lock()
	o.since = since
	o.mu.Unlock()
}

func (o *outbox) trouble() error {
	if t, ok := o.Log.(troubled); ok {
		return t.Trouble()
	}
	return nil
}

// stalled is since when an append has been under way that's slow, and the error that it's retrying.
func (o *outbox) stalled() (since time.Time, err error) {
	o.mu.Lock()
	since = o.since
	o.mu.Unlock()
	if since.IsZero() || time.Since(since) < appendIsSlow {
		return time.Time{}, nil
	}
	return since, o.trouble()
}
