// Package streamtest is the conformance suite of [stream.Log]: what bridge relies on, tried on a
// running broker.
package streamtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"bridge/stream"
	"bridge/stream/kafka"
)

// Target is a broker, or a cluster, to try.
type Target struct {
	Brokers []string
	// Restart stops the broker and starts it again with its data at the same address. Without it the
	// tests that need it don't exist.
	Restart func(testing.TB)
}

// Limit is how long anything in the suite may take before it counts as hanging.
const Limit = 2 * time.Minute

// maxMessage is the topics' limit in the suite.
const maxMessage = 256 << 10

// Run runs the suite. start is called once per test and may return the same broker each time: every
// test has a topic of its own.
func Run(t *testing.T, start func(testing.TB) Target) {
	for _, c := range []struct {
		name     string
		restarts bool
		test     func(*fixture)
	}{
		{"OrderAndOffsets", false, orderAndOffsets},
		{"Codecs", false, codecs},
		{"ReadWakesOnAppend", false, readWakesOnAppend},
		{"ReadEndsWithContext", false, readEndsWithContext},
		{"CloseEndsCalls", false, closeEndsCalls},
		{"BeyondTheEnd", false, beyondTheEnd},
		{"BeforeTheOldest", false, beforeTheOldest},
		{"TooLarge", false, tooLarge},
		{"MoreThanABatch", false, moreThanABatch},
		{"LargeVolume", false, largeVolume},
		{"ConcurrentReaders", false, concurrentReaders},
		{"ConcurrentAppends", false, concurrentAppends},
		{"MissingTopic", false, missingTopic},
		{"ManyPartitions", false, manyPartitions},
		{"RestartKeepsRecords", true, restartKeepsRecords},
		{"RestartDuringAppends", true, restartDuringAppends},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := start(t)
			if c.restarts && target.Restart == nil {
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), Limit)
			t.Cleanup(cancel)
			c.test(&fixture{T: t, ctx: ctx, target: target, topic: fmt.Sprintf("streamtest.%s.%d", strings.ToLower(c.name), rand.Uint32())})
		})
	}
}

// fixture is one test's broker and topic.
type fixture struct {
	*testing.T
	ctx    context.Context
	target Target
	topic  string
}

// config is how the fixture's logs are opened.
func (f *fixture) config() kafka.Config {
	return kafka.Config{
		Brokers: f.target.Brokers, Topic: f.topic, MaxMessageBytes: maxMessage,
		BackoffMax: 200 * time.Millisecond, MissingTopicTimeout: 5 * time.Second,
	}
}

// open opens the topic, made if it's absent.
func (f *fixture) open() *kafka.Log {
	f.Helper()
	return f.openWith(f.config())
}

func (f *fixture) openWith(c kafka.Config) *kafka.Log {
	f.Helper()
	l, err := kafka.Open(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	if err := l.EnsureTopic(f.ctx, kafka.Settings{Retention: -1}); err != nil {
		f.Fatal(err)
	}
	return l
}

func (f *fixture) append(l stream.Log, values ...string) (first int64) {
	f.Helper()
	records := make([][]byte, len(values))
	for i, v := range values {
		records[i] = []byte(v)
	}
	first, err := l.Append(f.ctx, records)
	if err != nil {
		f.Fatal(err)
	}
	return first
}

// read reads n records from an offset on and checks that their offsets have no gap.
func (f *fixture) read(l stream.Log, from int64, n int) (values []string) {
	f.Helper()
	for len(values) < n {
		records, err := l.Read(f.ctx, from)
		if err != nil {
			f.Fatalf("after %d of %d records: %v", len(values), n, err)
		}
		if len(records) == 0 {
			f.Fatal("Read returned nothing and no error")
		}
		for _, r := range records {
			if r.Offset != from {
				f.Fatalf("offset %d, want %d", r.Offset, from)
			}
			from++
			values = append(values, string(r.Value))
		}
	}
	return values
}

// bounds checks the topic's bounds.
func (f *fixture) bounds(l stream.Log, oldest, next int64) {
	f.Helper()
	o, n, err := l.Bounds(f.ctx)
	if err != nil || o != oldest || n != next {
		f.Errorf("bounds %d to %d, %v; want %d to %d", o, n, err, oldest, next)
	}
}

func numbered(from, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("record %d", from+i)
	}
	return values
}

// random is n bytes that don't compress.
func random(n int) string {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return string(b)
}

// request sends a request that bridge itself never sends.
func (f *fixture) request(req kmsg.Request) kmsg.Response {
	f.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(f.target.Brokers...))
	if err != nil {
		f.Fatal(err)
	}
	defer c.Close()
	res, err := c.Request(f.ctx, req)
	if err != nil {
		f.Fatal(err)
	}
	return res
}
