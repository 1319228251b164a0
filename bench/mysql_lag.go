package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/go-mysql-org/go-mysql/replication"
	"golang.org/x/sync/errgroup"

	"bridge/internal/testserver"
)

// measureMySQLLags is part m3, as part b is PostgreSQL's: visible is when the target has committed a probe, as its
// binary log tells. MariaDB's log has only the second.
func (m *meter) measureMySQLLags(ctx context.Context) error {
	kind := mysqlKind{flavor: testserver.FlavorMySQL}
	four, b := replica{kind.flavor, 4}, m.bridges[0]
	p50, p99 := samplesOf{}, samplesOf{}
	for range m.runs {
		for _, c := range []contestant{four, b} {
			lags, err := m.mysqlLags(ctx, kind, c)
			if err != nil {
				return fmt.Errorf("lag of %s, %s: %w", kind.flavor, c.Name(), err)
			}
			a, z := percentile(lags, 50), percentile(lags, 99)
			p50.add(c, a)
			p99.add(c, z)
			m.say("m3 lag at %d transactions/s, %s: %s p50 %.2f ms, p99 %.2f ms (%d probes)", m.sizes.rate, kind, c.Name(), a, z, len(lags))
		}
	}
	name := fmt.Sprintf("at %d tps, %s, %s", m.sizes.rate, kind, b.variant())
	m.add(newResult("m3 lag p50 "+name, "ms", p50[b.Name()], four.Name(), p50[four.Name()], bar{}))
	m.add(newResult("m3 lag p99 "+name, "ms", p99[b.Name()], four.Name(), p99[four.Name()], bar{}))
	return nil
}

// mysqlLags probes one contestant.
func (m *meter) mysqlLags(ctx context.Context, kind mysqlKind, c contestant) (lags []time.Duration, err error) {
	err = m.with(ctx, kind.pairs(m.sizes), c, func(p *pair) error {
		if err := p.flowing(ctx, c); err != nil {
			return err
		}
		const warm = time.Second
		measured := time.Duration(m.sizes.seconds) * time.Second
		group, groupCtx := errgroup.WithContext(ctx)
		const clients = 4
		for i := range clients {
			group.Go(func() error {
				return p.source.(*mysqlServer).load(groupCtx, rand.New(rand.NewPCG(42, uint64(i))), m.sizes, clients, warm+measured)
			})
		}
		returned, err := p.probes(ctx, warm, measured)
		if failed := group.Wait(); failed != nil {
			return failed
		}
		if err != nil {
			return err
		}
		if err := p.caughtUp(ctx); err != nil {
			return err
		}
		commits, err := p.target.(*mysqlServer).probeCommits(ctx)
		if err != nil {
			return err
		}
		for probe, at := range returned {
			visible, ok := commits[probe]
			if !ok {
				return fmt.Errorf("probe %d isn't in the target's log", probe)
			}
			lags = append(lags, max(0, visible.Sub(at))) // the target can be first
		}
		return p.MustEqual(ctx, "acc")
	})
	return lags, err
}

// load is one of several clients that do what lagScript does, together at the rate of s, at random times.
func (m *mysqlServer) load(ctx context.Context, random *rand.Rand, s sizes, clients int, duration time.Duration) error {
	conn, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Exec(ctx, "USE bench"); err != nil {
		return err
	}
	end := time.Now().Add(duration)
	third := s.rows / 3
	for next := time.Now(); next.Before(end); {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Until(next)):
		}
		sql := "BEGIN;"
		for i := range 3 {
			sql += fmt.Sprintf("UPDATE acc SET a = a + 1, at = now(6) WHERE id = %d;", 1+i*third+random.IntN(third))
		}
		if _, err := conn.Exec(ctx, sql+"COMMIT"); err != nil {
			return fmt.Errorf("load: %w", err)
		}
		mean := time.Second * time.Duration(clients) / time.Duration(s.rate)
		next = next.Add(time.Duration(random.ExpFloat64() * float64(mean)))
	}
	return nil
}

// probeCommits is when the server committed each row of probe. The log has the time at which a transaction was
// written to it, right before it's visible where that doesn't wait for the disk.
func (m *mysqlServer) probeCommits(ctx context.Context) (map[int]time.Time, error) {
	logs, err := m.One(ctx, "SHOW BINARY LOGS")
	if err != nil {
		return nil, err
	}
	commits := map[int]time.Time{}
	var committed time.Time
	parser := replication.NewBinlogParser()
	for _, row := range logs.Rows {
		name, _ := row[0].Text()
		err := parser.ParseFile(filepath.Join(m.server.DataDir(), name), 0, func(e *replication.BinlogEvent) error {
			switch event := e.Event.(type) {
			case *replication.GTIDEvent:
				committed = event.ImmediateCommitTime()
			case *replication.RowsEvent:
				if string(event.Table.Table) == "probe" {
					for _, row := range event.Rows {
						commits[int(row[0].(int32))] = committed
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the log %s: %w", name, err)
		}
	}
	return commits, nil
}
