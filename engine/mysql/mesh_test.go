package mysql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	library "github.com/go-mysql-org/go-mysql/mysql"

	"bridge/conflict"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/node"
	"bridge/stream"
	"bridge/stream/embedded"
	"bridge/stream/kafka"
)

// schema is the same in all regions. word's key ignores case; item has what the server would set by itself.
const schema = `CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE TABLE shop.item (id bigint PRIMARY KEY, name varchar(40), n int, price decimal(10,2), data varbinary(20),
  at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), twice int AS (n * 2) STORED);
CREATE TABLE shop.word (w varchar(20), lang enum('de','en'), n int, PRIMARY KEY (w, lang));
CREATE TABLE shop.ledger (id varchar(40) CHARACTER SET latin1 COLLATE latin1_bin PRIMARY KEY);
CREATE TABLE shop.seat (region varchar(10), id int, who varchar(40) NOT NULL UNIQUE, PRIMARY KEY (region, id));
CREATE TABLE shop.big (region varchar(10), id int, filler text, PRIMARY KEY (region, id));
CREATE TABLE shop.settled (region varchar(10) PRIMARY KEY, round int NOT NULL)`

var contents = []string{
	"SELECT id, name, n, price, hex(data), at, twice FROM shop.item ORDER BY id",
	"SELECT w, lang, n FROM shop.word ORDER BY hex(w), lang",
	"SELECT id FROM shop.ledger ORDER BY id",
	"SELECT region, id, who FROM shop.seat ORDER BY 1, 2",
	"SELECT region, id, sha2(filler, 256) FROM shop.big ORDER BY 1, 2",
}

// place is a region of a mesh.
type place struct {
	name   string
	server *testserver.MySQL
	engine *Engine
	node   *node.Node
	stop   func()
}

// mesh is regions whose nodes run in this process.
type mesh struct {
	t      *testing.T
	broker *embedded.Broker
	places []*place
	rounds int
}

// newMesh starts a server of each flavor and a node beside it, which connects as the account that "bridge grants" makes.
func newMesh(t *testing.T, flavors ...testserver.Flavor) *mesh {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() }) //nolint:errcheck // the test is over
	m := &mesh{t: t, broker: broker}
	for i, flavor := range flavors {
		p := &place{name: []string{"eu", "us", "ap"}[i], server: servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true}), stop: func() {}}
		m.places = append(m.places, p)
		m.setUp(p)
		log, err := m.open(p.name)
		if err == nil {
			err = log.(*kafka.Log).EnsureTopic(t.Context(), kafka.Settings{Retention: -1})
			log.Close() //nolint:errcheck // the test is over
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, p := range m.places {
			p.stop()
		}
	})
	return m
}

func (m *mesh) setUp(p *place) {
	m.t.Helper()
	root := mysql.Server{Socket: p.server.Socket(), User: testserver.MySQLSuperuser}
	admin, err := root.Connect(m.t.Context(), mysql.Session{Name: "test"})
	if err != nil {
		m.t.Fatal(err)
	}
	defer admin.Close()
	run(m.t, admin, schema)
	numbers := make([]string, 100)
	for n := range numbers {
		numbers[n] = fmt.Sprintf("(%d)", n)
	}
	run(m.t, admin, "CREATE TABLE shop.numbers (id int PRIMARY KEY); INSERT INTO shop.numbers VALUES "+strings.Join(numbers, ", "))
	run(m.t, admin, "CREATE USER bridge@'%' IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO bridge@'%';"+
		"GRANT ALL PRIVILEGES ON bridge.* TO bridge@'%'; GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO bridge@'%'")
	account := mysql.Server{Host: p.server.Host(), Port: uint16(p.server.Port()), User: "bridge", Password: "secret"}
	conn, err := account.Connect(m.t.Context(), mysql.Session{Name: "init"})
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	if err := mysql.CreateTables(m.t.Context(), conn); err != nil {
		m.t.Fatal(err)
	}
	if _, _, err := mysql.Claim(m.t.Context(), conn, "c", p.name); err != nil {
		m.t.Fatal(err)
	}
	if _, err := mysql.EnsureStart(m.t.Context(), conn); err != nil {
		m.t.Fatal(err)
	}
	p.engine = New(Config{Server: account, Cluster: "c", Region: p.name, SpillDir: m.t.TempDir(), LockTimeout: time.Second})
}

