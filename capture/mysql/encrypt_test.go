package mysql

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"bridge/change"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// Log files that the server encrypts are read as others: it decrypts what it sends. Positions in them resume, across
// files and the server's death.
func TestEncryptedLogs(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, EncryptLog: true})
		if err := server.CreateDatabase(t.Context(), "app"); err != nil {
			t.Fatal(err)
		}
		b := newBedOn(t, server, "app", "CREATE TABLE t (id int PRIMARY KEY, v mediumtext)")
		s := b.open()
		const secret = "easily found in a file"
		b.exec("INSERT INTO t VALUES (1, '"+secret+"')", "INSERT INTO t VALUES (2, REPEAT('"+secret+"', 100000))", "FLUSH BINARY LOGS",
			"INSERT INTO t VALUES (3, '"+secret+"')")
		b.prepareXA("'xa'", "INSERT INTO t VALUES (4, '"+secret+"')")
		events := locals(b.drain(s))
		b.close(s)
		files, err := filepath.Glob(filepath.Join(server.DataDir(), "binlog.0*"))
		if err != nil || len(files) < 2 {
			t.Fatalf("log files %q (%v)", files, err)
		}
		for _, f := range files {
			if content, err := os.ReadFile(f); err != nil || bytes.Contains(content, []byte(secret)) {
				t.Fatalf("%s isn't encrypted (%v)", f, err)
			}
		}

		server.Kill()
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.reconnect()
		b.decideXA("XA COMMIT 'xa'")
		b.exec("INSERT INTO t VALUES (5, '" + secret + "')")
		if !b.mariadb() { // from here on without
			b.exec("SET GLOBAL binlog_encryption = OFF", "INSERT INTO t VALUES (6, '"+secret+"')")
		}
		all := locals(b.drain(b.openAt(events[0].Position)))
		var last change.Position
		for _, e := range all {
			if e.Last {
				last = e.Position
			}
		}
		got := fmt.Sprint(ids(all))
		if want := map[bool]string{true: "[2 3 4 5]", false: "[2 3 4 5 6]"}[b.mariadb()]; got != want {
			t.Errorf("after the first transaction came %s, want %s", got, want)
		}
		b.exec("DELETE FROM t WHERE id = 1")
		wantText(t, show(locals(b.drain(b.openAt(last)))), "delete t (1) old 1 easily found in a file\ncommit")
	})
}
