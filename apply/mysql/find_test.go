package mysql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/loopguard"
	"bridge/visibility"
)

// begin begins the next transaction.
func (a *applier) begin(how apply.Manner) {
	a.seq++
	a.Begin(loopguard.Marker{Origin: "eu/1", Seq: a.seq, Time: 10, Offset: 1}, how)
}

func (a *applier) rollback() {
	a.t.Helper()
	if err := a.Rollback(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

// find looks up tuples of values, separated by "|", and tells the rows' keys in their order.
func (a *applier) find(table *change.Table, columns string, tuples ...string) (keys []string) {
	a.t.Helper()
	rows, err := a.Find(a.t.Context(), lookup(table, columns, tuples...))
	if err != nil {
		a.t.Fatal(err)
	}
	for _, r := range rows {
		values, _ := r.Key.Values()
		keys = append(keys, strings.Join(values, "|"))
	}
	slices.Sort(keys)
	return keys
}

func lookup(table *change.Table, columns string, tuples ...string) *visibility.Lookup {
	l := &visibility.Lookup{Table: &visibility.Table{Shape: table}, Columns: strings.Split(columns, "|")}
	for _, tuple := range tuples {
		l.Values = append(l.Values, image(strings.Split(tuple, "|")...))
	}
	return l
}

// wantServed asks the server how it finds a lookup's rows: by an index, and only those.
func wantServed(t *testing.T, b *bed, a *applier, l *visibility.Lookup, index string) {
	t.Helper()
	s := a.Session.(*session)
	f, err := s.finder(t.Context(), l.Table.Shape)
	if err != nil {
		t.Fatal(err)
	}
	queries, err := f.queries(l, s.packetLimit/2)
	if err != nil || len(queries) == 0 {
		t.Fatalf("%d queries, %v", len(queries), err)
	}
	format := "EXPLAIN "
	if b.server.Flavor() == testserver.FlavorMySQL {
		format = "EXPLAIN FORMAT=TRADITIONAL "
	}
	for _, sql := range queries {
		plan := rows(t, b.admin, "USE bridge; "+format+string(sql))
		served := slices.ContainsFunc(plan, func(line string) bool {
			return strings.Contains(line, "|"+index+"|") && slices.ContainsFunc([]string{"const", "ref", "range"}, func(access string) bool { return strings.Contains(line, "|"+access+"|") })
		})
		if !served && !strings.Contains(plan[0], "const table") && !strings.Contains(plan[0], "Impossible") {
			t.Errorf("index %s doesn't serve: %q\nin: %.300s", index, plan, sql)
		}
	}
}

// TestFindTypes: rows with values of every type are read as capture would log them, and found by those that can be in a key, through
// its index.
func TestFindTypes(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		eachType(a, types, flavor, "f", func(t *testing.T, name string, c *typeCase) {
			unique := ", UNIQUE u (v, g)"
			if c.nokey && c.ddl != "double" {
				unique = ""
			}
			run(t, b.admin, fmt.Sprintf("CREATE TABLE app.%s (k int PRIMARY KEY, v %s, g int%s)", name, c.ddl, unique))
			table := change.NewTable(change.TableName{Schema: "app", Name: name}, []change.Column{{Name: "k", Type: "int", Key: true}, {Name: "v", Type: "x"}, {Name: "g", Type: "int"}}, true)
			byKey, byValue := lookup(table, "k"), lookup(table, "v|g")
			var inserts []apply.Write
			for k, v := range c.values {
				inserts = append(inserts, write(t, apply.Upsert, table, image(fmt.Sprint(k), v, "5")...))
				byKey.Values = append(byKey.Values, image(fmt.Sprint(k)))
				byValue.Values = append(byValue.Values, image(v, "5"))
			}
			a.do(append(inserts, write(t, apply.Upsert, table, image("99", "NULL", "5")...))...)
			byKey.Values = append(byKey.Values, image("99"))
			lookups, want := []*visibility.Lookup{byKey}, append(slices.Clone(c.values), "NULL")
			if unique != "" {
				wantServed(t, b, a, byValue, "u")
				wantServed(t, b, a, &visibility.Lookup{Table: byValue.Table, Columns: byValue.Columns, Values: byValue.Values[:1]}, "u")
				lookups = append(lookups, byValue)
			}
			a.begin(apply.AsSets)
			for n, l := range lookups {
				found, err := a.Find(t.Context(), l)
				if err != nil {
					t.Fatal(err)
				}
				slices.SortFunc(found, func(a, b visibility.Row) int { return strings.Compare(a.Key.String(), b.Key.String()) })
				var got []string
				for _, r := range found {
					text, ok := r.Image[1].Text()
					if !ok {
						text = "NULL"
					}
					got = append(got, text)
				}
				if !sameTexts(c.ddl, got[:min(len(got), len(c.values))], c.values) || len(got) != len(want)-n {
					t.Errorf("by %v: got %.200q\nwant %.200q", l.Columns, got, want)
				}
			}
			a.rollback()
		})
	})
}

