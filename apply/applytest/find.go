package applytest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/naming"
	"bridge/visibility"
)

// Constraints reads those of all tables.
func Constraints(t testing.TB, target apply.Target) visibility.Catalog {
	t.Helper()
	catalog, err := target.Constraints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// table reads a table's constraints.
func table(t testing.TB, target apply.Target, schema, name string) *visibility.Table {
	t.Helper()
	catalog := Constraints(t, target)
	found := catalog[change.TableName{Schema: schema, Name: name}]
	if found == nil {
		t.Fatalf("no constraints of %s.%s are known; those of %d tables are", schema, name, len(catalog))
	}
	return found
}

// find looks rows up and tells them in the order of their keys, as "schema.table (key) value|value".
func (s *session) find(table *visibility.Table, columns string, values ...string) (list []string) {
	s.t.Helper()
	return s.look(lookup(table, columns, values...))
}

// findParents is find of rows that others name.
func (s *session) findParents(table *visibility.Table, columns string, values ...string) (list []string) {
	s.t.Helper()
	l := lookup(table, columns, values...)
	l.Parents = true
	return s.look(l)
}

func (s *session) look(l *visibility.Lookup) (list []string) {
	s.t.Helper()
	table := l.Table
	rows, err := s.Find(s.t.Context(), l)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range rows {
		r := &rows[i]
		if r.Table.Fingerprint() != table.Shape.Fingerprint() || len(r.Image) != len(table.Shape.Columns) {
			s.t.Errorf("row %s has %d values in the shape %+v", r.Key, len(r.Image), r.Table)
		}
		list = append(list, r.Key.String()+" "+told(r.Image))
	}
	slices.Sort(list)
	return list
}

// lookup is of columns and tuples of values, each separated by "|".
func lookup(table *visibility.Table, columns string, values ...string) *visibility.Lookup {
	l := &visibility.Lookup{Table: table, Columns: strings.Split(columns, "|")}
	for _, tuple := range values {
		var row []change.Value
		for _, v := range strings.Split(tuple, "|") {
			row = append(row, change.Text(v))
		}
		l.Values = append(l.Values, row)
	}
	return l
}

func told(image change.Image) string {
	var out []string
	for _, v := range image {
		text, ok := v.Text()
		switch {
		case v.IsAbsent():
			text = "absent"
		case !ok:
			text = "NULL"
		}
		out = append(out, text)
	}
	return strings.Join(out, "|")
}

func wantRows(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

const createStaff = `CREATE TABLE app.staff (id bigint PRIMARY KEY, name varchar(40), n bigint, boss bigint,
	CONSTRAINT staff_name UNIQUE (name), CONSTRAINT staff_boss FOREIGN KEY (boss) REFERENCES app.staff (id))`

func finds(t *testing.T, b *Bed) {
	b.exec(t, createStaff)
	b.exec(t, `INSERT INTO app.staff VALUES (-1, 'a', 7, NULL), (2, 'it''s', 7, -1), (3, NULL, 8, -1), (4, 'd', NULL, 2)`)
	staff := table(t, b.Target, "app", "staff")
	s := open(t, b, 0)
	s.begin(false)
	one, two, three, four := "app.staff (-1) -1|a|7|NULL", "app.staff (2) 2|it's|7|-1", "app.staff (3) 3|NULL|8|-1", "app.staff (4) 4|d|NULL|2"
	wantRows(t, "no values", s.find(staff, "id"))
	wantRows(t, "by key", s.find(staff, "id", "2", "-1", "99"), one, two)
	wantRows(t, "by a value given twice", s.find(staff, "id", "4", "4"), four)
	wantRows(t, "by a unique value", s.find(staff, "name", "it's", "none", ""), two)
	wantRows(t, "by a reference", s.find(staff, "boss", "-1", "2", "3"), two, three, four)
	wantRows(t, "by two columns", s.find(staff, "n|boss", "7|-1", "8|2", "8|-1"), two, three)
	wantRows(t, "by two columns, one tuple twice", s.find(staff, "boss|n", "-1|7", "-1|7"), two)
	s.write()
	s.commit()
	if p, err := b.Target.Progress(t.Context()); err != nil || p["eu/1"] != s.last {
		t.Errorf("progress %+v, %v; want %+v", p, err, s.last)
	}
	s.begin(false) // what a transaction wrote itself is found
	s.write(change4(staff))
	wantRows(t, "what was written", s.find(staff, "name", "new", "d"), "app.staff (4) 4|new|1|NULL")
	s.rollback()
}

// change4 makes row 4 of staff be another.
func change4(staff *visibility.Table) apply.Write {
	image := change.Image{change.Text("4"), change.Text("new"), change.Text("1"), change.Null}
	key, err := change.KeyOf(staff.Shape, image, nil)
	if err != nil {
		panic(err)
	}
	return apply.Write{Kind: apply.Update, Table: staff.Shape, Key: key, Image: image}
}

func findsQuoted(t *testing.T, b *Bed) {
	odd, column, key := "Odd \"t`able", "a \"b`", "Select"
	name := "app." + b.Quote(odd)
	b.exec(t, "CREATE TABLE "+name+" ("+b.Quote(key)+" bigint PRIMARY KEY, "+b.Quote(column)+" bigint UNIQUE)")
	b.exec(t, "INSERT INTO "+name+" VALUES (1, 10), (2, 20)")
	found := table(t, b.Target, "app", odd)
	s := open(t, b, 0)
	s.begin(false)
	wantRows(t, "by an odd column", s.find(found, column, "20"), "app."+odd+" (2) 2|20")
	wantRows(t, "by an odd key", s.find(found, key, "1"), "app."+odd+" (1) 1|10")
	s.rollback()
}

func findsNamed(t *testing.T, b *Bed) {
	names, err := naming.New(naming.Rules{Tables: []naming.Table{{Local: change.TableName{Schema: "app", Name: "artikel"},
		Stream: change.TableName{Schema: "shop", Name: "item"}, Columns: map[string]string{"bez": "name", "nr": "id", "teil": "part"}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.exec(t, `CREATE TABLE app.artikel (nr bigint PRIMARY KEY, bez varchar(40), teil bigint, CONSTRAINT artikel_bez UNIQUE (bez, teil),
		CONSTRAINT artikel_teil FOREIGN KEY (teil) REFERENCES app.artikel (nr))`)
	b.exec(t, `INSERT INTO app.artikel VALUES (1, 'a', NULL), (2, 'a', 1)`)
	b.Target = b.Named(names)
	t.Cleanup(func() { b.Target.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
	item := table(t, b.Target, "shop", "item")
	wantRows(t, "constraints", describe(visibility.Catalog{item.Shape.TableName: item}), "shop.item (id) id, name, part",
		"shop.item: foreign artikel_teil (part) to shop.item (id)", "shop.item: unique artikel_bez (name, part)")
	if a, err := b.Target.Form(t.Context(), item.Shape.TableName, "name", "a"); err != nil || a == "" {
		t.Errorf("form %q, %v", a, err)
	}
	s := open(t, b, 0)
	s.begin(false)
	wantRows(t, "by columns with other names", s.find(item, "name|part", "a|1"), "shop.item (2) 2|a|1")
	s.rollback()
}

// findLocks: a row that was found is the session's until the end of its transaction. What isn't there is free.
func findLocks(t *testing.T, b *Bed) {
	b.exec(t, createStaff)
	b.exec(t, `INSERT INTO app.staff VALUES (1, 'a', 1, NULL), (2, 'b', 2, NULL), (3, 'c', 3, 2), (4, 'd', 4, NULL), (5, 'e', 5, NULL)`)
	staff := table(t, b.Target, "app", "staff")
	s := open(t, b, 0)
	s.begin(false)
	wantRows(t, "by a unique value", s.find(staff, "name", "a", "zoe"), "app.staff (1) 1|a|1|NULL")
	wantRows(t, "by a reference", s.find(staff, "boss", "2", "4"), "app.staff (3) 3|c|3|2")
	wantRows(t, "by key", s.find(staff, "id", "5", "60"), "app.staff (5) 5|e|5|NULL")
	b.exec(t, `UPDATE app.staff SET n = 20 WHERE id = 2`)
	b.exec(t, `INSERT INTO app.staff VALUES (6, 'zoe', 6, 4), (60, 'f', 6, NULL)`)
	b.wantBlocked(t, `UPDATE app.staff SET n = 10 WHERE id = 1`, `UPDATE app.staff SET boss = NULL WHERE id = 3`, `DELETE FROM app.staff WHERE id = 5`)
	s.commit()
	b.exec(t, `UPDATE app.staff SET n = 10 WHERE id = 1`)
}

// findParents: a parent that was found stays as it is until the end of the transaction, while applications give it children, and
// hold such for long. Once it's found as a row to be written, they wait.
func findParents(t *testing.T, b *Bed) {
	b.exec(t, createStaff)
	b.exec(t, `INSERT INTO app.staff VALUES (1, 'a', 1, NULL), (2, 'b', 2, NULL)`)
	staff := table(t, b.Target, "app", "staff")
	s, other := open(t, b, 0), open(t, b, 1)
	s.begin(false)
	one := "app.staff (1) 1|a|1|NULL"
	wantRows(t, "as a parent", s.findParents(staff, "id", "1", "99"), one)
	b.exec(t, `INSERT INTO app.staff VALUES (3, 'c', 3, 1)`)
	b.wantBlocked(t, `UPDATE app.staff SET n = 10 WHERE id = 1`, `DELETE FROM app.staff WHERE id = 1`)
	wantRows(t, "as a row to be written", s.find(staff, "id", "1"), one)
	b.wantBlocked(t, `INSERT INTO app.staff VALUES (4, 'd', 4, 1)`)
	s.commit()
	s.begin(false)
	s.findParents(staff, "id", "2")
	other.begin(false)
	if rows, err := other.Find(t.Context(), lookup(staff, "id", "2")); !errors.Is(err, apply.ErrRetry) {
		t.Errorf("another session finds %d rows to be written, %v; want a reason to try again", len(rows), err)
	}
	other.rollback()
	s.commit()
	b.exec(t, `INSERT INTO app.staff VALUES (4, 'd', 4, 1)`)
}

// findHeldParents: parents that are held can't go, and others may hold them, too.
func findHeldParents(t *testing.T, b *Bed) {
	b.exec(t, createStaff)
	b.exec(t, `INSERT INTO app.staff VALUES (1, 'a', 1, NULL)`)
	l := lookup(table(t, b.Target, "app", "staff"), "id", "1", "99")
	l.Parents, l.Held = true, true
	s, other := open(t, b, 0), open(t, b, 1)
	s.begin(false)
	other.begin(false)
	for _, s := range []*session{s, other} {
		wantRows(t, "as a parent", s.look(l), "app.staff (1) 1|a|1|NULL")
	}
	b.exec(t, `INSERT INTO app.staff VALUES (3, 'c', 3, 1)`)
	b.wantBlocked(t, `DELETE FROM app.staff WHERE id = 1`)
	s.commit()
	b.wantBlocked(t, `DELETE FROM app.staff WHERE id = 1`)
	other.commit()
	b.exec(t, `DELETE FROM app.staff WHERE id = 3`)
	b.exec(t, `DELETE FROM app.staff WHERE id = 1`)
}

func findHeld(t *testing.T, b *Bed) {
	b.exec(t, createStaff)
	b.exec(t, `INSERT INTO app.staff VALUES (1, 'a', 1, NULL)`)
	staff := table(t, b.Target, "app", "staff")
	holder, s := open(t, b, 1), open(t, b, 0)
	holder.begin(false)
	holder.find(staff, "id", "1")
	s.begin(false)
	if rows, err := s.Find(t.Context(), lookup(staff, "name", "a")); !errors.Is(err, apply.ErrRetry) {
		t.Fatalf("got %d rows, %v; want a reason to try again", len(rows), err)
	}
	s.rollback()
	holder.commit()
	s.begin(false)
	wantRows(t, "once it's free", s.find(staff, "name", "a"), "app.staff (1) 1|a|1|NULL")
	s.rollback()
}
