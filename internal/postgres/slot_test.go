package postgres_test

import (
	"strings"
	"testing"

	"bridge/internal/postgres"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// The snapshot shows what was committed before the slot's beginning, and nothing after it.
func TestCreateSlotSnapshot(t *testing.T) {
	t.Parallel()
	for _, version := range []int{15, 18} {
		db := servertest.Database(t, version)
		failover := version >= 17
		ctx := t.Context()
		conn := servertest.Connect(t, db.SocketDSN())
		servertest.Exec(t, db.SocketDSN(), `CREATE TABLE t (id int); INSERT INTO t VALUES (1)`)
		server := postgres.Server{Host: db.Server.SocketDir(), Port: uint16(db.Server.Port()), Database: db.Name, User: testserver.Superuser}
		name := "slot_" + db.Name
		if version < 17 {
			if _, err := postgres.CreateSlotSnapshot(ctx, server, postgres.Session{}, name, true); err == nil || !strings.Contains(err.Error(), "database.failover_slot") {
				t.Errorf("a failover slot on %d: %v", version, err)
			}
		}
		made, err := postgres.CreateSlotSnapshot(ctx, server, postgres.Session{Name: "test"}, name, failover)
		if err != nil {
			t.Fatal(err)
		}
		servertest.Exec(t, db.SocketDSN(), `INSERT INTO t VALUES (2)`)
		var n int
		for _, sql := range []string{`BEGIN ISOLATION LEVEL REPEATABLE READ`, `SET TRANSACTION SNAPSHOT ` + postgres.Literal(made.Snapshot)} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM t`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d: %d rows in the snapshot (%v)", version, n, err)
		}
		if _, err := conn.Exec(ctx, `COMMIT`); err != nil {
			t.Fatal(err)
		}
		slot, err := postgres.LoadSlot(ctx, conn, name)
		if err != nil || slot == nil || slot.Confirmed != made.Begin || slot.Failover != failover || slot.Active {
			t.Fatalf("%d: %+v, %v; made %+v", version, slot, err, made)
		}
		if err := made.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := postgres.DropSlot(ctx, conn, name); err != nil {
			t.Error(err)
		}
		if slot, err := postgres.LoadSlot(ctx, conn, name); slot != nil || err != nil {
			t.Errorf("%d: after dropping it: %+v, %v", version, slot, err)
		}
	}
}
