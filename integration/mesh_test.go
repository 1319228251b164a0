package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"bridge/config"
)

var regionNames = []string{"eu", "us", "ap", "sa", "af"}

// options say what a mesh is like. The zero value is two regions on the shared PostgreSQL 15, with an
// embedded broker.
type options struct {
	regions int
	version int // of PostgreSQL
	// engines are the regions' (default: PostgreSQL in all).
	engines []string
	broker  brokerKind
	kafka   []string // addresses of brokers to use instead, one for all or one per region
	// kafkaOf is for one broker that regions reach at different addresses.
	kafkaOf func(region int) string
	// schema makes each region's tables, and what is in them from the start.
	schema string
	// schemaOf is for what differs between regions; it runs after schema.
	schemaOf func(region int) string
	// workload is what a load does (default: shop); see withWorkload.
	workload *workload
	// servers gives each region a server of its own, which may be stopped.
	servers  bool
	settings map[string]string
	links    bool   // each bridge is linked to its database by a proxy
	config   string // more lines of each bridge.yaml
}

// mesh is some regions and their broker.
type mesh struct {
	t       testing.TB
	ctx     context.Context // outlives the test's own, for the checks at its end
	cluster string
	options options
	regions []*region
	broker  []*broker // those of the mesh's own
	addrs   []string  // of the broker that holds each region's topic
	rounds  int       // of settle
	broken  string    // why the mesh isn't checked at the end
}

var meshes atomic.Int64

// newMesh makes databases, roles, topics and slots. No bridge runs yet. When the test ends, the mesh is
// checked.
func newMesh(t testing.TB, o options) *mesh {
	t.Helper()
	if o.regions == 0 {
		o.regions = max(2, len(o.engines))
	}
	if o.version == 0 {
		o.version = 15
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &mesh{t: t, ctx: ctx, cluster: fmt.Sprintf("mesh%d", meshes.Add(1)), options: o}
	for i := range o.regions {
		m.regions = append(m.regions, m.newRegion(i))
	}
	if m.addrs = o.kafka; o.kafkaOf != nil {
		m.addrs = []string{o.kafkaOf(1)} // the tests' own way
	} else if m.addrs == nil {
		m.addrs = m.brokers(o.broker, o.regions)
	}
	for len(m.addrs) < o.regions {
		m.addrs = append(m.addrs, m.addrs[0])
	}
	t.Cleanup(func() {
		m.end()
		cancel()
	})
	m.each(func(r *region) error { return r.setUp() })
	return m
}

// start makes a mesh and starts its bridges.
func start(t testing.TB, o options) *mesh {
	t.Helper()
	m := newMesh(t, o)
	for _, r := range m.regions {
		r.start()
	}
	return m
}

func (m *mesh) newRegion(i int) *region {
	m.t.Helper()
	r := &region{mesh: m, index: i, name: regionNames[i], log: newOutput()}
	if m.engine(i) == config.PostgreSQL {
		r.db = newPostgres(m)
		r.database = r.db
	} else {
		r.database = newMySQL(m, m.engine(i))
	}
	return r
}

// engine is that of a region's database.
func (m *mesh) engine(region int) string {
	if m.options.engines == nil {
		return config.PostgreSQL
	}
	return m.options.engines[region]
}

// mixed reports whether the regions' engines differ.
func (m *mesh) mixed() bool {
	return slices.ContainsFunc(m.options.engines, func(e string) bool { return e != m.options.engines[0] })
}

// each runs f for all regions at once.
func (m *mesh) each(f func(*region) error) {
	m.t.Helper()
	var group errgroup.Group
	for _, r := range m.regions {
		group.Go(func() error {
			if err := f(r); err != nil {
				return fmt.Errorf("region %s: %w", r.name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		m.t.Fatal(err)
	}
}

// end checks the mesh unless the test has failed already, stops it, and prints what happened if it failed.
func (m *mesh) end() {
	if !m.t.Failed() && m.broken == "" {
		m.check()
	}
	for _, r := range m.regions {
		if r.bridge != nil {
			r.bridge.signal(syscall.SIGKILL)
			<-r.bridge.done
		}
		r.database.close()
	}
	if !m.t.Failed() {
		return
	}
	for _, r := range m.regions {
		m.t.Logf("log of region %s's bridge:\n%s", r.name, lastLines(r.log.String(), 40))
		if r.db == nil || m.options.servers { // servertest prints the log of a server that's the test's own
			continue
		}
		if logs, err := r.db.Server.Logs(); err == nil {
			m.t.Logf("log of its server (shared):\n%s", lastLines(logs, 15))
		}
	}
}

// leave says that the test ends with regions stopped on purpose: they aren't checked.
func (m *mesh) leave(reason string) { m.broken = reason }

// configuration is a region's bridge.yaml.
func (m *mesh) configuration(r *region) string {
	type kafka struct {
		Brokers  []string `json:"brokers"`
		Copies   int      `json:"replication_factor"`
		InSync   int      `json:"min_insync_replicas"`
		MaxBytes string   `json:"max_message_bytes,omitempty"`
	}
	at := func(i int) *kafka {
		addr := m.addrs[i]
		if m.options.kafkaOf != nil {
			addr = m.options.kafkaOf(r.index)
		}
		return &kafka{Brokers: []string{addr}, Copies: 1, InSync: 1}
	}
	type member struct {
		Engine string `json:"engine"`
		Kafka  *kafka `json:"kafka,omitempty"`
	}
	members := map[string]member{}
	for i := range m.regions {
		one := member{Engine: m.engine(i)}
		if m.addrs[i] != m.addrs[0] {
			one.Kafka = at(i)
		}
		members[regionNames[i]] = one
	}
	var b strings.Builder
	line := func(name string, value any) {
		text, err := json.Marshal(value) // YAML reads JSON
		if err != nil {
			m.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s: %s\n", name, text)
	}
	line("cluster", m.cluster)
	line("region", r.name)
	line("database", r.database.settings())
	line("kafka", at(0))
	line("regions", members)
	line("tables", r.database.selection())
	line("conflicts", map[string]string{"default": "last_write_wins"})
	line("http", map[string]string{"listen": "127.0.0.1:0"})
	line("log", map[string]string{"format": "json", "level": "debug"})
	line("heartbeat", "500ms") // the checks wait for some
	line("data_dir", r.dir)
	b.WriteString(m.options.config)
	return b.String()
}
