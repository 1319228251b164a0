package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"

	"bridge/internal/testserver"
)

// broker is what the bridges ship through.
type broker interface {
	Name() string
	// Start gives the address; Stop ends what Start began.
	Start(ctx context.Context) (addr string, err error)
	Stop() error
}

var brokerListens = regexp.MustCompile(`embedded broker listens on (\S+)`)

// embedded is "bridge broker" in a process of its own, with its topics on disk, a new one each time.
type embedded struct {
	bin, dir string
	process  *process
	topics   string
}

func (*embedded) Name() string { return "embedded" }

func (e *embedded) Start(ctx context.Context) (addr string, err error) {
	if e.topics, err = os.MkdirTemp(e.dir, "topics-"); err != nil {
		return "", err
	}
	e.process, addr, err = startProcess(ctx, "embedded broker", brokerListens, e.bin, "broker",
		"--listen", "127.0.0.1:0", "--dir", filepath.Join(e.topics, "data"))
	return addr, err
}

func (e *embedded) Stop() error {
	if e.process == nil {
		return nil
	}
	err := e.process.Stop()
	e.process = nil
	return errors.Join(err, os.RemoveAll(e.topics))
}

// apache is one Apache Kafka for the whole benchmark: a Java machine is slow until it's warm. It's
// started when it's first needed, and idles beside the other contestants from then on.
type apache struct {
	kafka *testserver.Kafka
}

func (*apache) Name() string { return "Apache Kafka" }

func (a *apache) Start(ctx context.Context) (string, error) {
	if a.kafka == nil {
		k, err := testserver.StartKafka(ctx, testserver.KafkaOptions{})
		if err != nil {
			return "", err
		}
		a.kafka = k
	}
	return a.kafka.Addr(), nil
}

func (*apache) Stop() error { return nil }

// Close ends it for good.
func (a *apache) Close() error {
	if a.kafka == nil {
		return nil
	}
	return a.kafka.Close()
}
