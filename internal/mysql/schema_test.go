package mysql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

func TestInstall(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: map[string]string{"sql_mode": "ANSI", "character_set_server": "latin1"}})
		conn := connect(t, admin(server), mysql.Session{Name: "bridge/test"})
		if _, err := mysql.LoadNode(t.Context(), conn); !errors.Is(err, mysql.ErrNotInstalled) {
			t.Errorf("before init: %v", err)
		}
		if _, err := mysql.RaiseEpoch(t.Context(), conn); !errors.Is(err, mysql.ErrNotInstalled) {
			t.Errorf("before init: %v", err)
		}
		for range 2 {
			if err := mysql.CreateTables(t.Context(), conn); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := mysql.LoadNode(t.Context(), conn); !errors.Is(err, mysql.ErrNotInstalled) {
			t.Errorf("without a row: %v", err)
		}
		for i, want := range []bool{true, false} {
			node, claimed, err := mysql.Claim(t.Context(), conn, "shop", "eu")
			if err != nil || claimed != want || node != (mysql.Node{Cluster: "shop", Region: "eu", Incarnation: 1, Format: mysql.Format}) {
				t.Errorf("claim %d: %v, %t, %v", i, node, claimed, err)
			}
		}
		if _, _, err := mysql.Claim(t.Context(), conn, "shop", "EU"); err == nil || !strings.Contains(err.Error(), "region eu of cluster shop") {
			t.Errorf("claimed for another region: %v", err)
		}
		if got := rows(t, conn, "SELECT * FROM bridge.barrier"); fmt.Sprint(got) != "[1||0|0]" {
			t.Errorf("barrier is %v", got)
		}
		if got := rows(t, conn, "SELECT DISTINCT table_collation, engine FROM information_schema.tables WHERE table_schema = 'bridge'"); fmt.Sprint(got) != "[utf8mb4_bin|InnoDB]" {
			t.Errorf("tables have %v", got)
		}
		// Every kind of row that apply writes fits.
		exec(t, conn, `INSERT INTO bridge.progress VALUES ('eu/1', 0, 9223372036854775807, -1, 0);
			INSERT INTO bridge.horizon VALUES ('eu/1', 1, 2, 3, 'us/1');
			INSERT INTO bridge.conflicts (type, table_schema, table_name, `+"`key`"+`, rule, outcome, origin, seq, versions)
				VALUES ('insert_exists', 'shop', 'users', '["1"]', 'last_write_wins', 'applied', 'eu/1', 1, '[]');
			INSERT INTO bridge.parked (table_schema, table_name, row_key, `+"`key`"+`, image, shown, claim_time, claim_origin, reason, constraint_name, document)
				VALUES ('s', 't', x'00', '["1"]', '{}', '{}', 1, 'eu/1', 'unique', 'c', '{}')`)
	})
}

// Tables that an earlier bridge made get what they lack, and keep their rows.
func TestUpdateTables(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		conn := connect(t, admin(server), mysql.Session{Name: "bridge/test"})
		if err := mysql.CreateTables(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		exec(t, conn, `ALTER TABLE bridge.conflicts DROP COLUMN result, DROP COLUMN resolved_at, DROP COLUMN resolved_by, DROP COLUMN resolution, DROP KEY conflicts_awaiting, DROP COLUMN awaits;
			INSERT INTO bridge.conflicts (type, table_schema, table_name, `+"`key`"+`, rule, outcome, origin, seq, versions)
				VALUES ('insert_exists', 'shop', 'users', '["1"]', 'last_write_wins', 'applied', 'eu/1', 1, '[]');
			ALTER TABLE bridge.parked DROP COLUMN `+"`key`"+`, DROP COLUMN constraint_name, DROP COLUMN shown, DROP COLUMN document`)
		for range 2 {
			if err := mysql.UpdateTables(t.Context(), conn); err != nil {
				t.Fatal(err)
			}
		}
		if got := rows(t, conn, "SELECT count(coalesce(`key`, constraint_name, shown, document)) FROM bridge.parked"); fmt.Sprint(got) != "[0]" {
			t.Errorf("parked rows: %v", got)
		}
		if got := rows(t, conn, "SELECT count(*) FROM bridge.conflicts WHERE coalesce(result, resolved_at, resolved_by, resolution) IS NULL"); fmt.Sprint(got) != "[1]" {
			t.Errorf("cases: %v", got)
		}
	})
}

// A new leader waits for the transactions of the one before, and later ones of it see that they're late.
func TestEpochFences(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		old, next := connect(t, admin(server), mysql.Session{}), connect(t, admin(server), mysql.Session{})
		if err := mysql.CreateTables(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		if _, _, err := mysql.Claim(t.Context(), old, "shop", "eu"); err != nil {
			t.Fatal(err)
		}
		first, err := mysql.RaiseEpoch(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, old, "BEGIN; SELECT epoch FROM bridge.node LOCK IN SHARE MODE")
		raised := make(chan uint64)
		go func() {
			epoch, err := mysql.RaiseEpoch(t.Context(), next)
			if err != nil {
				t.Error(err)
			}
			raised <- epoch
		}()
		for rows(t, old, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")[0] != "Innodb_row_lock_current_waits|1" {
			select {
			case <-raised:
				t.Fatal("the epoch was raised under a transaction that relies on it")
			default:
			}
		}
		exec(t, old, "COMMIT")
		if second := <-raised; second != first+1 {
			t.Errorf("epoch %d after %d", second, first)
		}
		if got := rows(t, old, "SELECT epoch FROM bridge.node LOCK IN SHARE MODE")[0]; got != fmt.Sprint(first+1) {
			t.Errorf("the earlier leader sees epoch %s", got)
		}
	})
}
