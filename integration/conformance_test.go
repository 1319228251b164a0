package integration

import (
	"context"
	"testing"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/stream/streamtest"
)

// TestKafkaConformance runs on Apache Kafka the suite that the embedded broker passes: tests on the one
// tell of the other.
func TestKafkaConformance(t *testing.T) {
	t.Parallel()
	kafka := servertest.Kafka(t, testserver.KafkaOptions{QuickStart: true})
	streamtest.Run(t, func(testing.TB) streamtest.Target {
		return streamtest.Target{Brokers: []string{kafka.Addr()}, Restart: func(t testing.TB) {
			within(t, func(ctx context.Context) error { return kafka.Restart(ctx) })
		}}
	})
}
