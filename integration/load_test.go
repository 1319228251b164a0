package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// workloadSchema: ledger is only ever inserted to, each row by one region, so it tells what was lost (I2)
// and, by an audit that also runs for applied rows, what was done twice (I3). accounts and items are
// written by all regions at once.
const workloadSchema = `
CREATE TABLE ledger (id uuid PRIMARY KEY, region text NOT NULL, n bigint NOT NULL);
CREATE TABLE audit (id uuid NOT NULL, op text NOT NULL);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$BEGIN INSERT INTO public.audit VALUES (coalesce(NEW.id, OLD.id), TG_OP); RETURN NULL; END$$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION audit();
ALTER TABLE ledger ENABLE ALWAYS TRIGGER audit;
CREATE TABLE accounts (id int PRIMARY KEY, region text, balance bigint NOT NULL DEFAULT 0, note text);
INSERT INTO accounts (id) SELECT generate_series(1, 40);
CREATE TABLE items (id int PRIMARY KEY, region text NOT NULL, qty int NOT NULL, note text);
CREATE TABLE big (id bigint, region text, filler text NOT NULL, PRIMARY KEY (region, id));
`

// load is applications at work: in every region one session that writes, conflicting with the others'.
type load struct {
	m      *mesh
	rate   int // transactions per second and region; the machine is shared
	seed   uint64
	cancel context.CancelFunc
	done   sync.WaitGroup
	faults bool // connections may break
	doing  []*application
}

// application is what writes in one region.
type application struct {
	region    *region
	committed atomic.Int64
	ids       []string // that were committed
	unknown   []string // whose commit wasn't answered
}

type loadRate int

// tolerant is a load whose servers are going to fail.
const tolerant = true

// load starts a load on all regions.
func (m *mesh) load(rate loadRate, faults ...bool) *load {
	ctx, cancel := context.WithCancel(m.ctx)
	l := &load{m: m, rate: int(rate), seed: rand.Uint64(), cancel: cancel, faults: len(faults) > 0 && faults[0]}
	m.t.Logf("load with seed %d", l.seed)
	for i, r := range m.regions {
		s := &application{region: r}
		l.doing = append(l.doing, s)
		l.done.Go(func() { l.run(ctx, s, rand.New(rand.NewPCG(l.seed, uint64(i)))) })
	}
	m.t.Cleanup(l.stop) // before the mesh is checked
	return l
}

// stop ends the load and waits for its last transactions.
func (l *load) stop() {
	l.cancel()
	l.done.Wait()
}

// untilEach waits until every region but those left out has committed n transactions more.
func (l *load) untilEach(n int64, except ...*region) {
	l.m.t.Helper()
	for _, s := range l.doing {
		if slices.Contains(except, s.region) {
			continue
		}
		want := s.committed.Load() + n
		eventually(l.m.t, fmt.Sprintf("%d transactions in %s", n, s.region.name), func() (bool, string) {
			have := s.committed.Load()
			return have >= want || l.m.t.Failed(), fmt.Sprintf("%d of %d", have, want)
		})
	}
}

func (l *load) run(ctx context.Context, s *application, rng *rand.Rand) {
	pace := time.NewTicker(time.Second / time.Duration(l.rate))
	defer pace.Stop()
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			conn.Close(l.m.ctx)
		}
	}()
	for n := int64(1); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		var err error
		if conn == nil {
			if conn, err = pgx.Connect(l.m.ctx, s.region.db.SocketDSN()); err != nil {
				if conn = nil; !l.tolerated(s, err) {
					return
				}
				continue
			}
		}
		id := randomUUID(rng)
		if _, err = conn.PgConn().Exec(l.m.ctx, transaction(rng, s.region.name, id, n)).ReadAll(); err == nil {
			s.ids = append(s.ids, id)
			s.committed.Add(1)
			continue
		}
		if !l.tolerated(s, err) {
			return
		}
		s.unknown = append(s.unknown, id)
		conn.Close(l.m.ctx)
		conn = nil
	}
}

// tolerated reports whether an application must live with an error: a connection that breaks while servers
// fail. Replication itself must never make an application fail.
func (l *load) tolerated(s *application, err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if l.faults && (!ok || strings.HasPrefix(server.Code, "57P")) {
		return true
	}
	l.m.t.Errorf("the application in region %s failed: %v", s.region.name, err)
	return false
}

// transaction is a random transaction, as SQL that is sent at once and so is one transaction. Rows are
// written in one order, so that applications don't deadlock among themselves.
func transaction(rng *rand.Rand, region, id string, n int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "BEGIN; INSERT INTO ledger VALUES ('%s', '%s', %d);", id, region, n)
	if rng.IntN(2) == 0 {
		first := 1 + rng.IntN(30)
		for _, id := range []int{first, first + rng.IntN(10)} {
			fmt.Fprintf(&b, "UPDATE accounts SET balance = balance + %d, region = '%s' WHERE id = %d;", rng.IntN(100)-50, region, id)
		}
	}
	switch item := 1 + rng.IntN(60); rng.IntN(4) {
	case 0:
		fmt.Fprintf(&b, "DELETE FROM items WHERE id = %d;", item)
	case 1, 2:
		fmt.Fprintf(&b, `INSERT INTO items VALUES (%d, '%s', %d, repeat('x', %d))
			ON CONFLICT (id) DO UPDATE SET region = excluded.region, qty = items.qty + 1;`, item, region, rng.IntN(100), rng.IntN(5000))
	}
	b.WriteString("COMMIT")
	return b.String()
}

// randomUUID is a UUID as PostgreSQL prints it.
func randomUUID(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// verify settles the mesh and checks I2 and I3 by the ledger, after the load was stopped: what was
// acknowledged is everywhere, nothing is there that nobody wrote, and each row was written exactly once.
func (l *load) verify() {
	l.m.t.Helper()
	l.m.settle()
	acknowledged, maybe := map[string]bool{}, map[string]bool{}
	for _, s := range l.doing {
		for _, id := range s.ids {
			acknowledged[id] = true
		}
		for _, id := range s.unknown {
			maybe[id] = true
		}
	}
	for _, r := range l.m.regions {
		there := map[string]bool{}
		for _, id := range r.query(`SELECT id FROM ledger`) {
			there[id] = true
			if !acknowledged[id] && !maybe[id] {
				l.m.t.Errorf("region %s: row %s of the ledger was never written", r.name, id)
			}
		}
		lost := 0
		for id := range acknowledged {
			if !there[id] {
				lost++
			}
		}
		if lost > 0 {
			l.m.t.Errorf("I2: region %s lacks %d of %d acknowledged transactions", r.name, lost, len(acknowledged))
		}
		for _, row := range r.query(`SELECT id, string_agg(op, ' ') FROM audit GROUP BY 1 HAVING count(*) <> 1 OR min(op) <> 'INSERT' LIMIT 5`) {
			l.m.t.Errorf("I3: region %s wrote a row of the ledger more than once: %s", r.name, row)
		}
	}
	l.m.t.Logf("%d transactions acknowledged, %d unanswered, %d conflicts recorded", len(acknowledged), len(maybe), l.m.conflicts())
}
