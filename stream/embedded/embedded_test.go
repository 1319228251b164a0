package embedded_test

import (
	"strings"
	"testing"

	"bridge/stream/embedded"
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

func TestOneBrokerPerDirectory(t *testing.T) {
	dir := t.TempDir()
	start(t, embedded.Options{Dir: dir})
	if _, err := embedded.Start(embedded.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second broker: %v", err)
	}
}
