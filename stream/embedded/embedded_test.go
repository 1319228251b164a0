package embedded_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"bridge/stream/embedded"
	"bridge/stream/kafka"
	"bridge/stream/streamtest"
)

func start(t testing.TB, o embedded.Options) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestConformance(t *testing.T) {
	streamtest.Run(t, func(t testing.TB) streamtest.Target {
		o := embedded.Options{Dir: t.TempDir()}
		b := start(t, o)
		o.Listen = b.Addr()
		return streamtest.Target{Brokers: []string{b.Addr()}, Restart: func(t testing.TB) {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := embedded.Start(o)
			if err != nil {
				t.Fatal(err)
			}
			*b = *again // the test's cleanup closes the one that runs
		}}
	})
}

func TestCloseTwice(t *testing.T) {
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOneBrokerPerDirectory(t *testing.T) {
	dir := t.TempDir()
	start(t, embedded.Options{Dir: dir})
	if _, err := embedded.Start(embedded.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second broker: %v", err)
	}
}

// TestRetention: a topic, and with it the broker's memory, stays bounded, also after a restart.
func TestRetention(t *testing.T) {
	o := embedded.Options{Dir: t.TempDir(), RetentionBytes: 1 << 20, RetentionCheck: 20 * time.Millisecond}
	ctx, cancel := context.WithTimeout(t.Context(), streamtest.Limit)
	defer cancel()
	for range 2 {
		b, err := embedded.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		l, err := kafka.Open(kafka.Config{Brokers: []string{b.Addr()}, Topic: "t", Compression: kafka.None})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.EnsureTopic(ctx, kafka.Settings{Retention: -1}); err != nil {
			t.Fatal(err)
		}
		old, _, err := l.Bounds(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			if _, err := l.Append(ctx, [][]byte{make([]byte, 100<<10)}); err != nil {
				t.Fatal(err)
			}
		}
		for oldest, next := old, int64(0); oldest < next-12 || next == 0; {
			if oldest, next, err = l.Bounds(ctx); err != nil {
				t.Fatal(err)
			}
		}
		l.Close()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
