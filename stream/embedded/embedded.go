// Package embedded runs a Kafka broker inside this process: one node, its data in a directory, no
// Java. It's for demos, tests, and trying bridge out; production belongs on replicated brokers.
//
// It's franz-go's kfake, which speaks the real protocol, so the same client code meets it that meets
// Apache Kafka. What it lacks: replicas, elections, and quotas.
package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Options say how to run a broker. Zero fields stand for the defaults.
type Options struct {
	// Dir holds the data and survives restarts. Empty: a temporary directory, removed by Close.
	Dir string
	// Listen is the address to listen on, and the one that clients are told; default 127.0.0.1 and a
	// free port.
	Listen string
	// SyncWrites makes every append survive a power failure, not only a crash of the process.
	SyncWrites bool
	// RetentionBytes bounds each topic, and with it memory, which holds some 80 bytes per batch;
	// default 256 MiB, give or take a sixteenth. Oldest records go first.
	RetentionBytes int64
	// RetentionCheck is how often expired records are looked for; default 10s.
	RetentionCheck time.Duration
	// Logger takes the broker's warnings and errors; nil drops them.
	Logger *slog.Logger

	// Kfake are further options, for tests.
	Kfake []kfake.Opt
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	addr    string
	lock    *os.File
	remove  string

	stop, stopped chan struct{}
	close         func() error
}

// maxMessageBytes is the broker's limit for topics that set none. Topics may set higher ones.
const maxMessageBytes = 1 << 20

// Start runs a broker until Close. A directory serves one broker at a time.
func Start(o Options) (*Broker, error) {
	b := &Broker{}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "bridge-broker-")
		if err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		o.Dir, b.remove = dir, dir
	}
	if err := b.start(o); err != nil {
		b.cleanUp()
		return nil, fmt.Errorf("embedded broker in %s: %w", o.Dir, err)
	}
	return b, nil
}

func (b *Broker) start(o Options) (err error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.RetentionBytes == 0 {
		o.RetentionBytes = 256 << 20
	}
	if o.RetentionCheck == 0 {
		o.RetentionCheck = 10 * time.Second
	}
	if b.lock, err = lockDir(o.Dir); err != nil {
		return err
	}
	b.cluster, err = kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1),
		kfake.DataDir(o.Dir),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, o.Listen) }),
		kfake.WithLogger(logger{o.Logger}),
		kfake.BrokerConfigs(map[string]string{
			"message.max.bytes":   strconv.Itoa(maxMessageBytes),
			"log.segment.bytes":   strconv.FormatInt(segmentBytes(o.RetentionBytes), 10),
			"log.retention.bytes": strconv.FormatInt(o.RetentionBytes, 10),
		}),
		syncWrites(o.SyncWrites),
	}, o.Kfake...)...)
	if err != nil {
		return err
	}
	b.addr = b.cluster.ListenAddrs()[0]
	b.stop, b.stopped = make(chan struct{}), make(chan struct{})
	b.close = sync.OnceValue(b.shutDown)
	go b.retain(o.RetentionCheck)
	return nil
}

// retain drops expired records now and then. kfake would do it by itself, but not for the topics that
// it found when it started.
func (b *Broker) retain(every time.Duration) {
	defer close(b.stopped)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.cluster.ApplyRetention()
		case <-b.stop:
			return
		}
	}
}

// segmentBytes is the size of a log's files. What has expired is freed by the file.
func segmentBytes(retention int64) int64 {
	return min(max(retention/16, 64<<10), 16<<20)
}

func syncWrites(on bool) kfake.Opt {
	if on {
		return kfake.SyncWrites()
	}
	return kfake.BrokerConfigs(nil)
}

// lockDir keeps a second broker out of the directory: it would interleave its segments with ours.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "bridge.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.New("another broker is using this directory: stop it, or choose another one")
		}
		return nil, fmt.Errorf("lock directory: %w", err)
	}
	return f, nil
}

// Addr is host:port.
func (b *Broker) Addr() string { return b.addr }

// Cluster is the broker itself, for tests that inject faults.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// Close stops the broker and writes its state out. A second call gives what the first gave.
func (b *Broker) Close() error { return b.close() }

func (b *Broker) shutDown() error {
	close(b.stop)
	<-b.stopped
	b.cluster.Close()
	return b.cleanUp()
}

func (b *Broker) cleanUp() (err error) {
	if b.lock != nil {
		err = b.lock.Close()
	}
	if b.remove != "" {
		err = errors.Join(err, os.RemoveAll(b.remove))
	}
	return err
}

// logger hands kfake's warnings and errors on.
type logger struct{ to *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	if l.to == nil || level == kfake.LogLevelNone || level > kfake.LogLevelWarn {
		return
	}
	l.to.Warn("embedded broker: " + fmt.Sprintf(format, args...))
}
