package integration

import (
	"fmt"
	"net/http"
	"testing"

	"bridge/config"
)

// moods is a table of an enumeration in each engine's way.
func moods(engine string) string {
	if engine == config.PostgreSQL {
		return `CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE moods (id int PRIMARY KEY, feeling mood, n int, note text);`
	}
	return `CREATE TABLE moods (id int PRIMARY KEY, feeling enum('good', 'bad'), n int, note varchar(40));`
}

// alterations are statements by engine.
type alterations map[string]string

// TestSchemaChanges alters a table region by region, each time in another one first, while rows of it are written. A region that
// lacks what a row needs stops that origin, says which column of which row, and goes on once it's there; rows of the others
// flow meanwhile. Among regions of one engine the database itself refuses a label that it lacks: that row alone is parked, and shown
// once the label is there.
func TestSchemaChanges(t *testing.T) {
	onEach(t, [][]string{threeEngines, {config.PostgreSQL, config.PostgreSQL}, {config.MySQL, config.MySQL}}, schemaChanges)
}

func schemaChanges(t *testing.T, engines []string) {
	m := start(t, options{engines: engines, schemaOf: func(region int) string { return moods(engines[region]) }})
	for i, r := range m.regions {
		r.exec(fmt.Sprintf(`INSERT INTO moods VALUES (%d, 'good', 0, '%s')`, i, r.name))
	}
	m.settle()
	for _, change := range []struct {
		name  string
		first int // the region that's altered first
		by    alterations
		write string // in that region then
		says  []string
		label int // a label, for how many rows
	}{
		{"a label", 1, alterations{
			config.PostgreSQL: `ALTER TYPE mood ADD VALUE 'so so' BEFORE 'bad'`,
			config.MySQL:      `ALTER TABLE moods MODIFY feeling enum('good', 'so so', 'bad')`,
			config.MariaDB:    `ALTER TABLE moods MODIFY feeling enum('good', 'so so', 'bad')`,
		}, `INSERT INTO moods VALUES (10, 'so so', 1, 'new'); UPDATE moods SET feeling = 'bad' WHERE id = 0`, []string{"moods", "feeling"}, 1},
		{"a label of a type", 0, alterations{
			config.PostgreSQL: `ALTER TYPE mood ADD VALUE 'great' BEFORE 'good'`,
			config.MySQL:      `ALTER TABLE moods MODIFY feeling enum('great', 'good', 'so so', 'bad')`,
			config.MariaDB:    `ALTER TABLE moods MODIFY feeling enum('good', 'so so', 'bad', 'great')`,
		}, `INSERT INTO moods VALUES (20, 'great', 1, 'newer'); UPDATE moods SET feeling = 'great' WHERE id = 1`, []string{"moods", "feeling"}, 2},
		{"a column in the middle", 2, alterations{
			config.PostgreSQL: `ALTER TABLE moods ADD COLUMN extra int DEFAULT 5`,
			config.MySQL:      `ALTER TABLE moods ADD COLUMN extra int DEFAULT 5 FIRST`,
			config.MariaDB:    `ALTER TABLE moods ADD COLUMN extra int DEFAULT 5 AFTER feeling`,
		}, `INSERT INTO moods (id, note) VALUES (30, 'newest'); UPDATE moods SET extra = n, note = 'extra' WHERE id <= 10`, []string{"moods", "ADD COLUMN", "extra"}, 0},
	} {
		first := m.regions[change.first%len(m.regions)]
		first.exec(change.by[m.engine(first.index)])
		first.exec(change.write)
		for _, r := range m.regions {
			switch {
			case r == first:
			case change.label > 0 && !m.mixed():
				r.sees(fmt.Sprintf("refused|%d", change.label), `SELECT reason, count(*) FROM bridge.parked GROUP BY reason`)
			default:
				r.stopped(first, change.says...)
			}
		}
		for i, r := range m.regions { // in the old shape and in the new one
			r.exec(fmt.Sprintf(`INSERT INTO moods (id, feeling, n, note) VALUES (%d, 'bad', 2, 'meanwhile')`, 100*(i+1)+change.first))
		}
		for i, r := range m.regions {
			if r != first {
				first.sees("meanwhile", fmt.Sprintf(`SELECT note FROM moods WHERE id = %d`, 100*(i+1)+change.first))
				r.exec(change.by[m.engine(r.index)])
				r.retryParked()
				r.sees("0", `SELECT count(*) FROM bridge.parked`)
			}
		}
		m.settle()
		m.equal()
	}
	m.compare()
}

// retryParked has the region's bridge look at its parked rows again, as "bridge parked retry" does.
func (r *region) retryParked() {
	r.mesh.t.Helper()
	answer, err := http.Post("http://"+r.http+"/parked/retry", "", nil)
	if err != nil {
		r.mesh.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode >= 300 {
		r.mesh.t.Errorf("region %s: /parked/retry says %s", r.name, answer.Status)
	}
}

// TestOnlineSchemaChange is what pt-online-schema-change does: a copy of another shape, which triggers keep up with its table, takes
// the table's place, in one region after the other, while all of them write to it. Until a region has the new column, it waits.
func TestOnlineSchemaChange(t *testing.T) {
	// The names of the copy and of what's left aren't replicated.
	const columns = "id, region, qty, note"
	steps := []string{
		`CREATE TABLE audit_new LIKE items`,
		`ALTER TABLE audit_new MODIFY note mediumtext FIRST, MODIFY qty bigint NOT NULL, ADD COLUMN added int NOT NULL DEFAULT 7 AFTER note`,
		`CREATE TRIGGER copy_delete AFTER DELETE ON items FOR EACH ROW DELETE IGNORE FROM audit_new WHERE id = OLD.id`,
		`CREATE TRIGGER copy_update AFTER UPDATE ON items FOR EACH ROW REPLACE INTO audit_new (` + columns + `) VALUES (NEW.id, NEW.region, NEW.qty, NEW.note)`,
		`CREATE TRIGGER copy_insert AFTER INSERT ON items FOR EACH ROW REPLACE INTO audit_new (` + columns + `) VALUES (NEW.id, NEW.region, NEW.qty, NEW.note)`,
		`INSERT IGNORE INTO audit_new (` + columns + `) SELECT ` + columns + ` FROM items LOCK IN SHARE MODE`,
		`RENAME TABLE items TO audit_old, audit_new TO items`,
		`DROP TABLE audit_old`,
	}
	onEach(t, alike, func(t *testing.T, engines []string) {
		m := start(t, withWorkload(options{engines: engines}))
		l := m.load(loadRate(40))
		for _, r := range m.regions {
			for _, step := range steps {
				l.untilEach(5)
				r.commit(step)
			}
		}
		l.untilEach(20)
		l.stop()
		l.verify()
	})
}
