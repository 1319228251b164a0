package integration

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/internal/testserver"
)

// TestSynchronousStandby: a transaction that waits for a synchronous standby is in the log, and nobody sees it. A peer
// that had it could delete its row, and all regions forget that, before the row appears where it was made. So it's
// published only when it's visible; the rest of the bridge goes on meanwhile.
func TestSynchronousStandby(t *testing.T) {
	t.Parallel()
	m := newMesh(t, options{servers: true, schema: `CREATE TABLE waiting (id int PRIMARY KEY, note text);`})
	eu, us := m.regions[0], m.regions[1]
	ctx, cancel := context.WithTimeout(m.ctx, patience)
	t.Cleanup(cancel)
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(ctx, eu.db.Server.SocketDSN(eu.db.Name, testserver.Superuser))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(m.ctx) }) //nolint:errcheck // the server goes
		return conn
	}
	application, dba := connect(), connect()
	standby := func(sql string) {
		for _, s := range []string{`SET synchronous_commit = local`, sql, `SELECT pg_reload_conf()`} {
			if _, err := dba.Exec(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	standby(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
	eventually(t, "eu's server has heard of the standby", func() (ok bool, state string) {
		err := application.QueryRow(ctx, `SHOW synchronous_standby_names`).Scan(&state)
		return err == nil && state != "", fmt.Sprint(state, err)
	})
	for _, r := range m.regions {
		r.start()
	}
	committed := make(chan error, 1)
	go func() {
		_, err := application.Exec(ctx, `INSERT INTO waiting VALUES (1, 'from eu')`)
		committed <- err
	}()
	eventually(t, "eu's bridge has read the insert", func() (bool, string) {
		s, err := eu.status()
		return err == nil && s.Local.Transactions == 1, fmt.Sprintf("%+v %v", s.Local, err)
	})
	us.exec(`DELETE FROM waiting WHERE id = 1`)
	for round := range 10 {
		us.exec(fmt.Sprintf(`INSERT INTO waiting VALUES (2, 'round %d') ON CONFLICT (id) DO UPDATE SET note = excluded.note`, round))
		want := fmt.Sprintf("round %d", round)
		eventually(t, "eu goes on applying", func() (bool, string) {
			rows := eu.query(`SELECT note FROM waiting`)
			return len(rows) == 1 && rows[0] == want, fmt.Sprint(rows)
		})
	}
	if s, err := eu.status(); err != nil || s.Seq != 0 {
		t.Errorf("eu has published transaction %d before anybody could see it (%v)", s.Seq, err)
	}
	eventually(t, "eu tells what it waits for", func() (bool, string) {
		s, err := eu.status()
		return err == nil && s.StalledSince != nil && s.PublishError != "", fmt.Sprintf("%+v %v", s, err)
	})
	select {
	case err := <-committed:
		t.Fatalf("the commit didn't wait: %v", err)
	default:
	}
	standby(`ALTER SYSTEM RESET synchronous_standby_names`)
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	m.settle()
	for _, r := range m.regions {
		if rows := r.query(`SELECT note FROM waiting ORDER BY id`); len(rows) != 2 || rows[0] != "from eu" {
			t.Errorf("region %s has %q", r.name, rows)
		}
	}
}
