package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/apply"
	"bridge/apply/applytest"
	"bridge/change"
	pg "bridge/internal/postgres"
	"bridge/loopguard"
	"bridge/naming"
	"bridge/visibility"
)

const computedKeys = `
CREATE EXTENSION citext SCHEMA app; CREATE DOMAIN app.code AS varchar(9) CHECK (VALUE <> 'x');
CREATE FUNCTION app.secret(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'; REVOKE EXECUTE ON FUNCTION app.secret FROM PUBLIC;
CREATE TABLE app.account (id int PRIMARY KEY, email text, "Tenant x" int, gone timestamptz, kind app.code, n numeric, nick app.citext, "bridge's 0" int, doc jsonb);
CREATE UNIQUE INDEX one_email ON app.account (lower(email)) WHERE gone IS NULL;
CREATE UNIQUE INDEX one_kind ON app.account ("Tenant x", kind) WHERE kind = 'main' AND "Tenant x" > 0;
CREATE UNIQUE INDEX one_number ON app.account (round(n), (email || coalesce(kind, ''))) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX one_null ON app.account (nick, n) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX one_path ON app.account ((doc ->> 'a'), "Tenant x");
CREATE UNIQUE INDEX unsure ON app.account (justify_days(make_interval(days => "Tenant x")));`

