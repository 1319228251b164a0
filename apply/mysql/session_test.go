package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/loopguard"
	"bridge/naming"
)

// shapeOfTable is a table app.t whose first column is the key.
func shapeOfTable(names ...string) *change.Table {
	var columns []change.Column
	for i, name := range names {
		columns = append(columns, change.Column{Name: name, Type: "x", Key: i == 0})
	}
	return change.NewTable(change.TableName{Schema: "app", Name: "t"}, columns, true)
}

// image is a row's values: "NULL" is NULL, "-" a column that the log didn't carry.
func image(values ...string) change.Image {
	out := make(change.Image, len(values))
	for i, v := range values {
		switch v {
		case "-":
		case "NULL":
			out[i] = change.Null
		default:
			out[i] = change.Text(v)
		}
	}
	return out
}

// TestColumnsOfTheServersOwn: what the server would set by itself stays as the origin has it.
func TestColumnsOfTheServersOwn(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		const now = "DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
		run(t, b.admin, "CREATE TABLE app.t (id int AUTO_INCREMENT PRIMARY KEY, v int, at datetime "+now+", here timestamp NULL "+now+
			", twice int GENERATED ALWAYS AS (v * 2) STORED, thrice int AS (v * 3) VIRTUAL, hidden int INVISIBLE, `od``d ,name` int)")
		table := shapeOfTable("ID", "v", "at", "twice", "thrice", "Hidden", "od`d ,name") // names in another case
		show := "SELECT id, v, at, here = '2020-01-01', twice, thrice, hidden, `od``d ,name` FROM app.t ORDER BY id"
		want := func(want ...string) {
			t.Helper()
			if got := rows(t, b.admin, show); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		old := "2001-01-01 00:00:00"
		upsert := func(id, v string) apply.Write {
			return write(t, apply.Upsert, table, image(id, v, old, "99", "99", "4", "5")...)
		}
		a.do(upsert("0", "1"), upsert("1", "1")) // an auto-increment 0 is 0
		run(t, b.admin, "UPDATE app.t SET here = '2020-01-01', at = '"+old+"'")
		a.do(upsert("0", "2"))
		a.do(write(t, apply.Update, table, image("1", "3", "-", "-", "-", "-", "-")...))
		want("0|2|"+old+"|1|4|6|4|5", "1|3|"+old+"|1|6|9|4|5")
		a.do(write(t, apply.Update, table, image("1", "4", "2002-02-02 00:00:00", "-", "-", "7", "-")...))
		want("0|2|"+old+"|1|4|6|4|5", "1|4|2002-02-02 00:00:00|1|8|12|7|5")
		run(t, b.admin, "ALTER TABLE app.t ADD COLUMN later datetime DEFAULT '2003-03-03' ON UPDATE CURRENT_TIMESTAMP")
		a.Session.(*session).read = time.Now().Add(-2 * tableAge)
		a.do(write(t, apply.Update, table, image("1", "5", "-", "-", "-", "-", "-")...))
		if got := rows(t, b.admin, "SELECT v, later FROM app.t WHERE id = 1"); got[0] != "5|2003-03-03 00:00:00" {
			t.Errorf("got %s", got[0])
		}
	})
}

// TestEqualKeys: rows are found under the key's own collation, and an update brings the key's text along.
func TestEqualKeys(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		for _, collation := range []string{"utf8mb4_general_ci", "utf8mb4_unicode_ci", "latin1_german1_ci", "utf8mb3_general_ci"} {
			t.Run(collation, func(t *testing.T) {
				b := newBed(t, flavor)
				a := newApplier(t, b)
				charset, _, _ := strings.Cut(collation, "_")
				run(t, b.admin, fmt.Sprintf("CREATE TABLE app.t (id varchar(20) CHARACTER SET %s COLLATE %s PRIMARY KEY, v int)", charset, collation))
				table := shapeOfTable("id", "v")
				a.do(write(t, apply.Upsert, table, image("Übung", "1")...), write(t, apply.Upsert, table, image("b", "1")...))
				for i, id := range []string{"übung", "UBUNG ", "Übung"} { // the blank, too: these pad
					kind := apply.Update
					if i == 1 {
						kind = apply.Upsert
					}
					a.do(write(t, kind, table, image(id, "2")...))
					if got := rows(t, b.admin, "SELECT concat(id, '.'), v FROM app.t WHERE v = 2"); len(got) != 1 || got[0] != id+".|2" {
						t.Errorf("%q gave %q", id, got)
					}
				}
				a.do(write(t, apply.Delete, table, image("uBUNG", "2")...))
				if got := rows(t, b.admin, "SELECT id, v FROM app.t"); len(got) != 1 || got[0] != "b|1" {
					t.Errorf("left: %q", got)
				}
			})
		}
	})
}

