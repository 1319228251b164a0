package mysql

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	library "github.com/go-mysql-org/go-mysql/mysql"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// seats are what regions that have seen the same show and park of shop.seat.
const seats = `SELECT 'shown', region, id, who FROM shop.seat UNION ALL SELECT 'parked', table_name, row_key, json_value(image, '$.who') FROM bridge.parked ORDER BY 1, 2, 3`

// sameSeats waits until all regions show the same rows, and park the same: a parked row is looked at again when nothing else is to be
// done.
func (m *mesh) sameSeats() []string {
	m.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		first := servertest.QueryMySQL(m.t, m.places[0].server, "", seats)
		if !slices.ContainsFunc(m.places[1:], func(p *place) bool { return !slices.Equal(servertest.QueryMySQL(m.t, p.server, "", seats), first) }) {
			return first
		}
		if time.Now().After(deadline) {
			for _, p := range m.places {
				m.t.Errorf("region %s has\n%s\n%+v", p.name, strings.Join(servertest.QueryMySQL(m.t, p.server, "", seats), "\n"), p.node.Status())
			}
			m.t.FailNow()
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestUniqueInAnyCase: texts that differ in case, in accents and in blanks at their end are one value, of which one row is shown, the
// same in every region; also when servers die. The other is parked, and back once the value is free.
func TestUniqueInAnyCase(t *testing.T) {
	m := newMesh(t, testserver.FlavorMySQL, testserver.FlavorMariaDB)
	eu, us := m.places[0], m.places[1]
	servertest.ExecMySQL(t, eu.server, "shop", "INSERT INTO seat VALUES ('x', 1, 'Ánna')")
	servertest.ExecMySQL(t, us.server, "shop", "INSERT INTO seat VALUES ('x', 2, 'ANNA ')")
	for _, p := range m.places {
		m.start(p)
	}
	m.settle()
	shown := m.sameSeats()
	if len(shown) != 2 {
		t.Fatalf("one isn't shown and one parked: %q", shown)
	}
	servertest.ExecMySQL(t, us.server, "shop", "UPDATE seat SET who = 'Bea'")
	m.settle()
	if shown = m.sameSeats(); len(shown) != 2 || !strings.HasPrefix(shown[0], "shown") {
		t.Fatalf("the value is free, and there are %q", shown)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round, p := range m.places {
		m.takeSeats(seed + uint64(round))
		p.server.Kill()
		if err := p.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.takeSeats(seed + uint64(10+round))
		m.settle()
		t.Logf("%q", m.sameSeats())
	}
}

// takeSeats has all regions write the same few rows and values at once.
func (m *mesh) takeSeats(seed uint64) {
	m.t.Helper()
	names := []string{"a", "A", "á ", "b", "B ", "c", "C", "d"}
	var all sync.WaitGroup
	for i, p := range m.places {
		conn := servertest.ConnectMySQL(m.t, p.server, "shop")
		all.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for range 60 {
				id, who := rng.IntN(7), names[rng.IntN(len(names))]
				sql := "UPDATE seat SET who = '%[2]s' WHERE id = %[1]d"
				switch rng.IntN(8) {
				case 0:
					sql = "DELETE FROM seat WHERE id = %d AND who <> '%s'"
				case 1, 2, 3:
					sql = "INSERT INTO seat VALUES ('x', %d, '%s')"
				}
				_, err := conn.Execute(fmt.Sprintf(sql, id, who))
				if server := (*library.MyError)(nil); err != nil && (!errors.As(err, &server) || !slices.Contains([]uint16{1062, 1205, 1213}, server.Code)) {
					m.t.Errorf("application in %s: %v", p.name, err)
					return
				}
			}
		})
	}
	all.Wait()
}
