package integration

import (
	"fmt"
	"testing"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// semiSync makes a server's commits wait for a replica, which it starts, and returns what runs statements there.
func (d *mysqlDatabase) semiSync() (replica func(sql string)) {
	t := d.mesh.t
	t.Helper()
	server := servertest.MySQL(t, d.Flavor(), testserver.MySQLOptions{NoSync: true})
	replica = func(sql string) {
		t.Helper()
		servertest.ExecMySQL(t, server, "", sql)
	}
	off := "SET GLOBAL rpl_semi_sync_source_enabled = OFF"
	t.Cleanup(func() { // the replica ends before the mesh is checked
		if _, err := d.run("", off); err != nil {
			t.Error(err)
		}
	})
	source := fmt.Sprintf("'127.0.0.1', SOURCE_PORT = %d, SOURCE_USER = '%s'", d.Port(), testserver.MySQLSuperuser)
	if d.Flavor() == testserver.FlavorMariaDB {
		off = "SET GLOBAL rpl_semi_sync_master_enabled = OFF"
		source = fmt.Sprintf("'127.0.0.1', MASTER_PORT = %d, MASTER_USER = '%s'", d.Port(), testserver.MySQLSuperuser)
		servertest.ExecMySQL(t, d.MySQL, "", `SET GLOBAL rpl_semi_sync_master_timeout = 3600000, rpl_semi_sync_master_wait_point = AFTER_SYNC, rpl_semi_sync_master_enabled = ON`)
		replica(`SET GLOBAL rpl_semi_sync_slave_enabled = ON; CHANGE MASTER TO MASTER_HOST = ` + source + `, MASTER_USE_GTID = slave_pos; START SLAVE`)
		return replica
	}
	servertest.ExecMySQL(t, d.MySQL, "", `INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so';
		SET GLOBAL rpl_semi_sync_source_timeout = 3600000, rpl_semi_sync_source_enabled = ON`)
	replica(`INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'; SET GLOBAL rpl_semi_sync_replica_enabled = ON;
		CHANGE REPLICATION SOURCE TO SOURCE_HOST = ` + source + `, SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1; START REPLICA`)
	return replica
}

// TestSemiSynchronousReplica: a transaction that waits for a lossless semi-synchronous replica is in the log, and the replica that
// takes over might lack it. So no other region has it before the replica does.
func TestSemiSynchronousReplica(t *testing.T) {
	onEach(t, alike, func(t *testing.T, engines []string) {
		m := newMesh(t, options{engines: engines, schema: notes})
		eu, us := m.regions[0], m.regions[1]
		replica := eu.database.(*mysqlDatabase).semiSync()
		for _, r := range m.regions {
			r.start()
		}
		eu.exec(`INSERT INTO notes VALUES (1, 'the replica answers')`)
		us.exec(`INSERT INTO notes VALUES (2, 'applied, the replica answers')`)
		m.settle()
		before, err := eu.status()
		if err != nil {
			t.Fatal(err)
		}

		replica(`STOP REPLICA`)
		application, err := eu.database.application()
		if err != nil {
			t.Fatal(err)
		}
		defer application.close()
		committed := make(chan error, 1)
		go func() { committed <- application.exec(`INSERT INTO notes VALUES (3, 'nobody answers')`) }()
		eventually(t, "eu's bridge has read the insert, and tells what it waits for", func() (bool, string) {
			s, err := eu.status()
			return err == nil && s.Local.Transactions == before.Local.Transactions+1 && s.StalledSince != nil && s.PublishError != "",
				fmt.Sprintf("%+v %v", s, err)
		})
		if s, err := eu.status(); err != nil || s.Seq != before.Seq {
			t.Errorf("eu has published transaction %d, after %d, before the replica had it (%v)", s.Seq, before.Seq, err)
		}
		for _, r := range m.regions {
			if got := r.query(`SELECT id FROM notes WHERE id = 3`); len(got) != 0 {
				t.Errorf("region %s sees the row", r.name)
			}
		}
		select {
		case err := <-committed:
			t.Fatalf("the commit didn't wait: %v", err)
		default:
		}
		replica(`START REPLICA`)
		if err := <-committed; err != nil {
			t.Fatal(err)
		}
		us.sees("nobody answers", `SELECT note FROM notes WHERE id = 3`)
	})
}