// TestNothingIsChangedToFit: what the column can't hold exactly is refused, in every kind of write, though the
// server would round or cut some of it, and the error has no value in it.
func TestNothingIsChangedToFit(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		for i, c := range []struct{ ddl, value string }{
			{"tinyint", "300"}, {"int unsigned", "-1"}, {"int", "7.5"}, {"int", "1e3"}, {"int", ""}, {"int", "1 OR 1"}, {"int", "--1"},
			{"decimal(5,2)", "1.005"}, {"decimal(5,2)", "1000"}, {"decimal(5,2)", "NaN"}, {"decimal(5,2)", "1.,2"},
			{"float", "1e39"}, {"double", "Infinity"}, {"double", "0x10"},
			{"varchar(3)", "abcd"}, {"varchar(3)", "abc "}, {"varchar(3)", "a\xff"}, {"varchar(3) CHARACTER SET latin1", "Ж"}, {"varchar(3) CHARACTER SET utf8mb3", "😀"},
			{"varbinary(2)", `\x010203`}, {"varbinary(2)", `0102`}, {"varbinary(2)", `\x0`}, {"varbinary(2)", `\x0g`}, {"binary(2)", `\x010203`},
			{"datetime", "2024-01-02 03:04:05.5"}, {"time(1)", "00:00:00.25"}, {"date", "2024-13-01"}, {"date", "yesterday"},
			{"timestamp NULL", "2024-01-02 03:04:05"}, {"timestamp NULL", "1900-01-01 00:00:00+00"}, {"timestamp NULL", "2024-01-02 03:04:05+02"},
			{"year", "1800"}, {"enum('a','b')", "2"}, {"enum('a','b')", ""}, {"enum('a','b')", "A"}, {"set('a','b')", "3"}, {"set('a','b')", "a,c"},
			{"bit(2)", "111"}, {"bit(2)", "2"}, {"json", "{"}, {"int NOT NULL", "NULL"},
			{"int NOT NULL AUTO_INCREMENT, KEY (v)", "NULL"}, {"timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)", "NULL"},
		} {
			t.Run(c.ddl+" "+c.value, func(t *testing.T) {
				a.t = t
				name := fmt.Sprintf("n%d", i)
				was := "NULL"
				switch {
				case strings.Contains(c.ddl, "DEFAULT"):
					was = "DEFAULT"
				case strings.Contains(c.ddl, "NOT NULL"):
					was = "5"
				}
				run(t, b.admin, fmt.Sprintf("CREATE TABLE app.%s (id int PRIMARY KEY, v %s); INSERT INTO app.%[1]s VALUES (1, %[3]s), (3, %[3]s), (5, %[3]s)", name, c.ddl, was))
				before := rows(t, b.admin, "SELECT * FROM app."+name)
				table := change.NewTable(change.TableName{Schema: "app", Name: name}, []change.Column{{Name: "id", Type: "int", Key: true}, {Name: "v", Type: "x"}}, true)
				row := func(kind apply.WriteKind, id string) apply.Write { return write(t, kind, table, image(id, c.value)...) }
				for _, batch := range [][]apply.Write{
					{row(apply.Update, "1")}, {row(apply.Update, "1"), row(apply.Update, "3")}, {row(apply.Update, "1"), row(apply.Update, "3"), row(apply.Update, "5")}, {row(apply.Upsert, "1")}, {row(apply.Upsert, "2")},
				} {
					_, err := a.try(batch...)
					if !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), "app."+name) {
						t.Fatalf("%d of kind %d: %v", len(batch), batch[0].Kind, err)
					}
					if value := strings.TrimSpace(c.value); len(value) > 3 && value != "NULL" && strings.Contains(err.Error(), value) {
						t.Errorf("the error tells the value: %v", err)
					}
				}
				if got := rows(t, b.admin, "SELECT * FROM app."+name); strings.Join(got, "\n") != strings.Join(before, "\n") {
					t.Errorf("got %q, want %q", got, before)
				}
			})
		}
	})
}

