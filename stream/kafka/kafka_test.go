package kafka_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"bridge/stream/embedded"
	"bridge/stream/kafka"
)

const limit = 20 * time.Second // before anything counts as hanging

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func broker(t testing.TB, opts ...kfake.Opt) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Kfake: opts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// open opens topic "t" of a broker, made if it's absent. retries counts what was retried.
func open(t testing.TB, b *embedded.Broker, edit ...func(*kafka.Config)) (l *kafka.Log, retries *atomic.Int32) {
	t.Helper()
	l, retries = config(t, b, edit...)
	if err := l.EnsureTopic(within(t), kafka.Settings{Retention: -1}); err != nil {
		t.Fatal(err)
	}
	retries.Store(0)
	return l, retries
}

func config(t testing.TB, b *embedded.Broker, edit ...func(*kafka.Config)) (*kafka.Log, *atomic.Int32) {
	t.Helper()
	retries := new(atomic.Int32)
	c := kafka.Config{
		Brokers: []string{b.Addr()}, Topic: "t", BackoffMin: time.Millisecond, BackoffMax: 10 * time.Millisecond,
		OnRetry: func(string, int, error) { retries.Add(1) },
	}
	for _, f := range edit {
		f(&c)
	}
	l, err := kafka.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, retries
}

func add(t testing.TB, l *kafka.Log, values ...string) int64 {
	t.Helper()
	records := make([][]byte, len(values))
	for i, v := range values {
		records[i] = []byte(v)
	}
	first, err := l.Append(within(t), records)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func content(t testing.TB, l *kafka.Log) (values []string) {
	t.Helper()
	ctx := within(t)
	at, end, err := l.Bounds(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for at < end {
		records, err := l.Read(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			values = append(values, string(r.Value))
			at = r.Offset + 1
		}
	}
	return values
}

func wantContent(t testing.TB, l *kafka.Log, want ...string) {
	t.Helper()
	if got := content(t, l); !slices.Equal(got, want) {
		t.Errorf("topic holds %q, want %q", got, want)
	}
}

func TestAppendRetries(t *testing.T) {
	for _, e := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.NotEnoughReplicas, kerr.KafkaStorageError,
		kerr.UnknownTopicOrPartition,
		// The broker takes the records and says that it failed.
		kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend,
		// The broker has forgotten the producer.
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping,
	} {
		t.Run(e.Message, func(t *testing.T) {
			b := broker(t)
			l, retries := open(t, b)
			add(t, l, "a", "b")
			b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: e, Count: 2})
			if first := add(t, l, "c", "d", "e"); first != 2 {
				t.Errorf("first offset %d, want 2", first)
			}
			add(t, l, "f")
			wantContent(t, l, "a", "b", "c", "d", "e", "f")
			if n := retries.Load(); n != 2 {
				t.Errorf("%d retries were told, want 2", n)
			}
		})
	}
}

func TestReadRetries(t *testing.T) {
	for _, e := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.OffsetNotAvailable, kerr.FencedLeaderEpoch, kerr.UnknownTopicOrPartition,
	} {
		b := broker(t)
		l, retries := open(t, b)
		add(t, l, "a")
		b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: e, Count: 2})
		b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: e})
		wantContent(t, l, "a")
		if n := retries.Load(); n != 3 {
			t.Errorf("%s: %d retries were told, want 3", e.Message, n)
		}
	}
}

// lossy is a listener whose connections, when told to, close instead of sending the next answer.
type lossy struct {
	net.Listener
	lose *atomic.Bool
}

type lossyConn struct {
	net.Conn
	lose *atomic.Bool
}

func (l lossy) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return lossyConn{c, l.lose}, err
}

