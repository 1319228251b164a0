package integration

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

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
		r.exec(fmt.Sprintf(`INSERT INTO settled VALUES ('%s', %d) ON CONFLICT (region) DO UPDATE SET round = excluded.round`, r.name, m.rounds))
	}
	for _, r := range m.regions {
		eventually(m.t, "region "+r.name+" has all", func() (bool, string) {
			m.alive()
			rows, err := r.tryQuery(`SELECT region || '=' || round FROM settled ORDER BY 1`)
			if err != nil {
				return false, err.Error()
			}
			reached := 0
			for _, row := range rows {
				if strings.HasSuffix(row, fmt.Sprintf("=%d", m.rounds)) {
					reached++
				}
			}
			return reached == len(m.regions), fmt.Sprintf("round %d: %s; %s", m.rounds, rows, m.stops(r))
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

// equal checks I1: every replicated table is the same in every region, byte for byte.
func (m *mesh) equal() {
	m.t.Helper()
	for _, table := range m.tables() {
		first := m.regions[0].dump(table)
		for _, r := range m.regions[1:] {
			if other := r.dump(table); other != first {
				m.t.Errorf("I1: table %s differs between %s and %s:\n%s", table, m.regions[0].name, r.name, difference(first, other))
			}
		}
	}
}

// tables are the replicated tables, quoted.
func (m *mesh) tables() []string {
	m.t.Helper()
	return m.regions[0].query(`SELECT format('%I.%I', schemaname, tablename) FROM pg_publication_tables
		WHERE pubname = 'bridge' AND schemaname <> 'bridge' ORDER BY 1`)
}

// dump is a table's rows in the order of its key, columns by name.
func (r *region) dump(table string) string {
	r.mesh.t.Helper()
	columns := r.one(fmt.Sprintf(`SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname COLLATE "C") FROM pg_attribute
		WHERE attrelid = $$%s$$::regclass AND attnum > 0 AND NOT attisdropped`, table))
	key := r.one(fmt.Sprintf(`SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)
		FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = $$%s$$::regclass AND CASE t.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END`, table))
	var out bytes.Buffer
	err := r.with(func(conn *pgx.Conn) error {
		_, err := conn.PgConn().CopyTo(r.mesh.ctx, &out, fmt.Sprintf(`COPY (SELECT %s FROM %s ORDER BY %s) TO STDOUT`, columns, table, key))
		return err
	})
	if err != nil {
		r.mesh.t.Fatalf("region %s: %v", r.name, err)
	}
	return out.String()
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
	const heartbeats = 2
	for _, r := range m.regions {
		log := m.topic(r)
		defer log.Close()
		_, at, err := log.Bounds(m.ctx)
		if err != nil {
			m.t.Fatal(err)
		}
		for end := at + heartbeats; at < end; {
			records, err := log.Read(m.ctx, at)
			if err != nil {
				m.t.Fatal(err)
			}
			for _, raw := range records {
				if rec, err := wire.Decode(raw.Value); err != nil || rec.Kind != wire.HeartbeatMessage {
					m.t.Errorf("I6: topic of %s goes on to grow at offset %d (%v)", r.name, raw.Offset, err)
				}
				at = raw.Offset + 1
			}
		}
	}
}

// conflictsExplained checks that bridge.conflicts is what an operator can go by: known words, a table that
// is replicated, the versions that took part, and one of them the winner.
func (m *mesh) conflictsExplained() {
	m.t.Helper()
	for _, r := range m.regions {
		bad := r.query(`SELECT type, outcome, key, versions FROM bridge.conflicts c
			WHERE type NOT IN ('insert_exists', 'insert_concurrent', 'update_concurrent', 'update_missing', 'delete_concurrent', 'delete_missing', 'truncate_concurrent')
			   OR outcome NOT IN ('applied', 'kept', 'merged')
			   OR NOT EXISTS (SELECT FROM pg_publication_tables WHERE schemaname = table_schema AND tablename = table_name)
			   OR jsonb_array_length(versions) < 2
			   OR (SELECT count(*) FROM jsonb_array_elements(versions) v WHERE (v ->> 'won')::boolean) <> 1 LIMIT 5`)
		for _, row := range bad {
			m.t.Errorf("region %s: bridge.conflicts has %s", r.name, row)
		}
	}
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
