package integration

import (
	"fmt"
	"syscall"
	"testing"
)

// TestAbsentTopic: each region has a Kafka of its own, and one is away while another region must decide a conflict with a large
// transaction of it, of which it keeps only which rows it wrote. What the decision needs is in the topic that's away: it waits, and
// the test tells who waits with it. No row is locked meanwhile, and all goes on when the topic is back.
func TestAbsentTopic(t *testing.T) {
	t.Parallel()
	m := start(t, options{regions: 4, broker: embeddedEach, schema: workloadSchema + notes})
	eu, us, ap, sa := m.regions[0], m.regions[1], m.regions[2], m.regions[3]
	m.settle()
	us.bridge.signal(syscall.SIGSTOP)
	ap.exec(`INSERT INTO big SELECT i, 'ap', repeat(md5(i::text), 100) FROM generate_series(1, 3000) i`)
	eu.sees("3000", `SELECT count(*) FROM big`)
	sa.sees("3000", `SELECT count(*) FROM big`)
	m.broker[ap.index].kill(t)
	us.exec(`INSERT INTO big VALUES (7, 'ap', 'from us'); INSERT INTO notes VALUES (1, 'from us')`)
	us.bridge.signal(syscall.SIGCONT)
	eventually(t, "eu has what us wrote, and can't decide it", func() (bool, string) {
		p, err := eu.peer(us)
		return err == nil && p.Queued > 0, fmt.Sprintf("%+v %v", p, err)
	})

	const transactions = 20
	for i := range transactions {
		sa.exec(fmt.Sprintf(`INSERT INTO notes VALUES (%d, 'from sa')`, 100+i))
	}
	var applied string
	eventually(t, "eu has what sa wrote, applied or not", func() (bool, string) {
		applied = eu.one(`SELECT count(*) FROM notes WHERE id >= 100`)
		p, err := eu.peer(sa)
		return err == nil && (p.Queued >= transactions || applied == fmt.Sprint(transactions)), fmt.Sprintf("%+v %v", p, err)
	})
	p, _ := eu.peer(us)
	t.Logf("while ap's topic is away, eu applies %s of sa's %d transactions; of us it says %+v", applied, transactions, p)
	eu.exec(`UPDATE big SET filler = 'from eu' WHERE id = 7`) // the row isn't locked
	m.broker[ap.index].start()
	m.settle()
}
