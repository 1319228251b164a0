package kafka

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestTrouble: a call that is being retried tells why, and no longer when it has ended.
func TestTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		call    func(context.Context, *Log)
		trouble func(*Log) error
	}{
		"append": {func(ctx context.Context, l *Log) { l.Append(ctx, [][]byte{{1}}) }, (*Log).Trouble}, //nolint:errcheck // it can't succeed
		"bounds": {func(ctx context.Context, l *Log) { l.Bounds(ctx) }, (*Log).ReadTrouble},            //nolint:errcheck // nor can it
		"read":   {func(ctx context.Context, l *Log) { l.Read(ctx, 0) }, (*Log).ReadTrouble},           //nolint:errcheck // nor can it
	} {
		t.Run(name, func(t *testing.T) { testTrouble(t, c.call, c.trouble) })
	}
}

func testTrouble(t *testing.T, call func(context.Context, *Log), trouble func(*Log) error) {
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
		call(ctx, l)
	}()
	<-retried
	if err := trouble(l); err == nil || !strings.Contains(err.Error(), `topic "bridge.eu" at 127.0.0.1:1`) {
		t.Errorf("trouble: %v", err)
	}
	cancel()
	<-done
	if err := trouble(l); err != nil {
		t.Errorf("trouble that's over: %v", err)
	}
}
