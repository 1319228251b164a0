package mysql_test

import (
	"strings"
	"testing"

	"bridge/casebook"
	casemysql "bridge/casebook/mysql"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
)

// What "bridge grants --operator" prints is enough, and read-only is that.
func TestOperator(t *testing.T) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) { operator(t, flavor) })
	}
}

func operator(t *testing.T, flavor testserver.Flavor) {
	b := bed(t, flavor)
	server := servertest.MySQLDatabase(t, flavor).Server
	b.Exec(t, "CREATE TABLE app.item (id int PRIMARY KEY, n int); INSERT INTO app.item VALUES (1, 2);"+
		"INSERT INTO bridge.conflicts (type, table_schema, table_name, `key`, rule, outcome, origin, seq, versions, result)"+
		`VALUES ('update_concurrent', 'app', 'item', '["1"]', 'last_write_wins', 'kept', 'eu/1', 1,
		'[{"origin": "eu/1", "seq": 1, "time": "2026-01-01T00:00:00Z", "kind": "update", "image": {"id": "1", "n": "1"}}]', '{"exists": true, "image": {"id": "1", "n": "2"}}')`)
	b.Exec(t, "INSERT INTO bridge.parked (table_schema, table_name, row_key, image, claim_time, claim_origin, reason, document)"+
		`VALUES ('app', 'item', '7', '{}', 1, 'us/1', 'unique', '{"row":"ATc=","schema":"app","name":"item","columns":[{"name":"id","type":"integer","key":true},{"name":"n","type":"integer"}],"image":[{"t":"7"},{"t":"8"}],"claim_time":1,"claim_origin":"us/1","reason":"unique"}')`)
	for _, tc := range []struct {
		user     string
		readOnly bool
	}{{"reader", true}, {"resol'ver", false}} {
		var script strings.Builder
		if err := (mysql.Grants{User: tc.user, Include: [][2]string{{"^app$", "^"}}}).WriteOperator(&script, tc.readOnly); err != nil {
			t.Fatal(err)
		}
		account := mysql.Literal(tc.user) + "@'%'"
		for range 2 {
			for sql := range testserver.MySQLStatements(script.String()) {
				b.Exec(t, sql)
			}
		}
		b.Exec(t, "ALTER USER "+account+" IDENTIFIED BY 'secret' ACCOUNT UNLOCK")
		defer b.Exec(t, "DROP USER "+account)
		as := mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: tc.user, Password: "secret", SSLMode: "disable"}
		book, err := casemysql.Open(t.Context(), as, mysql.Session{Name: "bridge/eu/conflicts"}, "c", "eu", naming.Names{})
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close(t.Context()) //nolint:errcheck // the test is over
		var c *casebook.Case
		if err := book.Cases(t.Context(), casebook.Filter{}, func(found *casebook.Case) error { c = found; return nil }); err != nil || c == nil {
			t.Fatalf("%s: %+v, %v", tc.user, c, err)
		}
		if row, err := book.Row(t.Context(), c); err != nil || *row.Values["n"] != "2" {
			t.Errorf("%s: %+v, %v", tc.user, row, err)
		}
		err = book.Resolve(t.Context(), c.ID, casebook.Mark{By: "zoe", How: "picked eu"}, false, (&casebook.Choice{Pick: "eu"}).Change)
		if (err != nil) != tc.readOnly || err != nil && !strings.Contains(err.Error(), "bridge grants --operator") {
			t.Errorf("%s resolves: %v", tc.user, err)
		}
		p, err := casebook.FindParked(t.Context(), book, c.TableName(), []string{"7"})
		if err != nil {
			t.Fatalf("%s: %v", tc.user, err)
		}
		release := func() error {
			return book.Release(t.Context(), p, func(row *casebook.Row) (casebook.Change, error) { return p.Change(row, casebook.Image{"n": nil}) })
		}
		for _, err := range []error{book.Discard(t.Context(), p), release()} {
			if (err != nil) != tc.readOnly || err != nil && !strings.Contains(err.Error(), "bridge grants --operator") {
				t.Errorf("%s discards or resolves a parked row: %v", tc.user, err)
			}
		}
	}
	if got := b.Rows(t, "SELECT n FROM app.item WHERE n IS NOT NULL"); len(got) != 1 || got[0] != "1" {
		t.Errorf("the row has %v, want 1", got)
	}
}
