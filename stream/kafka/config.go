package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// Config says where a topic is and how to speak with its brokers. Zero fields stand for the defaults.
type Config struct {
	Brokers []string // host:port; one that answers is enough
	Topic   string

	TLS  *tls.Config // nil: no TLS
	SASL SASL        // zero: no authentication

	Compression Compression // of what is appended; default Zstd
	ClientID    string      // in the brokers' logs and quotas; default "bridge"

	DialTimeout    time.Duration // connection, TLS and SASL together; default 5s
	RequestTimeout time.Duration // for the brokers to answer; default 10s
	MaxWait        time.Duration // of one long poll; default 5s
	// MissingTopicTimeout is how long a missing topic is taken for a broker that's still starting;
	// default 15s.
	MissingTopicTimeout time.Duration
	BackoffMin          time.Duration // first pause before a retry; default 20ms
	BackoffMax          time.Duration // longest pause; default 2s

	// MaxMessageBytes is the topic's max.message.bytes: no batch that's appended exceeds it before
	// compression. Default [DefaultMaxMessageBytes].
	MaxMessageBytes int
	// FetchMaxBytes bounds what a read returns, compressed, save for a first batch that's larger;
	// default 1 MiB.
	FetchMaxBytes int

	// OnRetry is told of every error that is retried, with the number of the attempt that failed,
	// from 1. It's called on the goroutine of the caller and must not block.
	OnRetry func(op string, attempt int, err error)
}

// DefaultMaxMessageBytes leaves room for the largest rows that are common; topics are made with it.
const DefaultMaxMessageBytes = 8 << 20

// Compression is the codec of appended batches. Reads take any.
type Compression string

// The codecs. The empty Compression is Zstd.
const (
	Zstd   Compression = "zstd"
	LZ4    Compression = "lz4"
	Snappy Compression = "snappy"
	Gzip   Compression = "gzip"
	None   Compression = "none"
)

func (c Config) withDefaults() Config {
	or := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	or(&c.DialTimeout, 5*time.Second)
	or(&c.RequestTimeout, 10*time.Second)
	or(&c.MaxWait, 5*time.Second)
	or(&c.MissingTopicTimeout, 15*time.Second)
	or(&c.BackoffMin, 20*time.Millisecond)
	or(&c.BackoffMax, 2*time.Second)
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = DefaultMaxMessageBytes
	}
	if c.FetchMaxBytes == 0 {
		c.FetchMaxBytes = 1 << 20
	}
	if c.ClientID == "" {
		c.ClientID = "bridge"
	}
	if c.OnRetry == nil {
		c.OnRetry = func(string, int, error) {}
	}
	return c
}

func (c *Config) validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("no brokers given"))
	}
	if c.Topic == "" {
		errs = append(errs, errors.New("no topic given"))
	}
	if c.MaxMessageBytes < 1<<10 {
		errs = append(errs, fmt.Errorf("max message bytes %d is below 1024", c.MaxMessageBytes))
	}
	if _, err := c.Compression.codec(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
