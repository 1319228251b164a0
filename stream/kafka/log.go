package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"bridge/stream"
)

var _ stream.Log = (*Log)(nil)

// errClosed is the cause that ends the calls under way when the Log is closed.
var errClosed = errors.New("log is closed")

// Log is one topic of one partition. Make it with [Open].
type Log struct {
	cfg       Config
	codec     codec
	addr      net.Addr
	transport *kafka.Transport
	// Their timeouts differ: kafka-go tells half of a client's timeout to the broker as the time to
	// wait for replicas, 0.5s without one, and would cut long polls by it.
	requests, fetches *kafka.Client
	conns             *connections
	authentication    *authentication // nil without SASL

	ctx    context.Context // ends with Close
	cancel context.CancelCauseFunc

	appending     chan struct{} // holds one element while an append is under way
	producer      producer      // of the append under way
	appendTrouble trouble       // of it
	readTrouble   trouble       // of other calls
}

// Open makes a Log and checks its configuration. It doesn't wait for a broker.
func Open(cfg Config) (*Log, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("topic %q: %w", cfg.Topic, err)
	}
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, fmt.Errorf("topic %q: %w", cfg.Topic, err)
	}
	codec, err := cfg.Compression.codec()
	if err != nil {
		return nil, fmt.Errorf("topic %q: %w", cfg.Topic, err)
	}
	l := &Log{cfg: cfg, codec: codec, conns: newConnections(cfg.DialTimeout), appending: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	l.transport = &kafka.Transport{
		Dial:           l.conns.dial,
		DialTimeout:    cfg.DialTimeout,
		IdleTimeout:    10 * time.Minute, // the connection for appends is kept
		MetadataTTL:    6 * time.Second,
		MetadataTopics: []string{cfg.Topic},
		ClientID:       cfg.ClientID,
		TLS:            cfg.TLS,
		Context:        l.ctx,
	}
	if mechanism != nil {
		l.authentication = &authentication{Mechanism: mechanism}
		l.transport.SASL = l.authentication
	}
	l.addr = kafka.TCP(cfg.Brokers...)
	l.requests = &kafka.Client{Addr: l.addr, Transport: l.transport, Timeout: 2 * cfg.RequestTimeout}
	l.fetches = &kafka.Client{Addr: l.addr, Transport: l.transport}
	return l, nil
}

// Name is the topic's name.
func (l *Log) Name() string { return l.cfg.Topic }

// Close ends the calls under way with an error and closes all connections.
func (l *Log) Close() error {
	l.cancel(fmt.Errorf("topic %q: %w", l.cfg.Topic, errClosed))
	l.transport.CloseIdleConnections()
	l.conns.close()
	return nil
}

// Bounds are the offsets of the oldest record and of the next one to be appended.
func (l *Log) Bounds(ctx context.Context) (oldest, next int64, err error) {
	err = l.retry(ctx, "list offsets", func(ctx context.Context) error {
		oldest, next, err = l.listOffsets(ctx)
		return err
	})
	return oldest, next, err
}

func (l *Log) listOffsets(ctx context.Context) (oldest, next int64, err error) {
	if err := l.route(ctx); err != nil {
		return 0, 0, err
	}
	res, err := l.requests.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		l.cfg.Topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)},
	}})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range res.Topics[l.cfg.Topic] {
		if p.Partition == 0 {
			return p.FirstOffset, p.LastOffset, p.Error
		}
	}
	return 0, 0, kafka.UnknownTopicOrPartition
}

// route reports why requests to the partition's leader can't be sent now, if so: kafka-go sends them anywhere,
// or says that there's no topic, when the truth is that it has reached no broker yet.
func (l *Log) route(ctx context.Context) error {
	meta, err := l.requests.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.cfg.Topic}})
	if err != nil {
		return err
	}
	if len(meta.Topics) != 1 {
		return kafka.UnknownTopicOrPartition
	}
	t := &meta.Topics[0]
	if t.Error != nil {
		return t.Error
	}
	for i := range t.Partitions {
		if p := &t.Partitions[i]; p.ID == 0 {
			if p.Leader.Host == "" {
				return kafka.LeaderNotAvailable
			}
			return nil
		}
	}
	return kafka.UnknownTopicOrPartition
}

// connections are all open connections, so that Close need not wait for a long poll.
type connections struct {
	dialer net.Dialer
	mutex  sync.Mutex
	open   map[*connection]struct{} // nil when closed
}

type connection struct {
	net.Conn
	of *connections
}

func newConnections(timeout time.Duration) *connections {
	return &connections{dialer: net.Dialer{Timeout: timeout}, open: map[*connection]struct{}{}}
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := c.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := &connection{raw, c}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.open == nil {
		raw.Close()
		return nil, errClosed
	}
	c.open[conn] = struct{}{}
	return conn, nil
}

func (c *connection) Close() error {
	c.of.mutex.Lock()
	delete(c.of.open, c)
	c.of.mutex.Unlock()
	return c.Conn.Close()
}

func (c *connections) close() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for conn := range c.open {
		conn.Conn.Close()
	}
	c.open = nil
}

func (l *Log) brokers() string { return strings.Join(l.cfg.Brokers, ",") }