// TestErrorsHaveBothNames: the operator looks for a table and a column under the names here, and the other regions' messages
// have those between the regions.
func TestErrorsHaveBothNames(t *testing.T) {
	names, err := naming.New(naming.Rules{Tables: []naming.Table{{Local: change.TableName{Schema: "app", Name: "artikel"}, Stream: change.TableName{Schema: "app", Name: "t"},
		Columns: map[string]string{"bez": "name"}}}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t, testserver.FlavorMariaDB)
	b.Target = NewTarget(connector(root(b.server)), b.Target.(*Target).epoch, apply.Inward{Names: names})
	a := newApplier(t, b)
	w := write(t, apply.Upsert, shapeOfTable("id", "name"), image("1", "x")...)
	for _, step := range []struct{ sql, want string }{
		{"DO 0", "table app.artikel (app.t between the regions) isn't in this database"},
		{"CREATE TABLE app.artikel (id int PRIMARY KEY)", "table app.artikel (app.t between the regions) lacks column bez (name between the regions) of type x; ALTER TABLE `app`.`artikel` ADD COLUMN `bez` x"},
		{"ALTER TABLE app.artikel ADD COLUMN bez int", "table app.artikel (app.t between the regions), row app.t (1), column bez (name between the regions): the value isn't one of the column's type"},
		{"ALTER TABLE app.artikel MODIFY bez varchar(9) CHECK (bez <> 'x')", ", table app.artikel (app.t between the regions), row app.t (1)"},
	} {
		run(t, b.admin, step.sql)
		if _, err := a.try(w); !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), step.want) {
			t.Errorf("after %s: %v", step.sql, err)
		}
	}
}

// TestDeposed: once another bridge leads, nothing of an earlier one is committed; and it waits for what the earlier
// one has under way.
func TestDeposed(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY)")
		table := shapeOfTable("id")
		a.Begin(loopguard.Marker{Origin: "eu/1", Seq: 1}, apply.AsSets)
		if _, err := a.Write(t.Context(), []apply.Write{write(t, apply.Upsert, table, image("1")...)}); err != nil {
			t.Fatal(err)
		}
		next, err := connector(root(b.server))(t.Context(), "leader")
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close()
		if _, err := mysql.RaiseEpoch(t.Context(), next); !mysql.IsError(err, 1205) {
			t.Fatalf("the next leader didn't wait: %v", err)
		}
		run(t, next, "ROLLBACK")
		if err := a.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := mysql.RaiseEpoch(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		a.seq = 1
		if _, err := a.try(write(t, apply.Upsert, table, image("2")...)); !errors.Is(err, ErrDeposed) {
			t.Fatalf("got %v", err)
		}
		if got := rows(t, b.admin, "SELECT id FROM app.t"); len(got) != 1 {
			t.Errorf("rows %q", got)
		}
	})
}

// TestSets: the writes of a batch of one kind are one statement, and few of them one each; and no statement that updates few
// rows makes a table on disk, nor one that is packed or that MariaDB overwrites rows with.
func TestSets(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		s := a.Session.(*session)
		onDisk := func() string {
			is, err := s.conn.Text(t.Context(), "SHOW SESSION STATUS LIKE 'Created_tmp_disk_tables'")
			if err != nil {
				t.Fatal(err)
			}
			return is[1]
		}
		for i, c := range []struct {
			ddl, value string
			rows       int
			part       bool   // the updates' images lack a column
			statements [3]int // of upserts, updates, deletes
			packs      bool
		}{
			{"varchar(9)", "x", 1000, false, [3]int{1, 1, 1}, false}, {"varchar(9)", "x", 2, false, [3]int{1, 2, 2}, false},
			{"longtext", "x", 1000, false, [3]int{1, 1, 1}, false}, {"longblob", `\x00`, 3, false, [3]int{1, 1, 1}, false}, {"longtext", "x", 50, false, [3]int{1, 1, 1}, false},
			{"longtext", "x", 1000, true, [3]int{1, 1, 1}, false}, {"longblob", `\x00`, 3, true, [3]int{1, 3, 1}, false}, {"longtext", "x", 50, true, [3]int{1, 50, 1}, false},
			{"longtext", "x", 1000, true, [3]int{1, 1, 1}, true}, {"longblob", `\x00`, 3, true, [3]int{1, 1, 1}, true}, {"longtext", "x", 50, false, [3]int{1, 1, 1}, true},
		} {
			key := "decimal(9)"
			if c.packs {
				key = "int"
			}
			if flavor == testserver.FlavorMySQL && c.rows > 2 {
				c.statements[1] = 1
			}
			name := fmt.Sprintf("s%d", i)
			run(t, b.admin, fmt.Sprintf("CREATE TABLE app.%s (id %s PRIMARY KEY, v %s, w int)", name, key, c.ddl))
			table := change.NewTable(change.TableName{Schema: "app", Name: name}, []change.Column{{Name: "id", Type: "int", Key: true}, {Name: "v", Type: "x"}, {Name: "w", Type: "int"}}, true)
			var writes [3][]apply.Write
			for k, kind := range []apply.WriteKind{apply.Upsert, apply.Update, apply.Delete} {
				w := "1"
				if c.part && kind == apply.Update {
					w = "-"
				}
				for id := range c.rows {
					writes[k] = append(writes[k], write(t, kind, table, image(fmt.Sprint(id), c.value, w)...))
				}
				if groups, err := s.group(t.Context(), writes[k]); err != nil || len(groups) != c.statements[k] {
					t.Errorf("%d writes of kind %d of %s are %d statements, %v; want %d", c.rows, kind, c.ddl, len(groups), err, c.statements[k])
				}
			}
			a.do(writes[0]...)
			before := onDisk()
			a.do(writes[1]...)
			if after := onDisk(); (c.packs && flavor == testserver.FlavorMariaDB || c.rows <= fewOnDisk || !c.part) && after != before {
				t.Errorf("%d updates of %s made tables on disk (%s before, %s now)", c.rows, c.ddl, before, after)
			}
			a.do(writes[2]...)
		}
	})
}