// TestFindEqual: rows are found by any text that the column's collation holds equal, and named as capture names them; and what the
// column's character set lacks isn't taken for a question mark.
func TestFindEqual(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		for _, collation := range []string{"utf8mb4_general_ci", "utf8mb4_unicode_ci", "latin1_german1_ci", "utf8mb3_general_ci"} {
			t.Run(collation, func(t *testing.T) {
				b := newBed(t, flavor)
				a := newApplier(t, b)
				charset, _, _ := strings.Cut(collation, "_")
				run(t, b.admin, fmt.Sprintf("CREATE TABLE app.t (id varchar(20), n int, mail varchar(20), PRIMARY KEY (id, n), UNIQUE u (mail)) CHARACTER SET %s COLLATE %s", charset, collation))
				run(t, b.admin, "INSERT INTO app.t VALUES ('Übung', 1, 'A'), ('Übung', 2, '?'), ('b', 1, 'é')")
				table := change.NewTable(change.TableName{Schema: "app", Name: "t"}, []change.Column{{Name: "id", Type: "x", Key: true}, {Name: "n", Type: "x", Key: true}, {Name: "mail", Type: "x"}}, true)
				a.begin(apply.AsSets)
				form, err := b.Target.Form(t.Context(), table.TableName, "id", "UBUNG ")
				if err != nil {
					t.Fatal(err)
				}
				for _, tc := range []struct {
					columns, values string
					want            []string
				}{
					{"mail", "a", []string{form + "|1"}}, {"mail", "A ", []string{form + "|1"}}, {"mail", "a ,A,a", []string{form + "|1"}},
					{"mail", "😀,Ж", nil}, {"mail", "É", []string{"b|1"}}, {"mail", "E", []string{"b|1"}}, {"mail", "?", []string{form + "|2"}},
					{"id|n", "ubung|2,ÜBUNG |1", []string{form + "|1", form + "|2"}}, {"id", "ubung", []string{form + "|1", form + "|2"}},
				} {
					if collation == "latin1_german1_ci" && tc.values == "É" { // é and É are equal there, e isn't
						continue
					}
					if collation == "latin1_german1_ci" && tc.values == "E" {
						tc.want = rows(t, b.admin, "SELECT concat(id, '|', n) FROM app.t WHERE mail = 'E'")
					}
					if got := a.find(table, tc.columns, strings.Split(tc.values, ",")...); !slices.Equal(got, tc.want) {
						t.Errorf("by %s %q: got %q, want %q", tc.columns, tc.values, got, tc.want)
					}
				}
				if got, want := form, mustForm(t, b, "übung"); got != want {
					t.Errorf("forms %q and %q", got, want)
				}
				if _, err := a.Find(t.Context(), lookup(table, "mail", "\x00A")); !errors.Is(err, apply.ErrRefused) {
					t.Errorf("found by a form: %v", err)
				}
				a.rollback()
			})
		}
	})
}

func mustForm(t *testing.T, b *bed, text string) string {
	t.Helper()
	form, err := b.Target.Form(t.Context(), change.TableName{Schema: "app", Name: "t"}, "id", text)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// TestFindWhatCantBe: no row holds a value that its column can't.
func TestFindWhatCantBe(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, e enum('a','b') UNIQUE, d decimal(5,2) UNIQUE, n tinyint UNIQUE, v varchar(2) UNIQUE, at datetime UNIQUE);"+
			"INSERT INTO app.t VALUES (1, 'a', 1.01, 127, 'ab', '2024-01-02 03:04:05'), (2, 'b', 1, -128, 'a', '2024-01-02 03:04:06')")
		table := shapeOfTable("id", "e", "d", "n", "v", "at")
		a.begin(apply.AsSets)
		for columns, value := range map[string]string{"e": "c", "d": "1.005", "n": "300", "v": "abc", "at": "2024-01-02 03:04:05.5"} {
			if got := a.find(table, columns, value); len(got) != 0 {
				t.Errorf("by %s %s: %q", columns, value, got)
			}
		}
		if got := a.find(table, "e|d", "c|1.00", "b|1.00"); !slices.Equal(got, []string{"2"}) {
			t.Errorf("with another: %q", got)
		}
		a.rollback()
	})
}

