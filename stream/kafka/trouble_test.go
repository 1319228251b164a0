package kafka

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestTrouble: an append that is being retried tells why, and no longer when it has ended.
func TestTrouble(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	retried := make(chan struct{}, 1)
	l, err := Open(Config{Brokers: []string{"127.0.0.1:1"}, Topic: "bridge.eu", BackoffMin: time.Millisecond, BackoffMax: time.Millisecond,
		OnRetry: func(string, int, error) {
			select {
			case retried <- struct{}{}:
			default:
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Append(ctx, [][]byte{{1}}) //nolint:errcheck // it can't succeed
	}()
	<-retried
	if err := l.Trouble(); err == nil || !strings.Contains(err.Error(), `topic "bridge.eu" at 127.0.0.1:1`) {
		t.Errorf("trouble: %v", err)
	}
	cancel()
	<-done
	if err := l.Trouble(); err != nil {
		t.Errorf("trouble that's over: %v", err)
	}
}
