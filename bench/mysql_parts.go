package main

import (
	"context"
	"fmt"

	"bridge/internal/testserver"
)

// mysqlDrains are the parts m1 (MySQL) and m2 (MariaDB). Each draws the same backlogs: a and b of single-row
// transactions, c and d of 100 rows each; b and d with commits that wait for the disk.
var mysqlDrains = []struct {
	part    string
	kind    mysqlKind
	backlog int     // in backlogs
	least   float64 // ratio to the replica with 4 workers
}{
	{"m1a", mysqlKind{testserver.FlavorMySQL, false}, 0, 3},
	{"m1b", mysqlKind{testserver.FlavorMySQL, true}, 0, 3},
	{"m1c", mysqlKind{testserver.FlavorMySQL, false}, 1, 1},
	{"m1d", mysqlKind{testserver.FlavorMySQL, true}, 1, 1},
	{"m2a", mysqlKind{testserver.FlavorMariaDB, false}, 0, 3},
	{"m2b", mysqlKind{testserver.FlavorMariaDB, true}, 0, 3},
	{"m2c", mysqlKind{testserver.FlavorMariaDB, false}, 1, 1},
	{"m2d", mysqlKind{testserver.FlavorMariaDB, true}, 1, 1},
}

// measureMySQL is part (m): bridge with MySQL and MariaDB, through the first broker only.
func (m *meter) measureMySQL(ctx context.Context) error {
	for _, d := range mysqlDrains {
		if !m.wants(d.part) {
			continue
		}
		if err := m.measureMySQLDrain(ctx, d.part, d.kind, &backlogs[d.backlog], atLeastRatio(d.least)); err != nil {
			return err
		}
	}
	if m.wants("m3") {
		if err := m.measureMySQLLags(ctx); err != nil {
			return err
		}
	}
	if m.wants("m4") {
		return m.measureMixed(ctx)
	}
	return nil
}

func (m *meter) measureMySQLDrain(ctx context.Context, part string, kind mysqlKind, w *backlog, least bar) error {
	one, four, b := replica{kind.flavor, 1}, replica{kind.flavor, 4}, m.bridges[0]
	if kind.flavor == testserver.FlavorMariaDB {
		one.workers = 0 // a single worker is none beside the replica's own thread
	}
	sizes := m.sizes.forMySQL(kind.durable)
	name := fmt.Sprintf("%s, %s", w.name, kind)
	got, err := m.drains(ctx, &drain{part: part, name: name, backlog: w, sizes: sizes, where: kind.pairs(sizes)}, []contestant{one, four, b})
	if err != nil {
		return err
	}
	name = fmt.Sprintf("%s %s, %s", part, name, b.variant())
	m.add(newResult(name, "rows/s", got.rates[b.Name()], four.Name(), got.rates[four.Name()], least))
	m.add(newResult(name, "rows/s", got.rates[b.Name()], one.Name(), got.rates[one.Name()], bar{}))
	m.add(newResult(name+", processor time", "us/row", got.costs[b.Name()], four.Name(), got.costs[four.Name()], bar{}))
	return nil
}

// measureMixed is part m4: PostgreSQL to MySQL and back. There's no peer that does it, so bridge between two
// PostgreSQL is beside it. That commits asynchronously there, and MySQL's servers do as much.
func (m *meter) measureMixed(ctx context.Context) error {
	b, kind := m.bridges[0], mysqlKind{flavor: testserver.FlavorMySQL}
	sizes := m.sizes.forMySQL(kind.durable)
	postgres := m.servers.from("accounts")
	for _, w := range []*backlog{&backlogs[0], &backlogs[1]} {
		rates := map[string]samples{}
		const between = "PostgreSQL to PostgreSQL"
		for _, route := range []struct {
			name  string
			where place
		}{
			{between, postgres},
			{"PostgreSQL to MySQL", place{postgres.source, kind.side(sizes)}},
			{"MySQL to PostgreSQL", place{kind.side(sizes), postgres.target}},
		} {
			d := &drain{part: "m4", name: route.name + ", " + w.name, backlog: w, sizes: sizes, where: route.where}
			got, err := m.drains(ctx, d, []contestant{b})
			if err != nil {
				return err
			}
			rates[route.name] = got.rates[b.Name()]
			if route.name != between {
				name := fmt.Sprintf("m4 %s, %s (%s), %s", w.name, route.name, kind, b.variant())
				m.add(newResult(name, "rows/s", rates[route.name], "bridge, "+between, rates[between], bar{}))
			}
		}
	}
	return nil
}

// forMySQL are sizes that take seconds there, too: native replication is several times as slow as PostgreSQL's, most
// of all where each commit waits for the disk.
func (s sizes) forMySQL(durable bool) sizes {
	if durable {
		s.transactions, s.groups = s.transactions/5, s.groups/2
	} else {
		s.transactions /= 2
	}
	return s
}
