package integration

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"bridge/change"
	"bridge/loopguard"
	"bridge/wire"
)

const notes = `CREATE TABLE notes (id int PRIMARY KEY, note text);`

// TestHostileTopics appends to four regions' topics what doesn't belong there. Every other region stops that
// region's stream, says at which record, and goes on with the fifth's; a bridge that starts later, too.
func TestHostileTopics(t *testing.T) {
	t.Parallel()
	m := start(t, options{regions: 5, schema: notes})
	m.settle()
	heartbeat := func(cluster, region string) []byte {
		return wire.Heartbeat(cluster, change.NewOrigin(region, 1), loopguard.State{}, change.Position{}, 0)
	}
	newer := heartbeat(m.cluster, "sa")
	newer[bytes.Index(newer, []byte(m.cluster))-3] = 200 // the version stands before kind and length
	places := map[string][]string{}
	for i, record := range [][]byte{
		[]byte("\x00\xffnot of bridge"),
		heartbeat("elsewhere", "us"),
		heartbeat(m.cluster, "af"),
		newer,
	} {
		r := m.regions[i]
		log := m.topic(r)
		defer log.Close()
		offset, err := log.Append(m.ctx, [][]byte{record})
		if err != nil {
			t.Fatal(err)
		}
		places[r.name] = []string{m.topicName(r), fmt.Sprintf("offset %d", offset)}
	}
	last := m.regions[4]
	stopped := func() {
		t.Helper()
		for _, r := range m.regions {
			for _, hostile := range m.regions[:4] {
				if r != hostile {
					r.stopped(hostile, places[hostile.name]...)
				}
			}
		}
	}
	stopped()
	last.exec(`INSERT INTO notes VALUES (1, 'flows')`)
	last.kill()
	last.start()
	stopped()
	last.exec(`INSERT INTO notes VALUES (2, 'flows')`)
	for _, r := range m.regions {
		r.sees("2", `SELECT count(*) FROM notes`)
	}
	m.alive()
	m.leave("four streams can't go on")
}

// TestLostRecords takes records away that a region hasn't read. It stops that stream because of the gap, and
// goes on to ship its own. What others wrote after they had seen the lost transactions must not come before
// them, so it doesn't come. A region whose topic was made anew under its bridge finds out by itself.
func TestLostRecords(t *testing.T) {
	for _, kind := range []brokerKind{embeddedBroker, apacheKafka} {
		for _, c := range []struct {
			name string
			lose func(*mesh, *region)
			ends bool // the origin's own bridge
		}{
			{"expired", (*mesh).deleteRecords, false},
			{"topic made anew", (*mesh).recreateTopic, true},
		} {
			t.Run(kind.String()+", "+c.name, func(t *testing.T) {
				t.Parallel()
				m := start(t, options{regions: 3, broker: kind, schema: notes})
				eu, us, ap := m.regions[0], m.regions[1], m.regions[2]
				m.settle()
				us.kill()
				for i := range 10 {
					eu.exec(fmt.Sprintf(`INSERT INTO notes VALUES (%d, 'lost')`, i))
				}
				ap.sees("10", `SELECT count(*) FROM notes`)
				c.lose(m, eu)
				eu.exec(`INSERT INTO notes VALUES (10, 'after the gap')`)
				us.start()
				us.stopped(eu, "gap", eu.name, "offset")
				ap.exec(`INSERT INTO notes VALUES (100, 'has seen the lost ones')`)
				eventually(t, "us tells that ap waits for eu", func() (bool, string) {
					p, err := us.peer(ap)
					return err == nil && p.WaitsFor == eu.name, fmt.Sprintf("%+v %v", p, err)
				})
				us.exec(`INSERT INTO notes VALUES (101, 'flows')`)
				ap.sees("101", `SELECT id FROM notes WHERE id > 100`)
				if c.ends {
					if code := eu.bridge.wait(t); code != 1 || !strings.Contains(eu.log.String(), m.topicName(eu)+": records came to lie at offset 0") {
						t.Errorf("exit status %d, want 1 and a word on the topic:\n%s", code, lastLines(eu.log.String(), 3))
					}
					eu.start() // it knows no more than that the topic goes on where it does
				}
				eu.sees("101", `SELECT id FROM notes WHERE id > 100`)
				eu.sees("1", `SELECT count(*) FROM notes WHERE id = 100`)
				if got := us.query(`SELECT id FROM notes WHERE id <= 100`); len(got) > 0 {
					t.Errorf("I5: %s has rows %s without what they had seen", us.name, got)
				}
				m.alive()
				m.leave("one stream can't go on")
			})
		}
	}
}

// TestSlotDropped: without its slot a bridge can't know what it missed. It ends and says so.
func TestSlotDropped(t *testing.T) {
	t.Parallel()
	m := start(t, options{schema: notes})
	m.settle()
	r := m.regions[0]
	eventually(t, "the slot is dropped", func() (bool, string) {
		err := r.try(fmt.Sprintf(`SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '%[1]s';
			SELECT pg_drop_replication_slot('%[1]s')`, r.db.slot))
		return err == nil, fmt.Sprint(err)
	})
	if code := r.bridge.wait(t); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	for _, text := range []string{r.db.slot, "does not exist", "The slot is lost"} {
		if !strings.Contains(r.log.String(), text) {
			t.Errorf("the log doesn't say %q:\n%s", text, lastLines(r.log.String(), 3))
		}
	}
	m.leave("a region lost its slot")
}

// TestProgressEdited: a bridge doesn't believe a bridge.progress that says other than its topics.
func TestProgressEdited(t *testing.T) {
	for _, c := range []struct {
		name string
		by   int
		find func(us, eu *region)
	}{
		{"back", -1, func(us, eu *region) {
			us.launch()
			if code := us.bridge.wait(t); code != 1 || !strings.Contains(us.log.String(), "but bridge.progress says 10") {
				t.Errorf("exit status %d, want 1 and a word on bridge.progress:\n%s", code, lastLines(us.log.String(), 3))
			}
		}},
		{"forth", +3, func(us, eu *region) {
			us.start()
			us.stopped(eu, "gap", "made anew")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := start(t, options{schema: notes})
			eu, us := m.regions[0], m.regions[1]
			for i := range 10 {
				eu.exec(fmt.Sprintf(`INSERT INTO notes VALUES (%d, '')`, i))
			}
			m.settle()
			m.quiet() // by now the region has told what it had seen
			us.kill()
			us.exec(fmt.Sprintf(`UPDATE bridge.progress SET seq = seq + %d WHERE seq = 11`, c.by))
			c.find(us, eu)
			m.leave("what the region has can't be known")
		})
	}
}

// TestStandby starts a second bridge for a region: it waits, and takes over when the first is killed.
func TestStandby(t *testing.T) {
	onEach(t, pairs, func(t *testing.T, engines []string) {
		m := start(t, withWorkload(options{engines: engines}))
		l := m.load(loadRate(60))
		r := m.regions[0]
		for range 3 {
			l.untilEach(20)
			first := r.bridge
			skip := r.launch()
			r.bridge.said(t, skip, "waiting as standby")
			l.untilEach(10)
			if !r.bridge.running() {
				t.Fatal("the standby didn't wait")
			}
			first.kill(t)
			r.bridge.said(t, skip, `"region is running"`)
		}
		l.untilEach(20)
		l.stop()
		l.verify()
	})
}
