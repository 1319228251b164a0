package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// SASL is how to authenticate; the zero SASL doesn't.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	User      string
	Password  string
}

// String leaves the password out.
func (s SASL) String() string {
	if s == (SASL{}) {
		return "none"
	}
	return s.Mechanism + " as " + s.User
}

// GoString leaves the password out.
func (s SASL) GoString() string { return s.String() }

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch strings.ToUpper(s.Mechanism) {
	case "":
		if s != (SASL{}) {
			return nil, errors.New("SASL user or password without a mechanism: name PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
		}
		return nil, nil
	case "PLAIN":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("SASL mechanism %q is not PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
}

// maxUnfinished is how many authentications in a row may be cut off before that's taken for a refusal:
// some brokers close the connection instead of saying so, and so does one that's being stopped.
const maxUnfinished = 5

// authentication counts what a mechanism begins and doesn't finish.
type authentication struct {
	sasl.Mechanism
	unfinished atomic.Int32
}

func (a *authentication) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	machine, response, err := a.Mechanism.Start(ctx)
	a.unfinished.Add(1)
	return exchange{machine, a}, response, err
}

type exchange struct {
	sasl.StateMachine
	of *authentication
}

func (e exchange) Next(ctx context.Context, challenge []byte) (done bool, response []byte, err error) {
	done, response, err = e.StateMachine.Next(ctx, challenge)
	if done && err == nil {
		e.of.unfinished.Store(0)
	}
	return done, response, err
}

// rejected reports whether brokers seem to refuse us during authentication.
func (l *Log) rejected() bool {
	return l.authentication != nil && l.authentication.unfinished.Load() >= maxUnfinished
}