// TestPackets: a batch beyond max_allowed_packet goes in several packets, and a row beyond it is refused.
func TestPackets(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		run(t, b.admin, "SET GLOBAL max_allowed_packet = 262144")
		defer run(t, b.admin, "SET GLOBAL max_allowed_packet = DEFAULT")
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, v longtext)")
		table := shapeOfTable("id", "v")
		var writes []apply.Write
		for id := range 40 {
			writes = append(writes, write(t, apply.Upsert, table, image(fmt.Sprint(id), strings.Repeat("x", 40_000))...))
		}
		a.do(writes...)
		a.do(writes...)
		if got := rows(t, b.admin, "SELECT count(*), sum(length(v)) FROM app.t"); got[0] != "40|1600000" {
			t.Errorf("got %s", got)
		}
		if _, err := a.try(write(t, apply.Upsert, table, image("1", strings.Repeat("y", 300_000))...)); !errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), "max_allowed_packet") {
			t.Errorf("got %v", err)
		}
		a.do(writes[0])
	})
}

// TestIdleSessionIsEnded: the server ends a transaction that a frozen bridge has left open, and not a session that
// has nothing to do.
func TestIdleSessionIsEnded(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		variable, inside, outside := "wait_timeout", "30", fmt.Sprint(idleForever)
		if flavor == testserver.FlavorMariaDB {
			variable, outside = "idle_transaction_timeout", "30" // which counts inside of transactions alone
		}
		got := func() string {
			text, err := a.Session.(*session).conn.Text(t.Context(), "SELECT @@SESSION."+variable)
			if err != nil {
				t.Fatal(err)
			}
			return text[0]
		}
		for seq := range 4 {
			a.Begin(loopguard.Marker{Origin: "eu/1", Seq: uint64(seq) + 1}, apply.AsSets)
			if _, err := a.Write(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if got := got(); got != inside {
				t.Errorf("%s is %s in a transaction", variable, got)
			}
			end := a.Commit
			if seq%2 == 0 {
				end = a.Rollback
			}
			if err := end(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := got(); got != outside {
				t.Errorf("%s is %s after a transaction", variable, got)
			}
		}
	})
}

// TestLostConnection: it's neither a reason to try again on the same session, nor a refused row.
func TestLostConnection(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		a.Begin(loopguard.Marker{Origin: "eu/1", Seq: 1}, apply.AsSets)
		if _, err := a.Write(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		run(t, b.admin, fmt.Sprintf("KILL %d", a.Session.(*session).conn.ID()))
		err := a.Commit(t.Context())
		if err == nil || errors.Is(err, apply.ErrRetry) || errors.Is(err, apply.ErrRefused) || mysql.Classify(err) != mysql.Retry {
			t.Errorf("got %v", err)
		}
		if err := a.Rollback(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if got := servertest.QueryMySQL(t, b.server, "bridge", "SELECT count(*) FROM progress"); got[0] != "0" {
			t.Errorf("%s markers", got)
		}
	})
}
