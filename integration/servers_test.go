package integration

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// TestServerCrashes crashes the regions' servers under a load. On PostgreSQL bridge applies with
// synchronous_commit = off, so a crash takes back transactions that it had seen commit: they must come again, and once.
func TestServerCrashes(t *testing.T) {
	onEach(t, pairs, func(t *testing.T, engines []string) {
		const crashes = 5
		m := start(t, withWorkload(options{engines: engines, servers: true}))
		l := m.load(loadRate(100), tolerant)
		rng := rand.New(rand.NewPCG(l.seed, 1<<32))
		for n := range crashes {
			l.untilEach(int64(20 + rng.IntN(60)))
			r := m.regions[n%2]
			if n == 3 { // its bridge goes, too, and finds the server recovering
				r.kill()
			}
			within(t, r.database.crash)
			if n == 3 {
				r.start()
			}
		}
		l.untilEach(20)
		l.stop()
		l.verify()
	})
}

// TestBrokerCrashes kills the broker under a load, and brings it back: the regions go on by themselves.
func TestBrokerCrashes(t *testing.T) {
	for _, kind := range []brokerKind{embeddedBroker, apacheKafka} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			const crashes = 3
			o := options{regions: 3, schema: workloadSchema}
			var crash, back func()
			if kind == apacheKafka {
				kafka := servertest.Kafka(t, testserver.KafkaOptions{QuickStart: true})
				o.kafka = []string{kafka.Addr()}
				crash, back = kafka.Kill, func() { within(t, kafka.Start) }
			}
			m := start(t, o)
			if kind == embeddedBroker {
				crash, back = func() { m.broker[0].kill(t) }, m.broker[0].start
			}
			l := m.load(loadRate(60))
			for n := range crashes {
				l.untilEach(20)
				m.large(n) // a part of it is only in the topics now
				crash()
				l.untilEach(20) // applications don't notice
				back()
			}
			l.untilEach(20)
			l.stop()
			l.verify()
			m.alive()
		})
	}
}

// TestBrokerLink slows, cuts and stalls the link of one region's bridge to Kafka, while the others have theirs.
func TestBrokerLink(t *testing.T) {
	t.Parallel()
	var link *testserver.Proxy
	kafka := servertest.Kafka(t, testserver.KafkaOptions{QuickStart: true, Link: func(addr string) string {
		link = servertest.Proxy(t, addr)
		return link.Addr()
	}})
	m := start(t, options{regions: 3, schema: workloadSchema, kafkaOf: func(region int) string {
		if region == 0 {
			return link.Addr()
		}
		return kafka.Addr()
	}})
	m.disturb(link)
}

// TestDatabaseLink slows, cuts and stalls the link of one region's bridge to its database.
func TestDatabaseLink(t *testing.T) {
	t.Parallel()
	m := start(t, options{links: true, schema: workloadSchema})
	m.disturb(m.regions[0].db.link)
}

// disturb slows, cuts and stalls a link of the first region under a load, and heals it each time.
func (m *mesh) disturb(link *testserver.Proxy) {
	t, eu := m.t, m.regions[0]
	t.Helper()
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	l := m.load(loadRate(60))
	l.untilEach(10)
	try(link.Latency(100 * time.Millisecond))
	l.untilEach(60)
	for range 3 {
		link.Cut()
		l.untilEach(20)
		try(link.Heal())
		l.untilEach(10)
	}
	try(link.Latency(0))
	try(link.Stall())
	l.untilEach(60, eu) // its bridge may hold locks
	try(link.Heal())
	l.untilEach(20)
	l.stop()
	l.verify()
}

// within gives a server's start or stop the tests' patience.
func within(t testing.TB, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f(ctx); err != nil {
		t.Fatal(err)
	}
}