func (m *mesh) open(region string) (stream.Log, error) {
	return kafka.Open(kafka.Config{Brokers: []string{m.broker.Addr()}, Topic: "bridge.c." + region})
}

// start runs a region's node until its stop is called, or the test's end.
func (m *mesh) start(p *place) {
	var peers []string
	for _, other := range m.places {
		if other != p {
			peers = append(peers, other.name)
		}
	}
	p.node = node.New(node.Config{
		Cluster: "c", Region: p.name, Peers: peers, Streams: m.open, Engine: p.engine, Rules: conflict.All(conflict.LastWriteWins),
		Workers: 3, HistoryBytes: 64 << 20, RetryStopped: time.Second,
		Log: slog.New(slog.NewTextHandler(logWriter{m.t, p.name}, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(m.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.node.Run(ctx) }()
	p.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			m.t.Errorf("region %s: %v", p.name, err)
		}
		p.stop = func() {}
	}
}

type logWriter struct {
	t      *testing.T
	region string
}

func (w logWriter) Write(line []byte) (int, error) {
	w.t.Logf("%s: %s", w.region, line)
	return len(line), nil
}

// settle waits until every region has what the others have committed before.
func (m *mesh) settle() {
	m.t.Helper()
	m.rounds++
	for _, p := range m.places {
		servertest.ExecMySQL(m.t, p.server, "", fmt.Sprintf("REPLACE INTO shop.settled VALUES ('%s', %d)", p.name, m.rounds))
	}
	deadline := time.Now().Add(2 * time.Minute)
	for _, p := range m.places {
		for {
			got := servertest.QueryMySQL(m.t, p.server, "", fmt.Sprintf("SELECT count(*) FROM shop.settled WHERE round = %d", m.rounds))
			if got[0] == fmt.Sprint(len(m.places)) {
				break
			}
			if time.Now().After(deadline) {
				m.t.Fatalf("region %s doesn't get everything: %+v", p.name, p.node.Status())
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// compare wants the same rows everywhere.
func (m *mesh) compare() {
	m.t.Helper()
	for _, query := range contents {
		want := servertest.QueryMySQL(m.t, m.places[0].server, "", query)
		for _, p := range m.places[1:] {
			got := servertest.QueryMySQL(m.t, p.server, "", query)
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					m.t.Errorf("%s: row %d of %d in %s and %d in %s differs:\n%q\n%q", query, i, len(got), p.name, len(want), m.places[0].name,
						at(got, i), at(want, i))
					break
				}
			}
		}
	}
}

func at(rows []string, i int) string {
	if i < len(rows) {
		return rows[i]
	}
	return "(none)"
}

// load writes in some regions at once, conflicting with each other; it returns the ledger's rows.
func (m *mesh) load(seed uint64, transactions int, places ...*place) (ids []string) {
	m.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, p := range places {
		conn := servertest.ConnectMySQL(m.t, p.server, "shop")
		all.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for n := range transactions {
				id := fmt.Sprintf("%s-%d-%d", p.name, seed, n)
				committed, err := work(conn, call(rng, p.name, id))
				if err != nil {
					m.t.Errorf("application in %s: %v", p.name, err)
					return
				}
				if committed {
					mu.Lock()
					ids = append(ids, id)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	slices.Sort(ids)
	return ids
}

// procedure is a transaction of an application: one call, so that it's done or not.
const procedure = `CREATE PROCEDURE shop.work(region varchar(10), id varchar(40), a int, b int, w varchar(20), l varchar(2), kind int, v int)
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
  START TRANSACTION;
  INSERT INTO ledger VALUES (id);
  CASE kind
    WHEN 0 THEN DELETE FROM item WHERE item.id = a;
    WHEN 1 THEN UPDATE item SET n = n + v WHERE item.id IN (a, b);
    WHEN 2 THEN INSERT INTO item (id, name, n, price, data) VALUES (a, concat(w, v), v, v / 100, w) ON DUPLICATE KEY UPDATE name = concat(w, v), price = v / 100;
    WHEN 3 THEN INSERT INTO word VALUES (w, l, v) ON DUPLICATE KEY UPDATE word.w = VALUES(w), n = v;
    WHEN 4 THEN DELETE FROM word WHERE word.w = w AND lang = l;
    WHEN 5 THEN UPDATE item SET item.id = b + 100 WHERE item.id = a;
    WHEN 6 THEN BEGIN -- two seats change places
      DELETE FROM seat WHERE seat.region = region AND seat.id IN (a, a + 1);
      INSERT INTO seat VALUES (region, a, concat(region, a, v)), (region, a + 1, concat(region, a + 1, v));
      UPDATE seat SET who = concat(region, 'nobody') WHERE seat.region = region AND seat.id = a;
      UPDATE seat SET who = concat(region, a, v) WHERE seat.region = region AND seat.id = a + 1;
      UPDATE seat SET who = concat(region, a + 1, v) WHERE seat.region = region AND seat.id = a;
    END;
    ELSE IF v < 60 THEN
      DELETE FROM big WHERE big.region = region AND big.id >= v;
      INSERT INTO big SELECT region, x.id + 100 * y.id, repeat(w, 300) FROM numbers x, numbers y WHERE NOT EXISTS (SELECT * FROM big z WHERE z.region = region AND z.id = x.id + 100 * y.id);
    END IF;
  END CASE;
  COMMIT;
END`

// work does a transaction. After a deadlock or a lock that wasn't had it tries again, as every application must; one
// that would duplicate a key isn't done.
func work(conn *client.Conn, call string) (committed bool, err error) {
	for {
		_, err := conn.Execute(call)
		var server *library.MyError
		switch {
		case err == nil:
			return true, nil
		case !errors.As(err, &server):
			return false, err
		case server.Code == 1062:
			return false, nil
		case server.Code != 1205 && server.Code != 1213:
			return false, err
		}
	}
}

func call(rng *rand.Rand, region, id string) string {
	words := []string{"abc", "ABC", "Abc", "über", "UBER", "x"}
	a := rng.IntN(20)
	return fmt.Sprintf("CALL work('%s', '%s', %d, %d, '%s', '%s', %d, %d)", region, id, a, a+rng.IntN(5),
		words[rng.IntN(len(words))], []string{"de", "en"}[rng.IntN(2)], rng.IntN(8), rng.IntN(1000))
}

// TestMesh: regions of both kinds that write the same rows at once end up with the same tables, with all
// transactions, each once; also when a bridge ends in between and another takes over, and when a server dies.
func TestMesh(t *testing.T) {
	m := newMesh(t, testserver.FlavorMySQL, testserver.FlavorMariaDB, testserver.FlavorMySQL)
	for _, p := range m.places {
		m.start(p)
		servertest.ExecMySQL(t, p.server, "shop", procedure)
	}
	seed := rand.Uint64() % 1e6
	t.Logf("seed %d", seed)
	want := m.load(seed, 200, m.places...)
	m.settle()
	m.compare()

	for _, p := range m.places {
		others := slices.DeleteFunc(slices.Clone(m.places), func(q *place) bool { return q == p })
		written := make(chan []string, 1)
		seed++
		go func() { written <- m.load(seed, 100, others...) }()
		p.stop() // what applications write here meanwhile comes later
		want = append(want, m.load(seed, 30, p)...)
		p.server.Kill()
		if err := p.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.start(p)
		m.running(p)
		p.server.Kill()
		if err := p.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		want = append(want, <-written...)
		m.settle()
		m.compare()
	}
	slices.Sort(want)
	if got := servertest.QueryMySQL(t, m.places[0].server, "", contents[2]); !slices.Equal(got, want) {
		t.Errorf("the ledger has %d rows, committed were %d", len(got), len(want))
	}
	for _, p := range m.places {
		t.Logf("%s: %s conflicts", p.name, servertest.QueryMySQL(t, p.server, "bridge", "SELECT count(*) FROM conflicts"))
	}
}

// running waits until a region's node is at work.
func (m *mesh) running(p *place) {
	m.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for p.node.Status().Phase != node.Running {
		if time.Now().After(deadline) {
			m.t.Fatalf("region %s doesn't run: %+v", p.name, p.node.Status())
		}
		time.Sleep(20 * time.Millisecond)
	}
}
