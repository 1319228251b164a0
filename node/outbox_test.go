package node

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"bridge/change"
	"bridge/stream"
)

// stuck is a topic whose appends wait until they're let through.
type stuck struct {
	stream.Log
	arrived, through chan struct{}
}

var errAway = errors.New("the broker is away")

func (s *stuck) Name() string       { return "bridge.eu" }
func (s *stuck) Trouble() error     { return errAway }
func (s *stuck) ReadTrouble() error { return errAway }
func (s *stuck) Append(context.Context, [][]byte) (int64, error) {
	s.arrived <- struct{}{}
	<-s.through
	return 7, nil
}

// TestOutboxStalls: an append that's slow shows, first in the status, then by the region not being ready.
func TestOutboxStalls(t *testing.T) {
	log := &stuck{arrived: make(chan struct{}), through: make(chan struct{})}
	o := &outbox{Log: log, log: slog.New(slog.DiscardHandler)}
	done := make(chan error)
	go func() {
		_, err := o.Append(context.Background(), nil)
		done <- err
	}()
	<-log.arrived
	for _, tc := range []struct {
		ago    time.Duration
		stalls bool
		ready  bool
	}{{0, false, true}, {appendIsSlow, true, true}, {appendStalled, true, false}} {
		o.under(time.Now().Add(-tc.ago), o.trouble)
		since, err := o.stalled()
		if tc.stalls != !since.IsZero() || tc.stalls != errors.Is(err, errAway) {
			t.Errorf("after %s: stalled since %s, %v", tc.ago, since, err)
		}
		if s := (&Status{Phase: Running, StalledSince: since}); s.Ready() != tc.ready {
			t.Errorf("after %s: ready is %t", tc.ago, s.Ready())
		}
	}
	log.through <- struct{}{}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if since, err := o.stalled(); !since.IsZero() || err != nil {
		t.Errorf("stalled since %s, %v although it's over", since, err)
	}
}

// TestFirstAppendIsRemembered: that a region has published is durable before the append is acknowledged to capture,
// which then lets the database's log go.
func TestFirstAppendIsRemembered(t *testing.T) {
	log := &stuck{arrived: make(chan struct{}, 3), through: make(chan struct{}, 3)}
	for range 3 {
		log.through <- struct{}{}
	}
	failing := errors.New("can't be written")
	var calls []int64
	o := &outbox{Log: log, log: slog.New(slog.DiscardHandler), began: func(_ context.Context, offset int64) error {
		if calls = append(calls, offset); len(calls) == 1 {
			return failing
		}
		return nil
	}}
	if _, err := o.Append(t.Context(), nil); !errors.Is(err, failing) {
		t.Errorf("acknowledged: %v", err)
	}
	for range 2 {
		if _, err := o.Append(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	if len(calls) != 2 || calls[1] != 7 {
		t.Errorf("remembered %v", calls)
	}
}

func TestClockAhead(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]time.Duration{time.Hour: 0, 0: 0, -2 * time.Hour: 2 * time.Hour} {
		if got := clockAhead(change.TimestampOf(now.Add(-ago)), now); got != want {
			t.Errorf("%s ago: %s ahead", ago, got)
		}
	}
	if got := clockAhead(0, now); got != 0 {
		t.Errorf("a clock that hasn't begun is %s ahead", got)
	}
}