// TestPlaces: the database refuses the second of two rows by a computed key exactly where bridge takes their places for one, and a look-up by
// the one finds the other.
func TestPlaces(t *testing.T) {
	b := newBed(t, 15)
	run(t, b, computedKeys)
	table := applytest.Constraints(t, b.Target)[change.TableName{Schema: "app", Name: "account"}]
	if got, want := describe(table), []string{"one_email: computed of email, gone", "one_kind: computed of Tenant x, kind", "one_null: nick, n with NULLs",
		"one_number: computed of email, kind, n with NULLs", "one_path: computed of Tenant x, doc"}; !slices.Equal(got, want) {
		t.Fatalf("got %q\nwant %q", got, want)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	pools := [][]string{{"a@x", "A@x", "é", "É", "NULL"}, {"1", "1", "-1", "NULL"}, {"2026-01-01 00:00:00+00", "NULL"}, {"main", "main", "side", "NULL"}, {"1.4", "1", "1.0", "NULL"},
		{"Nick", "nick", "NULL"}, {"7"}, {`{"a": "x"}`, `{"a": "x", "b": 1}`, "{}", "NULL"}}
	draw := func(id string) change.Image {
		image := change.Image{change.Text(id)}
		for _, pool := range pools {
			v := change.Null
			if text := pool[r.IntN(len(pool))]; text != "NULL" {
				v = change.Text(text)
			}
			image = append(image, v)
		}
		return image
	}
	s, application := applier(t, b), applier(t, b).(*session).conn
	met := map[string]int{}
	for range 250 {
		first, second := draw("1"), draw("2")
		if err := insert(t, application, first); err != nil {
			t.Fatal(err)
		}
		clash := clashes(t, application, second)
		var want []string
		for i := range table.Unique {
			u := &table.Unique[i]
			if place := placeOf(t, b.Target, table, u, first); place == "" || place != placeOf(t, b.Target, table, u, second) {
				continue
			}
			want = append(want, u.Name)
			met[u.Name]++
			row := visibility.Row{Table: table.Shape, Image: second}
			values, _ := row.All(u.Columns)
			rows, err := s.Find(t.Context(), &visibility.Lookup{Table: table, Columns: u.Columns, Unique: u, Values: [][]change.Value{values, values}})
			if err != nil || len(rows) != 1 || rows[0].Image[0] != change.Text("1") {
				t.Errorf("by %s %q of %q: %d rows, %v", u.Name, values, first, len(rows), err)
			}
		}
		if !slices.Equal(clash, want) {
			t.Errorf("%q\nand %q: clash by %q in the database, by %q here", first, second, clash, want)
		}
		if err := s.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Begin(loopguard.Marker{Origin: "eu/1", Seq: 1, Time: 1, Offset: 1}, apply.AsSets)
		if _, err := application.Exec(t.Context(), `DELETE FROM app.account`); err != nil {
			t.Fatal(err)
		}
	}
	for i := range table.Unique {
		if met[table.Unique[i].Name] == 0 {
			t.Errorf("no two rows met by %s", table.Unique[i].Name)
		}
	}
}

// placeOf is what a row takes of a key, as visibility has it.
func placeOf(t *testing.T, target apply.Target, table *visibility.Table, u *visibility.Unique, image change.Image) string {
	t.Helper()
	marks, err := visibility.Mark(t.Context(), target, table, &visibility.Row{Key: change.Key{Table: table.Shape.TableName}, Table: table.Shape, Image: image})
	if err != nil {
		t.Fatal(err)
	}
	return marks.Holds[slices.IndexFunc(table.Unique, func(v visibility.Unique) bool { return v.Name == u.Name })].Form
}

func insert(t *testing.T, conn *pgx.Conn, image change.Image) error {
	var values []string
	for _, v := range image {
		if text, ok := v.Text(); ok {
			values = append(values, quoted(text))
		} else {
			values = append(values, "NULL")
		}
	}
	_, err := conn.Exec(t.Context(), "INSERT INTO app.account VALUES ("+strings.Join(values, ", ")+")", pgx.QueryExecModeSimpleProtocol)
	return err
}

// clashes are the keys, sorted, by which an insert is refused: each is taken away to see the next.
func clashes(t *testing.T, conn *pgx.Conn, image change.Image) (names []string) {
	t.Helper()
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN; SAVEPOINT x")
	for {
		err := insert(t, conn, image)
		server, ok := errors.AsType[*pgconn.PgError](err)
		if err == nil {
			break
		}
		if !ok || server.Code != "23505" {
			t.Fatal(err)
		}
		exec("ROLLBACK TO x")
		if server.ConstraintName != "unsure" {
			names = append(names, server.ConstraintName)
		}
		exec(fmt.Sprintf("DROP INDEX app.%s; SAVEPOINT x", pg.Quote(server.ConstraintName)))
	}
	exec("ROLLBACK")
	slices.Sort(names)
	return names
}

// TestPlacesElsewhere: of columns with other names, of rows that don't fit, by an index, and not where bridge's role may not compute.
func TestPlacesElsewhere(t *testing.T) {
	b := newBed(t, 15)
	run(t, b, computedKeys)
	names, err := naming.New(naming.Rules{Tables: []naming.Table{{Local: change.TableName{Schema: "app", Name: "account"}, Stream: change.TableName{Schema: "app", Name: "user"},
		Columns: map[string]string{"email": "mail", "gone": "email"}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.Target = b.Named(names)
	t.Cleanup(func() { b.Target.Close(t.Context()) }) //nolint:errcheck // the test is over
	name := change.TableName{Schema: "app", Name: "user"}
	table := applytest.Constraints(t, b.Target)[name]
	if got := describe(table)[0]; got != "one_email: computed of mail, email" {
		t.Errorf("got %q", got)
	}
	target := b.Target.(*Target)
	place := func(key string, values ...change.Value) string {
		t.Helper()
		form, err := target.Place(t.Context(), name, key, values)
		if err != nil {
			t.Fatal(err)
		}
		return form
	}
	if a, b := place("one_email", change.Text("A"), change.Null), place("one_email", change.Text("a"), change.Null); a != b || a == "" {
		t.Errorf("places %q and %q", a, b)
	}
	if place("one_email", change.Text("A"), change.Text("no time")) != "" || place("one_email", change.Text("A"), change.Text("2026-01-01")) != "" {
		t.Error("a row takes a place that isn't shown, or that the key doesn't count")
	}
	s := applier(t, b).(*session)
	u := &table.Unique[0]
	l := &visibility.Lookup{Table: table, Columns: u.Columns, Unique: u, Values: [][]change.Value{{change.Text("A"), change.Null}}}
	if _, err := s.Find(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	bld, err := s.builder(t.Context(), table.Shape)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.finder(bld, l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.conn.Exec(t.Context(), "PREPARE p AS "+p.sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if plan := strings.Join(rowsOf(t, s.conn, "EXPLAIN EXECUTE p (NULL, NULL)"), "\n"); !strings.Contains(plan, "Index Scan") || !strings.Contains(plan, "one_email") {
		t.Errorf("not by the index:\n%s", plan)
	}
}
