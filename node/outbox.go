package node

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bridge/stream"
)

// When publishing that takes long is told: first in the log, then by not being ready.
const (
	appendIsSlow  = 5 * time.Second
	appendStalled = 30 * time.Second
)

// errInvisible is why nothing is published while a synchronous standby is away.
var errInvisible = errors.New("commits in this region's database wait for a standby (PostgreSQL's synchronous_standby_names, MySQL's semi-sync), and nobody sees them before it has answered")

// outbox is the region's own topic, with an eye on how publishing goes. A topic retries by itself while its
// brokers are away, and idle regions send heartbeats: so an append that doesn't end is how a dead
// broker shows. A synchronous standby that doesn't answer holds publishing up as well.
type outbox struct {
	stream.Log
	source interface {
		Visible(ctx context.Context, xids []uint32) (bool, error)
	}
	log *slog.Logger
	// began is called when the region's first records ever are in the topic, before anything is confirmed to the
	// database; nil if there are some already.
	began func(ctx context.Context, offset int64) error

	mu     sync.Mutex
	since  time.Time    // when what is under way began; zero when nothing is
	reason func() error // why it isn't done yet, nil if that isn't known
}

// troubled is a topic that can tell which errors it's retrying.
type troubled interface {
	// Trouble is the error of the append under way, nil if it had none.
	Trouble() error
	// ReadTrouble is the error of another call under way, nil if it had none.
	ReadTrouble() error
}

// Append is [stream.Log]'s.
func (o *outbox) Append(ctx context.Context, records [][]byte) (int64, error) {
	done := o.watch(o.trouble)
	offset, err := o.Log.Append(ctx, records)
	done(err)
	if err != nil {
		return offset, err
	}
	if o.began != nil {
		if err := o.began(ctx, offset); err != nil {
			return 0, err
		}
		o.began = nil
	}
	return offset, nil
}

// visible waits until everybody in the database sees the transactions: see [capture.Config].
func (o *outbox) visible(ctx context.Context, xids []uint32) error {
	seen, err := o.source.Visible(ctx, xids)
	if seen || err != nil {
		return err
	}
	done := o.watch(func() error { return errInvisible })
	for pause := time.Millisecond; !seen && err == nil; pause = min(2*pause, 50*time.Millisecond) {
		select {
		case <-time.After(pause):
			seen, err = o.source.Visible(ctx, xids)
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	done(err)
	return err
}

// watch has an eye on something that publishing waits for, until done is called with its outcome.
func (o *outbox) watch(reason func() error) (done func(err error)) {
	o.under(time.Now(), reason)
	warn := time.AfterFunc(appendIsSlow, func() {
		o.log.Warn("nothing can be published; what's committed here stays in the database's log", "topic", o.Name(), "error", reason())
	})
	return func(err error) {
		told := !warn.Stop()
		o.under(time.Time{}, nil)
		if told && err == nil {
			o.log.Info("publishing goes on", "topic", o.Name())
		}
	}
}

func (o *outbox) under(since time.Time, reason func() error) {
	o.mu.Lock()
	o.since, o.reason = since, reason
	o.mu.Unlock()
}

func (o *outbox) trouble() error {
	if t, ok := o.Log.(troubled); ok {
		return t.Trouble()
	}
	return nil
}

// stalled is since when publishing has been held up, and by what.
func (o *outbox) stalled() (since time.Time, err error) {
	o.mu.Lock()
	since, reason := o.since, o.reason
	o.mu.Unlock()
	if since.IsZero() || time.Since(since) < appendIsSlow {
		return time.Time{}, nil
	}
	return since, reason()
}
