package integration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"bridge/apply"
	"bridge/change"
	"bridge/stream/kafka"
	"bridge/wire"
)

// settle waits until everything that was committed before it, in any region, is in every region: each
// writes a row, and a stream is applied in its order, so where the row is, all before it is.
func (m *mesh) settle() {
	m.t.Helper()
	m.rounds++
	for _, r := range m.regions {
		r.exec(fmt.Sprintf(`INSERT INTO settled VALUES ('%s', %d)`, r.name, m.rounds))
	}
	for _, r := range m.regions {
		eventually(m.t, "region "+r.name+" has all", func() (bool, string) {
			m.alive()
			rows, err := r.tryQuery(fmt.Sprintf(`SELECT region FROM settled WHERE round = %d ORDER BY 1`, m.rounds))
			if err != nil {
				return false, err.Error()
			}
			return len(rows) == len(m.regions), fmt.Sprintf("round %d: %s; %s", m.rounds, rows, m.stops(r))
		})
	}
}

// alive fails the test when a bridge has ended that should run.
func (m *mesh) alive() {
	m.t.Helper()
	for _, r := range m.regions {
		if r.bridge == nil || !r.bridge.running() {
			m.t.Fatalf("the bridge of %s doesn't run", r.name)
		}
	}
}

func (m *mesh) stops(r *region) string {
	s, err := r.status()
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("phase %s, error %q", s.Phase, s.Error)
	for _, p := range s.Peers {
		text += fmt.Sprintf("; %s applied %d queued %d stopped %q", p.Region, p.Applied, p.Queued, p.Stopped)
	}
	return text
}

// check settles the mesh and checks what must hold then.
func (m *mesh) check() {
	m.t.Helper()
	m.settle()
	if m.t.Failed() {
		return
	}
	m.equal()
	m.once()
	m.conflictsExplained()
	m.quiet()
	for _, r := range m.regions {
		if s, err := r.status(); err != nil || !s.Ready {
			m.t.Errorf("region %s isn't ready (%v): %s", r.name, err, m.stops(r))
		}
	}
}

// equal checks I1: every replicated table is the same in every region, to the byte among regions of one
// engine.
func (m *mesh) equal() {
	m.t.Helper()
	all := make([][]string, len(m.regions)) // each region's tables, in one order, by the names that they have there
	for i, r := range m.regions {
		var err error
		if all[i], err = r.database.tables(); err != nil {
			m.t.Fatalf("region %s: %v", r.name, err)
		}
		if len(all[i]) != len(all[0]) {
			m.t.Fatalf("%s has tables %s, %s has %s", m.regions[0].name, all[0], r.name, all[i])
		}
	}
	for i, table := range all[0] {
		first := m.regions[0].dump(table)
		for k, r := range m.regions[1:] {
			if other := r.dump(all[k+1][i]); other != first {
				m.t.Errorf("I1: table %s differs between %s and %s:\n%s", table, m.regions[0].name, r.name, difference(first, other))
			}
		}
	}
}

func (r *region) dump(table string) string {
	r.mesh.t.Helper()
	text, err := r.database.dump(table, r.mesh.mixed())
	if err != nil {
		r.mesh.t.Fatalf("region %s: table %s: %v", r.name, table, err)
	}
	return text
}

// difference shows some lines that only one of two texts has.
func difference(a, b string) string {
	const most, width = 10, 300
	only := func(mark, a, b string) (out []string) {
		has := map[string]bool{}
		for line := range strings.Lines(b) {
			has[line] = true
		}
		for line := range strings.Lines(a) {
			if !has[line] {
				out = append(out, fmt.Sprintf("%s %.*s", mark, width, strings.TrimSuffix(line, "\n")))
			}
		}
		return append(out[:min(len(out), most):min(len(out), most)], fmt.Sprintf("%s %d lines", mark, len(out)))
	}
	return strings.Join(append(only("-", a, b), only("+", b, a)...), "\n")
}

// topic opens a region's topic.
func (m *mesh) topic(r *region) *kafka.Log {
	m.t.Helper()
	log, err := kafka.Open(kafka.Config{Brokers: []string{m.addrs[r.index]}, Topic: m.topicName(r), ClientID: "integration"})
	if err != nil {
		m.t.Fatal(err)
	}
	return log
}

func (m *mesh) topicName(r *region) string { return "bridge." + m.cluster + "." + r.name }

// once checks I3 as far as it's written down: each origin's topic has each of its transactions, and
// bridge.progress says in every region that exactly these were applied. (That none changed a region twice
// is the workload's audit to say.)
func (m *mesh) once() {
	m.t.Helper()
	for _, origin := range m.regions {
		seq := m.published(origin)
		for _, r := range m.regions {
			if r == origin {
				continue
			}
			got := r.one(fmt.Sprintf(`SELECT coalesce(max(seq), 0) FROM bridge.progress WHERE origin = '%s'`, change.NewOrigin(origin.name, 1)))
			if got != fmt.Sprint(seq) {
				m.t.Errorf("I3: region %s has applied %s of %s's %d transactions", r.name, got, origin.name, seq)
			}
		}
	}
}

