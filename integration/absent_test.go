package integration

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"bridge/admin"
)

// TestAbsentTopic: each region has a Kafka of its own, and one is away while another region must decide a conflict with a large
// transaction of it, of which it keeps only which rows it wrote. What the decision needs is in the topic that's away: that lane
// waits, and status, metrics and log tell for what. The others go on, but for what had seen its transactions. No row is locked
// meanwhile, and all goes on when the topic is back.
func TestAbsentTopic(t *testing.T) {
	t.Parallel()
	m := start(t, options{regions: 4, broker: embeddedEach, schema: workloadSchema + notes})
	eu, us, ap, sa := m.regions[0], m.regions[1], m.regions[2], m.regions[3]
	m.settle()
	us.bridge.pause(t)
	ap.exec(`INSERT INTO big SELECT i, 'ap', repeat(md5(i::text), 100) FROM generate_series(1, 3000) i`)
	eu.sees("3000", `SELECT count(*) FROM big`)
	sa.sees("3000", `SELECT count(*) FROM big`)
	m.broker[ap.index].kill(t)
	us.exec(`INSERT INTO big VALUES (7, 'ap', 'from us'); INSERT INTO notes VALUES (1, 'from us')`)
	us.bridge.signal(syscall.SIGCONT)

	var waits admin.Peer
	eventually(t, "eu says that what us wrote waits for ap's topic, which can't be read", func() (bool, string) {
		p, err := eu.peer(us)
		if err != nil {
			return false, err.Error()
		}
		waits = p
		away, err := eu.peer(ap)
		return err == nil && strings.HasSuffix(waits.WaitsForTopic, ".ap") && waits.WaitsSince != nil && away.ReadError != "", fmt.Sprintf("%+v %+v", waits, away)
	})
	if waits.Queued == 0 || waits.Stopped != "" {
		t.Errorf("of us, eu says %+v", waits)
	}
	eu.bridge.said(t, 0, "region waits for a topic that can't be read")
	if waited := eu.metric(`bridge_topic_wait_seconds{origin="us"}`); waited == "0" {
		t.Error("by its metrics, eu doesn't wait for a topic")
	}
	const transactions = 20
	for i := range transactions {
		sa.exec(fmt.Sprintf(`INSERT INTO notes VALUES (%d, 'from sa')`, 100+i))
	}
	eu.sees(fmt.Sprint(transactions), `SELECT count(*) FROM notes WHERE id >= 100`)
	eu.sees("0", `SELECT count(*) FROM notes WHERE id = 1`)
	eu.exec(`UPDATE big SET filler = 'from eu' WHERE id = 7`) // the row isn't locked
	if s, err := eu.status(); err != nil || !s.Ready {
		t.Errorf("eu isn't ready: %+v, %v", s, err)
	}
	m.broker[ap.index].start()
	m.settle()
	if p, err := eu.peer(us); err != nil || p.WaitsForTopic != "" || p.WaitsSince != nil {
		t.Errorf("when it's back, eu says of us %+v, %v", p, err)
	}
}
