package mysql

import (
	"errors"
	"slices"
	"testing"

	"bridge/apply"
	"bridge/internal/testserver"
	"bridge/loopguard"
)

// TestUpdatesOfMany: many updates with whole rows change those that are there, and tell which aren't, whatever they'd do as
// inserts. MariaDB tries them as such where they aren't packed.
func TestUpdatesOfMany(t *testing.T) {
	const (
		whole  = "id int AUTO_INCREMENT PRIMARY KEY, u int UNIQUE, v text NOT NULL"
		packed = "id int AUTO_INCREMENT PRIMARY KEY, u int, v text NOT NULL"
	)
	for _, c := range []struct {
		name, ddl string
		updates   [][]string
		missing   []int
		careful   bool // rows are locked first, since a first try has failed
		err       error
		left      []string
	}{
		{name: "all are there", ddl: whole, updates: [][]string{{"1", "10", "x"}, {"2", "12", "x"}, {"3", "13", "x"}},
			left: []string{"1|10|x", "2|12|x", "3|13|x", "4|4|a"}},
		{name: "all are as wanted", ddl: whole, updates: [][]string{{"1", "1", "a"}, {"2", "2", "a"}, {"3", "3", "a"}},
			left: []string{"1|1|a", "2|2|a", "3|3|a", "4|4|a"}},
		{name: "one is missing, and one as wanted", ddl: whole, updates: [][]string{{"1", "1", "a"}, {"7", "7", "x"}, {"2", "12", "x"}},
			missing: []int{1}, careful: true, left: []string{"1|1|a", "2|12|x", "3|3|a", "4|4|a"}},
		{name: "all are missing", ddl: whole, updates: [][]string{{"7", "7", "x"}, {"8", "8", "x"}, {"9", "9", "x"}},
			missing: []int{0, 1, 2}, careful: true, left: []string{"1|1|a", "2|2|a", "3|3|a", "4|4|a"}},
		{name: "a missing one has another's unique value", ddl: whole, updates: [][]string{{"1", "1", "x"}, {"7", "4", "x"}, {"3", "3", "x"}},
			missing: []int{1}, careful: true, left: []string{"1|1|x", "2|2|a", "3|3|x", "4|4|a"}},
		{name: "a missing one would take a unique value first", ddl: whole, updates: [][]string{{"1", "1", "x"}, {"7", "9", "x"}, {"3", "9", "x"}},
			missing: []int{1}, careful: true, left: []string{"1|1|x", "2|2|a", "3|9|x", "4|4|a"}},
		{name: "a missing one doesn't fit", ddl: whole, updates: [][]string{{"1", "1", "x"}, {"7", "9", "NULL"}, {"3", "3", "x"}},
			missing: []int{1}, careful: true, left: []string{"1|1|x", "2|2|a", "3|3|x", "4|4|a"}},
		{name: "one doesn't fit", ddl: whole, updates: [][]string{{"1", "1", "x"}, {"2", "2", "NULL"}, {"3", "3", "x"}},
			err: apply.ErrUnfit, careful: true, left: []string{"1|1|a", "2|2|a", "3|3|a", "4|4|a"}},
		{name: "one collides", ddl: whole, updates: [][]string{{"1", "1", "x"}, {"2", "4", "x"}, {"3", "3", "x"}},
			err: apply.ErrCollides, careful: true, left: []string{"1|1|a", "2|2|a", "3|3|a", "4|4|a"}},
		{name: "there's a column more", ddl: whole + ", w int DEFAULT 5", updates: [][]string{{"1", "10", "x"}, {"2", "12", "x"}, {"3", "13", "x"}},
			left: []string{"1|10|x|5", "2|12|x|5", "3|13|x|5", "4|4|a|5"}},
		{name: "there's a column more that an insert must tell", ddl: whole + ", w int NOT NULL", updates: [][]string{{"1", "10", "x"}, {"2", "12", "x"}, {"3", "13", "x"}},
			left: []string{"1|10|x|0", "2|12|x|0", "3|13|x|0", "4|4|a|0"}},
		{name: "packed, all are there", ddl: packed, updates: [][]string{{"3", "13", "x"}, {"1", "10", "x"}, {"2", "12", "x"}},
			left: []string{"1|10|x", "2|12|x", "3|13|x", "4|4|a"}},
		{name: "packed, all are as wanted", ddl: packed, updates: [][]string{{"3", "3", "a"}, {"1", "1", "a"}, {"2", "2", "a"}},
			left: []string{"1|1|a", "2|2|a", "3|3|a", "4|4|a"}},
		{name: "packed, one is missing, and one as wanted", ddl: packed, updates: [][]string{{"1", "1", "a"}, {"7", "7", "x"}, {"2", "12", "x"}},
			missing: []int{1}, careful: true, left: []string{"1|1|a", "2|12|x", "3|3|a", "4|4|a"}},
		{name: "packed, all are missing", ddl: packed, updates: [][]string{{"7", "7", "x"}, {"-8", "8", "x"}, {"9", "9", "x"}},
			missing: []int{0, 1, 2}, careful: true, left: []string{"1|1|a", "2|2|a", "3|3|a", "4|4|a"}},
		{name: "packed, a missing one is no key of the table's", ddl: packed, updates: [][]string{{"1", "1", "x"}, {"2", "2", "x"}, {"9999999999", "9", "x"}},
			missing: []int{2}, careful: true, left: []string{"1|1|x", "2|2|x", "3|3|a", "4|4|a"}},
		{name: "packed, one doesn't fit", ddl: packed, updates: [][]string{{"1", "1", "x"}, {"2", "2", "NULL"}, {"3", "3", "x"}},
			err: apply.ErrUnfit, left: []string{"1|1|a", "2|2|a", "3|3|a", "4|4|a"}},
		{name: "packed, there's a column more", ddl: packed + ", w int NOT NULL", updates: [][]string{{"1", "10", "x"}, {"2", "12", "x"}, {"3", "13", "x"}},
			left: []string{"1|10|x|0", "2|12|x|0", "3|13|x|0", "4|4|a|0"}},
		{name: "packed, a part of each row", ddl: packed, updates: [][]string{{"1", "-", "x"}, {"2", "-", "y"}, {"3", "-", "z"}},
			left: []string{"1|1|x", "2|2|y", "3|3|z", "4|4|a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			on(t, func(t *testing.T, flavor testserver.Flavor) {
				b := newBed(t, flavor)
				a := newApplier(t, b)
				run(t, b.admin, "CREATE TABLE app.t ("+c.ddl+"); SET SESSION sql_mode = ''; INSERT INTO app.t (id, u, v) VALUES (1, 1, 'a'), (2, 2, 'a'), (3, 3, 'a'), (4, 4, 'a')")
				var writes []apply.Write
				for _, values := range c.updates {
					writes = append(writes, write(t, apply.Update, shapeOfTable("id", "u", "v"), image(values...)...))
				}
				a.Begin(loopguard.Marker{Origin: "eu/1", Seq: 1}, apply.AsSets)
				out, err := a.Write(t.Context(), writes)
				if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || !slices.Equal(out.Missing, c.missing) {
					t.Fatalf("%d missing, %v; want %d, %v", out.Missing, err, c.missing, c.err)
				}
				wantCareful := c.careful && (c.err == nil || flavor == testserver.FlavorMariaDB)
				if got := a.Session.(*session).careful; got != wantCareful {
					t.Errorf("careful: %t", got)
				}
				end := a.Commit
				if err != nil {
					end = a.Rollback
				}
				if err := end(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := rows(t, b.admin, "SELECT * FROM app.t ORDER BY id"); !slices.Equal(got, c.left) {
					t.Errorf("left %q, want %q", got, c.left)
				}
			})
		})
	}
}

