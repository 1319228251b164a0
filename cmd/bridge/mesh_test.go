package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/config"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/stream/embedded"
)

// mesh is three regions with a database each, on one server, and the embedded broker.
type mesh struct {
	t       *testing.T
	regions map[string]*meshRegion
	broker  *embedded.Broker
	// stopBroker ends the broker, before the test does that.
	stopBroker func()
}

type meshRegion struct {
	db   servertest.DB
	file string
	stop func() // ends its bridge and waits for that
}

var meshNames = []string{"eu", "us", "ap"}

// newMesh makes the regions with the same tables. Nothing is set up or running.
func newMesh(t *testing.T, sql string) *mesh {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { broker.Close() }) //nolint:errcheck // nothing is read from it any more
	t.Cleanup(stop)
	m := &mesh{t: t, regions: map[string]*meshRegion{}, broker: broker, stopBroker: stop}
	for _, name := range meshNames {
		r := &meshRegion{db: servertest.Database(t, 15), file: filepath.Join(t.TempDir(), name+".yaml")}
		m.regions[name] = r
		text := fmt.Sprintf(`
cluster: shop
region: %s
regions: {eu: {}, us: {}, ap: {}}
database: {host: %q, port: %d, dbname: %q, user: %q, slot: %q}
kafka: {brokers: [%q], replication_factor: 1, min_insync_replicas: 1}
conflicts: {default: last_write_wins}
http: {listen: %q}
heartbeat: 200ms
`, name, r.db.Server.SocketDir(), r.db.Server.Port(), r.db.Name, testserver.Superuser, "slot_"+r.db.Name, broker.Addr(), freeAddress(t))
		if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m.exec(name, sql)
	}
	return m
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it's only to know the port
	return l.Addr().String()
}

func (m *mesh) exec(region, sql string) {
	m.t.Helper()
	servertest.Exec(m.t, m.regions[region].db.SocketDSN(), sql)
}

// files are the regions' configuration files.
func (m *mesh) files() (all []string) {
	for _, name := range meshNames {
		all = append(all, m.regions[name].file)
	}
	return all
}

// setUp runs "bridge init" in every region.
func (m *mesh) setUp() {
	m.t.Helper()
	for _, name := range meshNames {
		m.setUpOne(name)
	}
}

// setUpOne runs "bridge init" in one region.
func (m *mesh) setUpOne(region string, args ...string) {
	m.t.Helper()
	if a := bridge(m.t, nil, append([]string{"init", "-c", m.regions[region].file}, args...)...); a.code != 0 {
		m.t.Fatalf("init %s: %+v", region, a)
	}
}

// start runs the regions' bridges until the test ends.
func (m *mesh) start(names ...string) {
	for _, name := range names {
		r := m.regions[name]
		ctx, cancel := context.WithCancel(context.Background())
		var log bytes.Buffer
		var done sync.WaitGroup
		done.Go(func() {
			if code := execute(ctx, []string{"run", "-c", r.file}, &log, &log, config.Outside{}); code != 0 {
				m.t.Errorf("bridge of %s ended with %d:\n%s", name, code, log.String())
			}
		})
		r.stop = func() { cancel(); done.Wait() }
		m.t.Cleanup(r.stop)
	}
}

// load writes to a region until the returned function is called, which gives how many transactions there were.
func (m *mesh) load(region, sql string) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	count := 0
	var done sync.WaitGroup
	done.Go(func() {
		conn, err := pgx.Connect(ctx, m.regions[region].db.SocketDSN())
		if err != nil {
			m.t.Error(err)
			return
		}
		defer conn.Close(context.Background()) //nolint:errcheck // the test is over
		for ctx.Err() == nil {
			if _, err := conn.Exec(context.Background(), sql); err != nil {
				m.t.Error(err)
				return
			}
			count++
		}
	})
	stop = sync.OnceValue(func() int { cancel(); done.Wait(); return count })
	m.t.Cleanup(func() { stop() })
	return stop
}