// TestFindMany: an index serves however many rows are looked up, in however small a table, and also where packets are small.
func TestFindMany(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		run(t, b.admin, "SET GLOBAL max_allowed_packet = 65536")
		defer run(t, b.admin, "SET GLOBAL max_allowed_packet = DEFAULT")
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, a varchar(200), b int, c bigint, UNIQUE u (a, b), KEY c (c)); INSERT INTO app.t VALUES (1, 'x', 1, 1), (2, 'x', 2, 1), (3, 'y', 1, 2)")
		table := shapeOfTable("id", "a", "b", "c")
		pairs, ids, refs := lookup(table, "b|a"), lookup(table, "id"), lookup(table, "c")
		for n := range 1000 {
			pairs.Values = append(pairs.Values, image(fmt.Sprint(n), "x"), image(fmt.Sprint(n), strings.Repeat("z", 150)))
			ids.Values = append(ids.Values, image(fmt.Sprint(n)))
			refs.Values = append(refs.Values, image(fmt.Sprint(n%3)))
		}
		a.begin(apply.AsSets)
		for _, tc := range []struct {
			l     *visibility.Lookup
			index string
			want  int
		}{{pairs, "u", 2}, {ids, "PRIMARY", 3}, {refs, "c", 3}} {
			wantServed(t, b, a, tc.l, tc.index)
			if found, err := a.Find(t.Context(), tc.l); err != nil || len(found) != tc.want {
				t.Errorf("by %v: %d rows, %v; want %d", tc.l.Columns, len(found), err, tc.want)
			}
		}
		a.rollback()
	})
}

// TestFindPassesOthers: a row that isn't looked up isn't waited for, though it's the next in the index; nor is the place of one
// that isn't there taken.
func TestFindPassesOthers(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, name varchar(20), boss int, UNIQUE u (name), KEY boss (boss));"+
			"INSERT INTO app.t VALUES (1, 'a', 1), (3, 'c', 2), (5, 'e', 3), (7, 'g', 3)")
		table := shapeOfTable("id", "name", "boss")
		holder, err := connector(root(b.server))(t.Context(), "holder")
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		run(t, holder, "BEGIN; SELECT * FROM app.t WHERE id = 3 FOR UPDATE; UPDATE app.t SET id = id WHERE id = 3; INSERT INTO app.t VALUES (9, 'i', 3)")
		a.begin(apply.AsSets)
		for _, tc := range []struct {
			columns string
			values  []string
			want    []string
		}{
			{"id", []string{"1", "2", "4", "5"}, []string{"1", "5"}}, {"name", []string{"b"}, nil}, {"name", []string{"a", "b", "d", "e"}, []string{"1", "5"}},
			{"boss", []string{"1"}, []string{"1"}}, {"boss", []string{"0", "1"}, []string{"1"}},
		} {
			if got := a.find(table, tc.columns, tc.values...); !slices.Equal(got, tc.want) {
				t.Errorf("by %s %q: %q", tc.columns, tc.values, got)
			}
		}
		run(t, holder, "INSERT INTO app.t VALUES (2, 'b', 0), (4, 'd', 1)")
		if found, err := a.Find(t.Context(), lookup(table, "boss", "3")); !errors.Is(err, apply.ErrRetry) || !strings.Contains(err.Error(), "app.t") {
			t.Errorf("found %d rows of which one is held, %v", len(found), err)
		}
		a.rollback()
	})
}

// TestSavepointAfterADeadlock: where the server has ended the whole transaction, there's nothing to go back to, and the error says so.
func TestSavepointAfterADeadlock(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, v int); INSERT INTO app.t VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)")
		table := shapeOfTable("id", "v")
		holder, err := root(b.server).Connect(t.Context(), mysql.Session{Name: "holder"})
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		run(t, holder, "BEGIN; UPDATE app.t SET v = 0 WHERE id > 1") // it has changed more rows, so it isn't the victim
		a.begin(apply.AsSets)
		a.find(table, "id", "1")
		if err := a.Savepoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := holder.Send(t.Context(), "UPDATE app.t SET v = 0 WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		for rows(t, b.admin, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")[0] != "Innodb_row_lock_current_waits|1" { // until it waits
		}
		if _, err := a.Find(t.Context(), lookup(table, "id", "2")); !errors.Is(err, apply.ErrRetry) || errors.Is(err, apply.ErrRefused) {
			t.Errorf("got %v", err)
		}
		a.rollback()
		if _, err := holder.Receive(t.Context()); err != nil {
			t.Error(err)
		}
		run(t, holder, "ROLLBACK")
		a.seq--
		a.do(write(t, apply.Upsert, table, image("1", "7")...))
	})
}