// published reads a region's whole topic and checks that it has every transaction, in order, from the first
// record that's left; it gives the number of the last one.
func (m *mesh) published(r *region) (seq uint64) {
	m.t.Helper()
	log := m.topic(r)
	defer log.Close()
	at, end, err := log.Bounds(m.ctx)
	if err != nil {
		m.t.Fatal(err)
	}
	decoder := wire.NewDecoder(m.cluster)
	var inbox *apply.Inbox
	for at < end {
		records, err := log.Read(m.ctx, at)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, raw := range records {
			rec, err := decoder.Decode(raw.Value)
			if err != nil {
				m.t.Fatalf("topic of %s, offset %d: %v", r.name, raw.Offset, err)
			}
			if inbox == nil {
				before := rec.State.Seq
				if rec.Kind == wire.Data {
					before = rec.First - 1
				}
				inbox = apply.NewInbox(rec.Origin, before)
			}
			for i := range rec.Transactions {
				if _, err := inbox.Take(&rec.Transactions[i], raw.Offset); err != nil {
					m.t.Fatal(err)
				}
			}
			at = raw.Offset + 1
		}
	}
	if inbox == nil {
		return 0
	}
	return inbox.Seq()
}

// quiet checks I6: of a settled mesh, nothing but heartbeats comes to the topics.
func (m *mesh) quiet() {
	m.t.Helper()
	logs := make([]*kafka.Log, len(m.regions))
	for i, r := range m.regions {
		logs[i] = m.topic(r)
		defer logs[i].Close()
	}
	m.each(func(r *region) error { return r.quiet(logs[r.index]) })
}

// quiet waits for some more records of the region's topic.
func (r *region) quiet(log *kafka.Log) error {
	const heartbeats = 2
	ctx := r.mesh.ctx
	_, at, err := log.Bounds(ctx)
	if err != nil {
		return err
	}
	for end := at + heartbeats; at < end; {
		records, err := log.Read(ctx, at)
		if err != nil {
			return err
		}
		for _, raw := range records {
			if rec, err := wire.Decode(raw.Value); err != nil || rec.Kind != wire.HeartbeatMessage {
				return fmt.Errorf("I6: its topic goes on to grow at offset %d (%v)", raw.Offset, err)
			}
			at = raw.Offset + 1
		}
	}
	return nil
}

// conflictsExplained checks that bridge.conflicts is what an operator can go by: known words, a table that
// is replicated, the versions that took part, and one of them the winner.
func (m *mesh) conflictsExplained() {
	m.t.Helper()
	for _, r := range m.regions {
		tables, err := r.database.tables()
		if err != nil {
			m.t.Fatalf("region %s: %v", r.name, err)
		}
		for i, name := range tables { // as between the regions
			if after, ok := strings.CutPrefix(name, "shop."); ok {
				tables[i] = "public." + after
			}
		}
		rows, err := r.database.rows(`SELECT table_schema, table_name, type, outcome, versions FROM bridge.conflicts`)
		if err != nil {
			m.t.Fatalf("region %s: %v", r.name, err)
		}
		for _, row := range rows {
			if err := explained(tables, row); err != nil {
				m.t.Errorf("region %s: bridge.conflicts has %.300s: %v", r.name, row, err)
				break
			}
		}
	}
}

var (
	conflictTypes = strings.Fields(`insert_exists insert_concurrent update_concurrent update_missing delete_concurrent
		delete_missing truncate_concurrent update_exists multiple_unique_conflicts parent_missing row_refused`)
	outcomes = []string{"applied", "kept", "merged", "parked", "altered", "dropped", "restored"}
	hidden   = outcomes[3:] // by constraints
)

// explained takes a row of bridge.conflicts: schema, table, type, outcome, versions.
func explained(tables, row []string) error {
	table, kind, outcome := row[0]+"."+row[1], row[2], row[3]
	var versions []struct {
		Won bool `json:"won"`
	}
	if err := json.Unmarshal([]byte(row[4]), &versions); err != nil {
		return err
	}
	won := 0
	for _, v := range versions {
		if v.Won {
			won++
		}
	}
	switch {
	case !slices.Contains(conflictTypes, kind):
		return fmt.Errorf("unknown type %s", kind)
	case !slices.Contains(outcomes, outcome):
		return fmt.Errorf("unknown outcome %s", outcome)
	case !slices.Contains(tables, table):
		return fmt.Errorf("table %s isn't one of the replicated %s", table, tables)
	case slices.Contains(hidden, outcome) && len(versions) > 0 && won <= 1: // what's in the way may be known to all already
	case len(versions) < 2 || won != 1:
		return fmt.Errorf("%d versions, %d of them the winner", len(versions), won)
	}
	return nil
}

// conflicts counts the decided conflicts of all regions.
func (m *mesh) conflicts() (n int) {
	m.t.Helper()
	for _, r := range m.regions {
		var k int
		fmt.Sscan(r.one(`SELECT count(*) FROM bridge.conflicts`), &k)
		n += k
	}
	return n
}
