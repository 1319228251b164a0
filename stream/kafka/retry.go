package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"bridge/stream"
)

// trouble is the error that a call is retrying.
type trouble struct {
	mu  sync.Mutex
	err error
}

func (t *trouble) set(err error) {
	t.mu.Lock()
	t.err = err
	t.mu.Unlock()
}

func (t *trouble) of(l *Log, op string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		return nil
	}
	return fmt.Errorf("%s, topic %q at %s: %w", op, l.cfg.Topic, l.brokers(), t.err)
}

// Trouble is the error that the append under way is retrying; nil when there's none. It names topic and brokers.
func (l *Log) Trouble() error { return l.appendTrouble.of(l, "append") }

// ReadTrouble is the error that another call under way is retrying; nil when there's none.
func (l *Log) ReadTrouble() error { return l.readTrouble.of(l, "read") }

// retry does op until it succeeds, fails in a way that time doesn't heal, or ctx or the Log ends.
// What it returns names the topic.
func (l *Log) retry(ctx context.Context, op string, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(l.ctx, func() { cancel(context.Cause(l.ctx)) })
	defer stop()

	at := &l.readTrouble
	if op == appendOp {
		at = &l.appendTrouble
	}
	var last error // that was retried
	defer func() {
		if last != nil {
			at.set(nil)
		}
	}()
	var missingSince time.Time
	pause := l.cfg.BackoffMin
	for attempt := 1; ; attempt++ {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return l.interrupted(ctx, op, last)
		}
		if !isMissing(err) {
			missingSince = time.Time{}
		} else if missingSince.IsZero() {
			missingSince = time.Now()
		}
		if !l.heals(err, missingSince) {
			return l.explain(op, err)
		}
		last = err
		at.set(err)
		l.cfg.OnRetry(op, attempt, err)
		// The connections and what they know of the cluster are in doubt.
		l.transport.CloseIdleConnections()
		select {
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		case <-ctx.Done():
			return l.interrupted(ctx, op, last)
		}
		pause = min(2*pause, l.cfg.BackoffMax)
	}
}

// interrupted is the error of a call that was ended from outside; last is the error it was retrying.
func (l *Log) interrupted(ctx context.Context, op string, last error) error {
	if last == nil {
		return fmt.Errorf("%s, topic %q: %w", op, l.cfg.Topic, context.Cause(ctx))
	}
	return fmt.Errorf("%s, topic %q at %s: %w (was retrying: %v)", op, l.cfg.Topic, l.brokers(), context.Cause(ctx), last)
}

func isMissing(err error) bool {
	return errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, kafka.UnknownTopicID) ||
		errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}

// heals reports whether an error may go away by itself. missingSince is since when the topic was
// missing.
func (l *Log) heals(err error, missingSince time.Time) bool {
	var code kafka.Error
	switch {
	case errors.Is(err, stream.ErrOutOfRange), errors.Is(err, stream.ErrTooLarge):
		return false
	case isMissing(err): // also what a broker says that has just started
		return time.Since(missingSince) < l.cfg.MissingTopicTimeout
	case errors.Is(err, kafka.Unknown):
		return true // kafka-go's for one of several requests that failed
	case errors.As(err, &code):
		return code.Temporary() || code == kafka.BrokerNotAvailable || code == kafka.ReplicaNotAvailable
	case isCertificate(err):
		return false
	}
	return !l.rejected() // the network, or a broker that refuses us without a word
}

func isCertificate(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var host x509.HostnameError
	var alert tls.AlertError
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &host) || errors.As(err, &alert)
}

// explain adds topic, brokers and remedy to an error that doesn't heal.
func (l *Log) explain(op string, err error) error {
	remedy := ""
	switch {
	case errors.Is(err, stream.ErrOutOfRange), errors.Is(err, stream.ErrTooLarge):
		return err // complete already
	case isMissing(err):
		remedy = "create the topic (bridge init does), or name another one"
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		remedy = fmt.Sprintf("grant %s READ, WRITE and DESCRIBE on the topic", l.user())
	case errors.Is(err, kafka.ClusterAuthorizationFailed):
		remedy = fmt.Sprintf("grant %s WRITE on the topic, or IDEMPOTENT_WRITE on the cluster", l.user())
	case errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kafka.UnsupportedSASLMechanism):
		remedy = fmt.Sprintf("check SASL mechanism, user and password (now: %s)", l.cfg.SASL)
	case l.rejected():
		remedy = fmt.Sprintf("brokers close the connection during authentication: check SASL mechanism, user and password (now: %s)", l.cfg.SASL)
	case isCertificate(err):
		remedy = "check the TLS settings: the CA, the host name, and whether this listener speaks TLS"
	default:
		remedy = "see the broker's log"
	}
	return fmt.Errorf("%s, topic %q at %s: %w: %s", op, l.cfg.Topic, l.brokers(), err, remedy)
}

func (l *Log) user() string {
	if l.cfg.SASL.User == "" {
		return "the anonymous user"
	}
	return "user " + l.cfg.SASL.User
}
