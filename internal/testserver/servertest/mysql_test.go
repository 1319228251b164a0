package servertest_test

import (
	"testing"

	"bridge/internal/testserver/servertest"
)

func TestMySQLDatabaseGoesWithItsTest(t *testing.T) {
	for _, flavor := range servertest.Flavors {
		var gone servertest.MySQLDB
		other := servertest.MySQLDatabase(t, flavor)
		t.Run("own", func(t *testing.T) {
			gone = servertest.MySQLDatabase(t, flavor)
			if gone.Server != other.Server || gone.Name == other.Name {
				t.Errorf("%v and %v don't share a server, or share a name", gone, other)
			}
			servertest.ExecMySQL(t, gone.Server, gone.Name, "CREATE TABLE mine (id int PRIMARY KEY); INSERT INTO mine VALUES (1), (2)")
			if rows := servertest.QueryMySQL(t, gone.Server, gone.Name, "SELECT id, NULL FROM mine"); len(rows) != 2 || rows[1] != "2\tNULL" {
				t.Errorf("rows are %q", rows)
			}
			session := servertest.ConnectMySQL(t, gone.Server, gone.Name) // with a lock that would keep the database
			if _, err := session.Execute("BEGIN"); err != nil {
				t.Fatal(err)
			}
			if _, err := session.Execute("SELECT * FROM mine FOR UPDATE"); err != nil {
				t.Fatal(err)
			}
		})
		if rows := servertest.QueryMySQL(t, other.Server, "", "SELECT count(*) FROM information_schema.schemata WHERE schema_name = '"+gone.Name+"'"); rows[0] != "0" {
			t.Errorf("database %s is still there", gone.Name)
		}
	}
}
