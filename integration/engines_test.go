package integration

import (
	"fmt"
	"strings"
	"testing"

	"bridge/config"
)

var (
	// alike are meshes of MySQL or MariaDB alone; pairs have PostgreSQL's, too.
	alike = [][]string{{config.MySQL, config.MySQL}, {config.MariaDB, config.MariaDB}}
	pairs = append([][]string{{config.PostgreSQL, config.PostgreSQL}}, alike...)
	// threeEngines is a mesh of all of them.
	threeEngines = []string{config.PostgreSQL, config.MySQL, config.MariaDB}
)

// onEach runs a test on meshes of these engines.
func onEach(t *testing.T, meshes [][]string, f func(t *testing.T, engines []string)) {
	for _, engines := range meshes {
		t.Run(strings.Join(engines, ", "), func(t *testing.T) {
			t.Parallel()
			f(t, engines)
		})
	}
}

// TestBinlogPurged: a server keeps its log for a bridge that's away as long as it's told to, and no longer. A bridge that finds it
// gone can't know what it missed. It ends and says so.
func TestBinlogPurged(t *testing.T) {
	onEach(t, alike, func(t *testing.T, engines []string) {
		m := start(t, options{engines: engines, schema: notes})
		m.settle()
		eu := m.regions[0]
		eu.kill()
		for i := range 3 {
			eu.exec(fmt.Sprintf(`INSERT INTO notes VALUES (%d, 'lost')`, i))
		}
		eventually(t, "the log is purged", func() (bool, string) { // not while the killed bridge's connection seems to read it
			eu.exec(`FLUSH BINARY LOGS`)
			logs := eu.query(`SHOW BINARY LOGS`)
			last, _, _ := strings.Cut(logs[len(logs)-1], "|")
			eu.exec(fmt.Sprintf(`PURGE BINARY LOGS TO '%s'`, last))
			logs = eu.query(`SHOW BINARY LOGS`)
			return len(logs) == 1, strings.Join(logs, "; ")
		})
		eu.launch()
		eu.ends("purged", "join this region anew")
		m.leave("a region's log has a gap")
	})
}

// ends waits until the region's bridge has ended by itself, with an error that has all of these texts in it.
func (r *region) ends(texts ...string) {
	r.mesh.t.Helper()
	if code := r.bridge.wait(r.mesh.t); code != 1 {
		r.mesh.t.Errorf("exit status %d, want 1", code)
	}
	said := lastLines(r.log.String(), 3)
	for _, text := range texts {
		if !strings.Contains(said, text) {
			r.mesh.t.Errorf("the bridge of %s doesn't say %q:\n%s", r.name, text, said)
		}
	}
}

// TestSwitchedSessions has sessions switch the log's form, as any may, in the middle of the stream. What bridge can
// read is replicated exactly; at what it can't read it ends, and says where and what to do.
func TestSwitchedSessions(t *testing.T) {
	const schema = `CREATE TABLE docs (id int PRIMARY KEY, a int, b varchar(300), j json);`
	readable := `INSERT INTO docs VALUES (1, 1, 'one', '{"k": "0123456789012345678901234567890123456789", "n": 1}'), (2, 2, 'two', '[]'), (3, 3, 'three', NULL);
		SET SESSION binlog_row_image = MINIMAL; UPDATE docs SET a = 10 WHERE id = 1; DELETE FROM docs WHERE id = 2; UPDATE docs SET b = NULL WHERE id = 3;
		INSERT INTO docs VALUES (4, 4, 'four', '[4]');
		SET SESSION binlog_row_image = NOBLOB; UPDATE docs SET a = 30 WHERE id = 3; SET SESSION binlog_row_image = FULL;`
	const statement = `SET SESSION binlog_format = STATEMENT; UPDATE docs SET a = a + 1`
	saysStatement := []string{"logged as a statement", "binlog_format = ROW", "binlog.0"}
	for _, c := range []struct {
		name, engine       string
		readable, switches string
		says               []string
	}{
		{"partial documents", config.MySQL, `SET SESSION binlog_transaction_compression = ON;
			BEGIN; UPDATE docs SET b = repeat('x', 300); INSERT INTO docs VALUES (5, 5, 'five', '5'); COMMIT; DELETE FROM docs WHERE id = 4;
			SET SESSION binlog_transaction_compression = OFF;`,
			`SET SESSION binlog_row_value_options = PARTIAL_JSON; UPDATE docs SET j = JSON_SET(j, '$.n', 2) WHERE id = 1`,
			[]string{"shop.docs", `column \"j\"`, "binlog_row_value_options", "binlog.0"}},
		{"incomplete inserts", config.MySQL, ``,
			`SET SESSION binlog_row_image = MINIMAL; INSERT INTO docs (id, a) VALUES (7, 7)`,
			[]string{"shop.docs", "binlog_row_image = FULL", "binlog.0"}},
		{"statements", config.MySQL, ``, statement, saysStatement},
		{"statements", config.MariaDB, ``, statement, saysStatement},
	} {
		t.Run(c.name+", "+c.engine, func(t *testing.T) {
			t.Parallel()
			m := start(t, options{engines: []string{c.engine, config.MySQL}, schema: schema})
			eu, us := m.regions[0], m.regions[1]
			eu.exec(readable + c.readable)
			m.settle()
			m.equal()
			rows := us.query(`SELECT * FROM docs ORDER BY id`)
			eu.exec(c.switches)
			eu.exec(`INSERT INTO docs VALUES (8, 8, 'after', NULL)`)
			eu.ends(c.says...)
			eu.launch() // nor does it go on after a restart
			eu.ends(c.says...)
			us.exec(`INSERT INTO docs VALUES (9, 9, 'flows', NULL)`)
			if got := us.query(`SELECT * FROM docs WHERE id < 9 ORDER BY id`); strings.Join(got, "\n") != strings.Join(rows, "\n") {
				t.Errorf("%s has\n%s\nwant\n%s", us.name, strings.Join(got, "\n"), strings.Join(rows, "\n"))
			}
			m.leave("a log that can't be read")
		})
	}
}