func (c lossyConn) Write(b []byte) (int, error) {
	if c.lose.CompareAndSwap(true, false) {
		c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func TestLostAcknowledgement(t *testing.T) {
	lose := new(atomic.Bool)
	b := broker(t, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return lossy{l, lose}, err
	}))
	l, retries := open(t, b)
	add(t, l, "a")
	produced := b.Cluster().Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: 1,
		When: func(kmsg.Request) bool { lose.Store(true); return true },
	})
	if first := add(t, l, "b", "c"); first != 1 {
		t.Errorf("first offset %d, want 1", first)
	}
	if produced.Hits() != 1 || retries.Load() == 0 {
		t.Errorf("%d requests lost their answer, %d retries", produced.Hits(), retries.Load())
	}
	add(t, l, "d")
	wantContent(t, l, "a", "b", "c", "d")
}

// TestAbandonedAppend: after an append of unknown outcome, other records aren't taken for its
// repetition.
func TestAbandonedAppend(t *testing.T) {
	b := broker(t)
	l, _ := open(t, b)
	add(t, l, "a")
	ctx, cancel := context.WithCancel(t.Context())
	fault := b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: -1})
	go func() {
		fault.Wait(t.Context(), 3)
		cancel()
	}()
	if _, err := l.Append(ctx, [][]byte{[]byte("b")}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "was retrying") {
		t.Errorf("got %v", err)
	}
	fault.Remove()
	add(t, l, "c")
	wantContent(t, l, "a", "b", "c")
}

func TestFinalErrors(t *testing.T) {
	for _, c := range []struct {
		err  *kerr.Error
		says string
	}{
		{kerr.TopicAuthorizationFailed, "grant"},
		{kerr.ClusterAuthorizationFailed, "IDEMPOTENT_WRITE"},
		{kerr.InvalidTopicException, "broker's log"},
		{kerr.PolicyViolation, "broker's log"},
	} {
		b := broker(t)
		l, retries := open(t, b)
		b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce, kmsg.Fetch}, Err: c.err, Count: -1})
		_, errAppend := l.Append(within(t), [][]byte{{1}})
		_, errRead := l.Read(within(t), 0)
		for _, err := range []error{errAppend, errRead} {
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), `topic "t"`) {
				t.Errorf("%s: got %v", c.err.Message, err)
			}
		}
		if retries.Load() != 0 {
			t.Errorf("%s was retried", c.err.Message)
		}
	}
}

// TestBrokerAway: a broker that isn't there is waited for, and named when the wait is over.
func TestBrokerAway(t *testing.T) {
	dir := t.TempDir()
	b, err := embedded.Start(embedded.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	l, _ := open(t, b)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	fresh, retries := config(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 2)
	for _, l := range []*kafka.Log{l, fresh} {
		go func() { _, err := l.Append(ctx, [][]byte{{1}}); failed <- err }()
	}
	for retries.Load() < 3 { // not that the topic is missing
		select {
		case err := <-failed:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	for range 2 {
		if err := <-failed; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), b.Addr()) {
			t.Errorf("got %v", err)
		}
	}
	waiting := make(chan error, 1)
	go func() { _, err := fresh.Append(within(t), [][]byte{[]byte("x")}); waiting <- err }()
	again, err := embedded.Start(embedded.Options{Dir: dir, Listen: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	wantContent(t, l, "x")
}

// TestForeignTransactions: the control records that end somebody's transactions are passed over.
func TestForeignTransactions(t *testing.T) {
	b := broker(t)
	l, _ := open(t, b)
	add(t, l, "a")
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.TransactionalID("x"), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := within(t)
	if err := errors.Join(c.BeginTransaction(), c.ProduceSync(ctx, kgo.StringRecord("b")).FirstErr(), c.EndTransaction(ctx, kgo.TryCommit)); err != nil {
		t.Fatal(err)
	}
	if _, end, err := l.Bounds(ctx); err != nil || end != 3 {
		t.Fatalf("the topic ends at %d, %v; want a, b and a control record", end, err)
	}
	got := make(chan string, 1)
	go func() {
		records, err := l.Read(ctx, 2) // at the control record
		if err != nil {
			t.Error(err)
			got <- ""
			return
		}
		got <- string(records[0].Value)
	}()
	if first := add(t, l, "c"); first != 3 {
		t.Errorf("first offset %d, want 3", first)
	}
	if v := <-got; v != "c" {
		t.Errorf("read %q, want c", v)
	}
	wantContent(t, l, "a", "b", "c")
}