// TestUpdatesOfManyLockTheirRows: those that are named, and neither their neighbours nor the gaps between them.
func TestUpdatesOfManyLockTheirRows(t *testing.T) {
	for _, index := range []string{"UNIQUE", "KEY"} {
		t.Run(index, func(t *testing.T) { testLocks(t, index) })
	}
}

func testLocks(t *testing.T, index string) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, u int, v text, "+index+" (u)); INSERT INTO app.t VALUES (10, 10, ''), (20, 20, ''), (30, 30, ''), (40, 40, ''), (50, 50, '')")
		var writes []apply.Write
		for _, id := range []string{"20", "30", "40"} {
			writes = append(writes, write(t, apply.Update, shapeOfTable("id", "u", "v"), image(id, id, "x")...))
		}
		a.Begin(loopguard.Marker{Origin: "eu/1", Seq: 1}, apply.AsSets)
		if _, err := a.Write(t.Context(), writes); err != nil {
			t.Fatal(err)
		}
		for sql, waits := range map[string]bool{
			"INSERT INTO app.t VALUES (25, 25, '')": false, "INSERT INTO app.t VALUES (15, 45, '')": false, "INSERT INTO app.t VALUES (60, 35, '')": false,
			"UPDATE app.t SET v = 'y' WHERE id = 10": false, "UPDATE app.t SET v = 'y' WHERE id = 50": false,
			"UPDATE app.t SET v = 'y' WHERE id = 30": true, "DELETE FROM app.t WHERE id = 20": true,
		} {
			if err := b.Exec(t.Context(), sql); (err != nil) != waits || err != nil && !b.Waited(err) {
				t.Errorf("%s: %v", sql, err)
			}
		}
		if err := a.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestInsertTriggersRest: an update fires no trigger of inserts.
func TestInsertTriggersRest(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, v int); CREATE TABLE app.fired (id int)")
		run(t, b.admin, "CREATE TRIGGER app.before_insert BEFORE INSERT ON app.t FOR EACH ROW INSERT INTO app.fired VALUES (NEW.id)")
		table := shapeOfTable("id", "v")
		both := func(kind apply.WriteKind) (writes []apply.Write) {
			for _, id := range []string{"1", "2", "3"} {
				writes = append(writes, write(t, kind, table, image(id, "5")...))
			}
			return writes
		}
		a.do(both(apply.Upsert)...)
		run(t, b.admin, "DELETE FROM app.fired")
		a.do(both(apply.Update)...)
		if got := rows(t, b.admin, "SELECT count(*) FROM app.fired"); got[0] != "0" {
			t.Errorf("fired %s times", got[0])
		}
	})
}
