package integration

import (
	"context"
	"strings"
	"sync"
	"testing"

	"bridge/internal/testserver"
)

// brokerKind is where a mesh's topics are.
type brokerKind int

const (
	embeddedBroker brokerKind = iota // "bridge broker", a process of the mesh's own
	embeddedEach                     // one of them per region
	apacheKafka                      // Apache Kafka, shared with other tests
)

func (k brokerKind) String() string { return [...]string{"embedded", "embedded-each", "kafka"}[k] }

// broker is an embedded broker in a process of its own.
type broker struct {
	*process
	t    testing.TB
	dir  string
	addr string
}

// startBroker starts an embedded broker, on a free port.
func startBroker(t testing.TB) *broker {
	t.Helper()
	b := &broker{t: t, dir: t.TempDir(), addr: "127.0.0.1:0"}
	log := newOutput()
	t.Cleanup(func() {
		b.process.kill(t)
		if t.Failed() {
			t.Logf("log of the broker:\n%s", lastLines(log.String(), 20))
		}
	})
	b.process = &process{log: log}
	b.start()
	return b
}

// start starts the broker, after a kill on the same port and with its topics.
func (b *broker) start() {
	b.t.Helper()
	skip := len(b.log.String())
	b.process = launch(b.t, "broker", b.log, nil, "broker", "--listen", b.addr, "--dir", b.dir)
	line := b.said(b.t, skip, "embedded broker listens on ")
	b.addr = line[strings.LastIndexByte(line, ' ')+1:]
}

var sharedKafka struct {
	sync.Mutex
	server *testserver.Kafka
}

// kafkaServer is the Apache Kafka that tests share which don't break it.
func kafkaServer(t testing.TB) *testserver.Kafka {
	t.Helper()
	sharedKafka.Lock()
	defer sharedKafka.Unlock()
	if sharedKafka.server == nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		server, err := testserver.StartKafka(ctx, testserver.KafkaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sharedKafka.server = server
	}
	return sharedKafka.server
}

func closeSharedKafka() {
	if sharedKafka.server != nil {
		sharedKafka.server.Close() //nolint:errcheck // the process ends anyway
	}
}

// brokers starts what a mesh of n regions needs, and gives the address for each region's topic.
func (m *mesh) brokers(kind brokerKind, n int) (addrs []string) {
	m.t.Helper()
	switch kind {
	case apacheKafka:
		addrs = []string{kafkaServer(m.t).Addr()}
	case embeddedEach:
		for range n {
			b := startBroker(m.t)
			m.broker = append(m.broker, b)
			addrs = append(addrs, b.addr)
		}
	default:
		b := startBroker(m.t)
		m.broker = []*broker{b}
		addrs = []string{b.addr}
	}
	for len(addrs) < n {
		addrs = append(addrs, addrs[0])
	}
	return addrs
}
