package servertest_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"bridge/internal/testserver/servertest"
)

func TestDatabaseGoesWithItsTest(t *testing.T) {
	var gone, other servertest.DB
	other = servertest.Database(t, 15)
	servertest.Exec(t, other.DSN(), "CREATE TABLE mine ()")
	t.Run("it's Own", func(t *testing.T) {
		gone = servertest.Database(t, 15)
		if gone.Server != other.Server || gone.Name == other.Name {
			t.Errorf("%v and %v don't share a server, or share a name", gone, other)
		}
		servertest.Exec(t, gone.SocketDSN(), "CREATE TABLE mine (); CREATE PUBLICATION all_of_it FOR ALL TABLES")
		// A slot in use and an open transaction would each keep the database from being dropped.
		walsender, err := pgconn.Connect(t.Context(), gone.DSN()+"&replication=database")
		if err != nil {
			t.Fatal(err)
		}
		stream := walsender.Exec(t.Context(), `CREATE_REPLICATION_SLOT `+gone.Name+` LOGICAL pgoutput`)
		if _, err := stream.ReadAll(); err != nil {
			t.Fatal(err)
		}
		walsender.Frontend().Send(startReplication(gone.Name))
		if err := walsender.Frontend().Flush(); err != nil {
			t.Fatal(err)
		}
		if _, err := walsender.ReceiveMessage(t.Context()); err != nil { // CopyBothResponse: the slot is in use
			t.Fatal(err)
		}
		session := servertest.Connect(t, gone.DSN())
		if _, err := session.Exec(t.Context(), "BEGIN; LOCK TABLE mine"); err != nil {
			t.Fatal(err)
		}
	})
	var left int
	err := servertest.Connect(t, other.DSN()).QueryRow(t.Context(), `SELECT count(*) FROM pg_database d
		LEFT JOIN pg_replication_slots s ON s.database = d.datname WHERE $1 IN (datname, slot_name)`, gone.Name).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d databases or slots are left of %s (%v)", left, gone.Name, err)
	}
}

func TestVersions(t *testing.T) {
	for _, version := range []int{15, 18} {
		db := servertest.Database(t, version)
		var got int
		err := servertest.Connect(t, db.SocketDSN()).QueryRow(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&got)
		if err != nil || got != version || db.Server.Version() != version {
			t.Errorf("server is of version %d (%v), want %d", got, err, version)
		}
	}
}

func startReplication(slot string) *pgproto3.Query {
	return &pgproto3.Query{String: "START_REPLICATION SLOT " + slot + " LOGICAL 0/0 (proto_version '1', publication_names 'all_of_it')"}
}
